"""How what users write of faults is shown: as it may be written."""

from __future__ import annotations

from typing import Any


class Written:
    """Shown in lists and by pretty printers (IPython's, Hypothesis's) as it may be written; `__str__` says how."""

    __slots__ = ()

    def __repr__(self) -> str:
        """As it may be written."""
        return str(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002, FBT001 - as the protocol has it
        """Print it; the protocol is IPython's."""
        printer.text(repr(self))
