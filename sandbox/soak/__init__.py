"""
A soak: pages, workers and everything that production does to them, for minutes; at the end, laws are checked.

`python -m sandbox.soak [--seconds 600]`. Linux alone: memory and children of processes are read from /proc.
"""

from __future__ import annotations

import os

# Whatever project the caller works on: what is soaked has settings of its own.
os.environ["DJANGO_SETTINGS_MODULE"] = "sandbox.soak.settings"
