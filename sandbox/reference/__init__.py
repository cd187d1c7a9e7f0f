"""
Writes `docs/reference.md`: every argument and setting, with the markup that the library makes of it.

`python -m sandbox.reference` writes the page. What people have to say is in `arguments` and `members`; markup,
messages, defaults and lists come from the library, which is asked each time.
"""
