"""The memory of this process."""

from __future__ import annotations

import re
import resource
import sys
from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def reset() -> float:
    """Return what the process has now: MB; and forget what it had, where the system can."""
    try:
        _CLEAR.write_text("5")
    except OSError:
        pass
    return megabytes("VmRSS")


def megabytes(field: str) -> float:
    """
    Return a field of Linux's status, elsewhere the process's peak: MB.

    Not the peak of `getrusage` on Linux: there it begins with that of the process that started this one.
    """
    if _STATUS.exists():
        match = re.search(rf"^{field}:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
        if match:
            return int(match[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
