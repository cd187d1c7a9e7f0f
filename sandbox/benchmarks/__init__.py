"""
Benchmarks: a warm page against hand-written markup, a build against bare Pillow, markers in a page, the first
request of a cold page, many who ask for one picture, two workers against one.

`python -m sandbox.benchmarks`. Machines are noisy: a ratio of two times of the same round is a figure, an
absolute time is not.
"""

from __future__ import annotations

import os

# Whatever project the caller works on: what is measured has settings of its own, and needs them from the
# first import on.
os.environ["DJANGO_SETTINGS_MODULE"] = "sandbox.benchmarks.settings"
