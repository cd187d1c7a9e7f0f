"""A contact sheet to be looked at: pictures that are easily got wrong, and what the engine makes of them."""
