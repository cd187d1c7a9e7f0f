"""Photos drawn by code: the gallery needs some, and a checkout shall carry none."""
