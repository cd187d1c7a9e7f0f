"""Who builds a picture: a text that tells whether its process, on this machine, has ended."""

from __future__ import annotations

import os
import socket
from hashlib import blake2b
from uuid import uuid4

_LENGTH = 32  # characters of the column


def new_owner() -> str:
    """Return a text that is unique to the caller, and names its process."""
    return f"{_process(os.getpid())}{uuid4().hex}"[:_LENGTH]


def has_ended(owner: str) -> bool:
    """
    Tell whether an owner was a process of this machine that is no more, so that its lease need not run out.

    Of others nobody can tell. Where two machines bear one name it may be wrong: then a picture is built twice,
    and the records keep one of the two.
    """
    _, _, rest = owner.partition("-")
    number, _, _ = rest.partition("-")
    if not number.isdecimal() or not owner.startswith(_process(int(number))) or os.name != "posix":
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it is another user's
        pass
    return False


def _process(number: int) -> str:
    machine = blake2b(socket.gethostname().encode(), digest_size=4).hexdigest()
    return f"{machine}-{number}-"
