"""The rules about one method, so ordered that a call meets only those that it may match."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from pytest_ycimages.faults.where import texts_at

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_ycimages.api.exchange import Request
    from pytest_ycimages.faults.injection import Injection

_GLOB = frozenset("*?[")


class Lane:
    """Rules, found by the values that they ask for: a hundred that ask for other values cost as little as one."""

    def __init__(self) -> None:
        self._any: list[tuple[int, Injection]] = []
        self._by_value: dict[str, dict[str, list[tuple[int, Injection]]]] = {}
        self._count = 0

    def add(self, injection: Injection) -> None:
        """Add a rule after those that are there."""
        entry = (self._count, injection)
        self._count += 1
        for path, pattern in injection.rule.where.items():
            if not _GLOB & set(pattern):
                self._by_value.setdefault(path, {}).setdefault(pattern, []).append(entry)
                return
        self._any.append(entry)

    def candidates(self, request: Request) -> Iterable[Injection]:
        """The rules that `request` may match, in their order."""
        found = self._any
        for path, by_value in self._by_value.items():
            for text in texts_at(request, path):
                if text in by_value:
                    found = [*found, *by_value[text]]
        if found is not self._any:
            found.sort(key=itemgetter(0))
        return [injection for _, injection in found if not injection.is_removed]
