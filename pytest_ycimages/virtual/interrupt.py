"""Raises an exception in another thread, and leaves nothing behind if that thread never gets it."""

from __future__ import annotations

import ctypes
import threading

_set_exception = ctypes.pythonapi.PyThreadState_SetAsyncExc
_set_exception.argtypes = (ctypes.c_ulong, ctypes.py_object)


class _Noticed(BaseException):
    """Ends the notice that something is to be raised."""


def interrupt(ident: int, error: type[BaseException]) -> None:
    """Raise `error` in a thread the next time that it runs Python and another thread wants to.

    A thread that waits for ever never does. Up to CPython 3.12, all threads are given notice by one flag, which stays
    up until one of them raises something; and while it is up, CPython 3.11 never comes out of a call that is traced, as
    by `sys.settrace`, a debugger or coverage. So the calling thread raises something as well, and takes the flag down.

    Args:
        ident: of the thread; that of one which has ended is ignored.
        error: what to raise.
    """
    try:
        _set_exception(ident, error)
        _set_exception(threading.get_ident(), _Noticed)
        while True:
            pass
    except _Noticed:
        return
