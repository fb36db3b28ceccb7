"""Fields and headers of a request, as rules name them: whether there can be such a field, and what it says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from pydantic.alias_generators import to_camel, to_snake

from pytest_ycimages.api.methods import CONTRACTS
from pytest_ycimages.errors import UsageError, unknown_word

if TYPE_CHECKING:
    from pytest_ycimages.api.exchange import Request
    from pytest_ycimages.call import Call

_HEADER: Final = "header."


def checked_where(where: object, methods: Iterable[str]) -> Mapping[str, str]:
    """`where`, if requests of these methods may have all that it names.

    Raises:
        UsageError: one of them can have none of it, or a pattern is no text; the text says what would do.
    """
    if not isinstance(where, Mapping):
        raise UsageError(f"where={where!r} cannot be: give a dict of fields and patterns, such as {{'name': 'web-*'}}.")
    known = _fields(methods)
    for path, pattern in where.items():
        if not isinstance(path, str) or not isinstance(pattern, str):
            raise UsageError(
                f"where={{{path!r}: {pattern!r}}} cannot be: field and pattern are text, such as {{'name': 'web-*'}}."
            )
        if not path.startswith(_HEADER) and to_snake(path.partition(".")[0]) not in known:
            raise unknown_word("field (where)", path, (*map(to_camel, known), "header.<name>"))
    return where


def _fields(methods: Iterable[str]) -> frozenset[str]:
    """The fields of the requests that these methods take, in either contract."""
    requests = (contract.requests[method] for contract in CONTRACTS.values() for method in methods)
    return frozenset(name for request in requests for name in request.model_fields)


def fits(call: Request | Call, path: str, pattern: str) -> bool:
    """Whether what a call says there is as the pattern has it; in a list, one element is enough."""
    return any(fnmatchcase(text, pattern) for text in texts_at(call, path))


def texts_at(call: Request | Call, path: str) -> Sequence[str]:
    """What a call says there, as text: nothing where it says nothing, and one text for each element of a list."""
    if path.startswith(_HEADER):
        value: Any = call.metadata.get(path.removeprefix(_HEADER).lower())
    else:
        value = _field(call.message, path)
    if isinstance(value, tuple | list):
        return [text_of(each) for each in value]
    return () if value is None else (text_of(value),)


def _field(message: object, path: str) -> Any:
    """A field, however deep; keys of a map may have dots themselves."""
    name, _, rest = path.partition(".")
    if isinstance(message, Mapping):
        return message[path] if path in message else _field(message.get(name), rest) if rest else None
    value = getattr(message, to_snake(name), None)
    return _field(value, rest) if rest else value


def text_of(value: object) -> str:
    """A value as it is written in JSON, without quotes."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value.value if isinstance(value, Enum) else value)
