"""A lock on an open file: no other process gets it meanwhile, and it ends with the process, however that ends."""

from __future__ import annotations

import errno
import os
import sys
from typing import Final

_TAKEN: Final = frozenset({errno.EACCES, errno.EAGAIN, errno.EDEADLK})

if sys.platform == "win32":
    import msvcrt

    _FAR: Final = 2**40  # what is locked cannot be read by others; nobody reads there

    def _lock(file: int) -> None:
        os.lseek(file, _FAR, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def lock(file: int) -> bool:
    """Lock an open file, without waiting, until it is closed. False: somebody else has locked it.

    A file system that knows no locks is taken for one on which nobody else has any.
    """
    try:
        _lock(file)
    except OSError as error:
        return error.errno not in _TAKEN
    return True
