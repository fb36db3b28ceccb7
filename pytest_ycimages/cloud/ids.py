"""Ids, tokens and random numbers, each a pure function of the seed, its kind and its number.

The only source of randomness. No generator keeps state, so one kind of id never changes another.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from itertools import count
from typing import Final

IMAGE: Final = "fd8"
"""The prefix of images, and of operations on them (observed; api-facts.md, section 3)."""

DISK: Final = "epd"
"""The prefix of disks in the zone `b` (observed)."""

ZONES: Final = ("fhm", DISK, "ef3", "fv4")
"""The prefixes of disks in the zones `a` to `d`, and of the operations on them (observed)."""

FOLDER: Final = "b1g"
SERVICE_ACCOUNT: Final = "aje"

_DIGITS: Final = bytes(b"0123456789abcdefghijklmnopqrstuv"[byte % 32] for byte in range(256))
"""Every byte as one of the 32 digits that the service's ids are made of (observed: `0-9a-v`)."""


def operation_prefix(disk_id: str | None) -> str:
    """Return the prefix of an operation's id: that of the disk's zone for an image made from a disk, else `fd8`."""
    prefix = (disk_id or "")[:3]
    return prefix if prefix in ZONES else IMAGE


_TRACES: Final = 2**64
_STEP: Final = 0x9E3779B97F4A7C15
"""From one id of a trace to the next: odd, so that none comes twice, and far, so that neighbours differ."""


class Ids:
    """Generates ids of the service's form: a prefix of three characters for the kind, then 17 of `0-9a-v`."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._counts: dict[str, count[int]] = {}
        text = self._digest("request", 10).hex()
        self._requests = f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:]}-"
        self._request = count(1)
        traces = self._digest("trace", 16)
        self._traces = int.from_bytes(traces[:8]), int.from_bytes(traces[8:])
        self._trace = count()

    def resource(self, kind: str, prefix: str) -> str:
        """Return the next id of `kind`, 20 characters long."""
        return prefix + self._digest(kind, 17).translate(_DIGITS).decode()

    def request_id(self) -> str:
        """Return the next id of a call: a UUID whose last group counts the calls."""
        return f"{self._requests}{next(self._request):012x}"

    def trace_id(self) -> str:
        """Return the next id of a trace: trace, span and parent, of which the first is the last, and a flag (observed).

        Each is a number of 64 bits in hexadecimal digits, without zeros in front.
        """
        (first_trace, first_span), steps = self._traces, next(self._trace) * _STEP
        trace, span = (first_trace + steps) % _TRACES or 1, (first_span + steps) % _TRACES or 1
        return f"{trace:x}:{span:x}:{trace:x}:1"

    def iam_token(self) -> str:
        """Return the next IAM token, in the shape that clients check: `t1.`, base64url, a dot, 86 of base64url."""
        return _iam_token(self._digest("token", 64) + self._digest("token", 56))

    def fraction(self, kind: str) -> float:
        """Return the next number of `kind`, from 0 up to but not including 1."""
        return _fraction(self._digest(kind, 7))

    def _digest(self, kind: str, size: int) -> bytes:
        number = next(self._counts.setdefault(kind, count()))
        return hashlib.blake2b(f"{self._seed}/{kind}/{number}".encode(), digest_size=size).digest()


def fraction(*words: object) -> float:
    """Return a number from 0 up to but not including 1, determined by `words`."""
    return _fraction(hashlib.blake2b("/".join(map(repr, words)).encode(), digest_size=7).digest())


def _fraction(digest: bytes) -> float:
    return (int.from_bytes(digest) >> 3) / 2**53


def random_seed() -> int:
    """Return a random seed for runs that ask for a new one; it is printed, so that they can be repeated."""
    return secrets.randbelow(2**31)


def random_iam_token() -> str:
    """Return a random IAM token, for a client whose real token is kept from it."""
    return _iam_token(secrets.token_bytes(120))


def _iam_token(random: bytes) -> str:
    text = base64.urlsafe_b64encode(random).decode()
    return f"t1.{text[86:].rstrip('=')}.{text[:86]}"


def random_token() -> str:
    """Return a random secret of 43 characters."""
    return secrets.token_urlsafe(32)
