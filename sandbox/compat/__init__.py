"""
Django's own tests with the library in every project that they make: `python -m sandbox.compat [SUITE …]`.

Each suite runs four times: as it is; with an app and a middleware that do nothing; with ours; and with ours
made to look for markers in every text. What fails with ours must fail as it is, or in the same way with the
ones that do nothing: then it is a test that bears no further app or middleware, whichever it is.
"""
