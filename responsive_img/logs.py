"""What is wrong with a page comes again with every view of it: once per process is enough for the log."""

from __future__ import annotations

import logging

from responsive_img import conf
from responsive_img.exceptions import SpecError

logger = logging.getLogger("responsive_img")

MAX_MESSAGE, MAX_MESSAGES = 500, 1000  # characters; what is remembered must not grow for ever
_logged: dict[str, None] = {}


def log_once(message: str) -> None:
    """Log a warning, once per process as long as not too many others come between."""
    message = message[:MAX_MESSAGE]
    is_new = message not in _logged
    _logged.pop(message, None)
    _logged[message] = None  # the one that was last repeated is the last to be forgotten
    if len(_logged) > MAX_MESSAGES:
        _logged.pop(next(iter(_logged)), None)
    if is_new:
        logger.warning(message)


def raise_or_log(error: SpecError) -> None:
    """
    Say what is wrong with a picture.

    Raises:
        SpecError: Under DEBUG.
    """
    if conf.is_debug():
        raise error
    log_once(f"The source is shown, as what is asked for cannot be: {error}")
