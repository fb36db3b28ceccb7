"""The host names of the real service, and more of them as users may write them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from pytest_ycimages.errors import UsageError

if TYPE_CHECKING:
    HostNames = Iterable[str] | str
else:  # pydantic reads it with the function below, and needs no type
    HostNames = object

HOSTS: Final = ("api.cloud.yandex.net", "*.api.cloud.yandex.net", "api.yandexcloud.kz", "*.api.yandexcloud.kz")
"""The names of the real service: its own, one for each of its services, and the same in Kazakhstan."""

_PATTERN: Final = re.compile(r"[\w.*?\[\]!-]+")


def host_names(value: object) -> tuple[str, ...]:
    """Read host names and globs: some of them, or one text with white space between them.

    Raises:
        UsageError: one of them is no host name.
    """
    names = value.split() if isinstance(value, str) else value if isinstance(value, Iterable) else (value,)
    return tuple(map(_plain, names))


def is_one_of(host: str, patterns: Iterable[str]) -> bool:
    """Whether a host name fits one of these. Neither case nor a dot at its end matters."""
    plain = host.lower().removesuffix(".")
    return any(fnmatchcase(plain, pattern) for pattern in patterns)


def _plain(name: object) -> str:
    if not isinstance(name, str) or not _PATTERN.fullmatch(name):
        raise UsageError(
            f"{name!r} is no host name. Give a name or a glob, without scheme, port or path: such as "
            "'compute.example.net' or '*.example.net'."
        )
    return name.lower().removesuffix(".")
