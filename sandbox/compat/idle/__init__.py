"""An app that does nothing: tables, a migration, a middleware."""
