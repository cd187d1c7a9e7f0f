"""
Hostile files: `python -m sandbox.fuzzing corpus FOLDER`, and `… mutate`.

Each file goes through the engine as an upload would. It may be refused with `BuildError`; it may not raise
anything else, end the process, take longer than a limit, or fill the memory.
"""

from __future__ import annotations

import os

# For the library's limits, which are settings; the processes that are started inherit it.
os.environ["DJANGO_SETTINGS_MODULE"] = "sandbox.settings"
