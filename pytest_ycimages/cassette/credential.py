"""Credential of the user: text that no representation shows, and that only the sender of a request reads."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, NoReturn, final

from pytest_ycimages.errors import UsageError
from pytest_ycimages.redaction.printing import remember

if TYPE_CHECKING:
    from collections.abc import Callable

_SENDABLE: Final = range(0x21, 0x7F)
"""The characters that a header takes in a credential: visible ASCII (RFC 6750, section 2.1, takes fewer)."""


@final
class Credential:
    """A secret text, such as an IAM token.

    Its `repr`, `str` and format name its source only. It has no `vars`, is equal to itself only, hashes by identity,
    cannot be ordered or pickled, and a copy is the same object. Keep the value of `reveal` out of variables: traceback
    reports print those.

    Args:
        text: the secret; white space around it is removed. Empty: there is none, and the credential is false.
        source: the origin of the secret, for texts, such as `YC_TOKEN`.
    """

    __slots__ = ("_reveal", "source")

    _reveal: Callable[[], str]
    source: str

    def __init__(self, text: str, source: str) -> None:
        text = text.strip()
        object.__setattr__(self, "_reveal", lambda: text)  # a representation of a function shows no closure
        object.__setattr__(self, "source", source)

    @classmethod
    def from_environment(cls, name: str) -> Credential:
        """Return the credential in an environment variable; a false one if it is not set.

        Raises:
            UsageError: a header cannot carry it.
        """
        credential = cls(os.environ.get(name, ""), name)
        if not credential.is_sendable:
            raise UsageError(
                f"invalid {name}: expected a token of visible ASCII characters, without spaces or line breaks. "
                f"For example: export {name}=$(yc iam create-token)"
            )
        remember(credential.reveal())
        return credential

    @property
    def is_sendable(self) -> bool:
        """Whether a header can carry the secret: visible ASCII characters only."""
        return all(ord(character) in _SENDABLE for character in self._reveal())

    def reveal(self) -> str:
        """Return the secret. For the sender of a request, and for redaction, which searches texts for it."""
        return self._reveal()

    def put_into(self, header: str, stand_in: str) -> bytes:
        """Return the value of a header with the secret in place of `stand_in`, for the sender of a request."""
        value = header.encode("latin-1")
        return value.replace(stand_in.encode(), self._reveal().encode()) if self and stand_in else value

    def take_out(self, data: bytes, stand_in: str) -> bytes:
        """Return what a server has sent with `stand_in` in place of the secret, so that no client gets it back."""
        return data.replace(self._reveal().encode(), stand_in.encode()) if self and stand_in else data

    def __bool__(self) -> bool:
        return bool(self._reveal())

    def __repr__(self) -> str:
        return f"<Credential from {self.source}>" if self else "<no Credential>"

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a Credential cannot be changed")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a Credential cannot be changed")

    def __copy__(self) -> Credential:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Credential:
        return self

    def __getstate__(self) -> NoReturn:
        raise TypeError("a Credential cannot be pickled: its secret stays in this process")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Credential cannot be pickled: its secret stays in this process")
