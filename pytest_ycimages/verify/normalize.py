"""Normal forms of requests and responses: ids by order of appearance, times by form and relation."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, unquote, unquote_plus, urlsplit

from pytest_ycimages.hosts import is_loopback, split_authority
from pytest_ycimages.redaction.shapes import PLACEHOLDERS

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from pytest_ycimages.cassette.model import RecordedRequest

    Times = dict[str, str]
    Wire = dict[str, Any]

ID: Final = re.compile(r"([a-z][a-z0-9]{2})[0-9a-v*]{17}")
"""An id of the service: three characters for its kind, then 17 digits. Published samples hide some behind stars."""
UUID: Final = re.compile(r"[0-9A-Fa-f*]{8}(-[0-9A-Fa-f*]{4}){3}-[0-9A-Fa-f*]{12}")
TIMES: Final[tuple[str, ...]] = ("createdAt", "modifiedAt")
"""The times of a resource whose relations are compared."""
NEXT_PAGE: Final = "nextPageToken"
INVALID_TOKEN: Final = "invalid"  # noqa: S105 - the service must refuse it
"""The token to send where the recorded client was refused for its credential."""

_ID_IN_TEXT: Final = re.compile(rf"(?<![0-9A-Za-z_-]){ID.pattern}(?![0-9A-Za-z_-])")
_ID_FIELDS: Final = frozenset(
    {"id", "imageId", "folderId", "createdBy", "operationId", "resourceId", "diskId", "snapshotId"}
)
"""The fields whose ids differ from run to run. Ids of licences, for example, do not."""
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?P<fraction>\.\d+)?(?P<zone>Z|[+-]\d\d:\d\d)")
_GROUPS: Final = frozenset({0, 3, 6, 9})
"""The numbers of digits after the second that protobuf prints."""
EXACT: Final = "exact time"
"""The name for the times of an operation or a token; those of images are cut to whole seconds."""
_EXACT: Final = frozenset({EXACT, "expiresAt"})
_RANDOM_FIELDS: Final = frozenset({NEXT_PAGE, "iamToken"})
_SCRUBBED: Final = "SCRUBBED"
_PAGE_TOKENS: Final = frozenset({"pageToken", "page_token"})
_MOVED: Final = {False: "as it was before", True: "another than before"}
_EQUAL: Final = {False: "later than createdAt", True: "equal to createdAt"}
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_SCALAR: Final = re.compile(r"-?\d[\d.eE+-]*|true|false|null")
_LAYOUTS: Final[dict[str, dict[str, Any]]] = {
    "on one line, without spaces": {"separators": (",", ":")},
    "on one line, with spaces": {"separators": (", ", ": ")},
    **{f"indented by {n} space{'s' * (n > 1)} a level": {"indent": n} for n in (1, 2, 3, 4, 8)},
    "indented by a tab a level": {"indent": "\t"},
}


class Kind(StrEnum):
    """What is different about a field."""

    MISSING = "missing"
    """It was recorded, and today's response lacks it."""
    EXTRA = "extra"
    """It is in today's response, and was not recorded."""
    VALUE = "value"
    TYPE = "type"
    """It has another JSON type."""
    FORM = "form"
    """Its value may differ, but its form or its relation to other fields differs too."""
    IDENTITY = "identity"
    """It is not the counterpart of the recorded id."""
    ORDER = "order"
    """Its keys or items are in another order."""
    WHITESPACE = "whitespace"


class NormalPair(NamedTuple):
    """Two texts in normal form: the recorded one and today's, and what is different if they are not equal."""

    kind: Kind
    recorded: Hashable
    answered: Hashable


class IdMap:
    """The counterparts of recorded ids and page tokens in today's responses, learned in order of appearance.

    Args:
        pairs: ids known from the start, recorded id -> today's id.
    """

    def __init__(self, pairs: Mapping[str, str] | None = None) -> None:
        self._today: dict[str, str] = {}
        self._taken: set[str] = set()
        self._pages: dict[str, str] = {}
        self._times: dict[str, tuple[Times, Times]] = {}
        for recorded, answered in (pairs or {}).items():
            self.bind(recorded, answered)

    def bind(self, recorded: str, answered: str) -> None:
        """Make `answered` the counterpart of `recorded`."""
        self._today[recorded] = answered
        self._taken.add(answered)

    def today(self, recorded: str) -> str | None:
        """Return the counterpart of a recorded id, or None if it is unknown yet."""
        return self._today.get(recorded)

    def is_taken(self, answered: str) -> bool:
        """Return whether an id of today is the counterpart of a recorded one already."""
        return answered in self._taken

    def rewrite(self, text: str) -> str:
        """Return a recorded text with the ids of today in it."""
        return _ID_IN_TEXT.sub(lambda found: self._today.get(found[0], found[0]), text)

    def normalize(self, name: str, recorded: str, answered: str, request_ids: tuple[str, str]) -> NormalPair:
        """Return two texts of the field `name` in normal form, and learn the ids and page tokens in them.

        Args:
            name: the name of the field.
            recorded: its recorded value.
            answered: its value today.
            request_ids: the headers `x-request-id` of both responses; empty for none.
        """
        if _SCRUBBED in recorded or name in _RANDOM_FIELDS:
            if name == NEXT_PAGE:
                self._pages[recorded] = answered
            return NormalPair(Kind.VALUE, "", "")
        if name in _ID_FIELDS and ID.fullmatch(recorded):
            expected = self._today.get(recorded)
            if expected is not None or answered in self._taken:
                return NormalPair(Kind.IDENTITY, expected, answered)
            self.bind(recorded, answered)
            return NormalPair(Kind.FORM, _prefix(recorded), _prefix(answered))
        if _TIME.fullmatch(recorded):
            is_exact = name in _EXACT
            return NormalPair(Kind.FORM, *(time_form(text, is_exact=is_exact) for text in (recorded, answered)))
        if UUID.fullmatch(recorded):
            is_related = name == "requestId" and bool(request_ids[0])
            sides = zip((recorded, answered), request_ids, strict=True)
            forms: list[Hashable] = [
                (UUID.fullmatch(text) is not None, is_related and text == header) for text, header in sides
            ]
        elif name == "address" and is_loopback(split_authority(recorded)[0]):  # of a double, which its client used
            forms = [bool(split_authority(text)[1]) for text in (recorded, answered)]
        else:
            return NormalPair(Kind.VALUE, self.rewrite(recorded), answered)
        return NormalPair(Kind.FORM, *forms)

    def time_relation(self, was: Wire, now: Wire) -> tuple[str, str, str] | None:
        """Return how the times of a resource relate to each other, or to those that were shown before, if that differs.

        Args:
            was: the recorded JSON of the resource.
            now: its JSON today.

        Returns:
            The name of the first time that differs, and how it is in the recording and today.
        """
        id_, names = str(was.get("id", "")), [name for name in TIMES if name in was and name in now]
        if not names:
            return None
        recorded, answered = ({name: str(each[name]) for name in names} for each in (was, now))
        before = self._times.pop(id_, ({}, {}))  # forgotten with a deviation, so that it is reported once
        forms = [
            [time_form(text, is_exact="modifiedAt" in was) for text in each.values()] for each in (recorded, answered)
        ]
        if forms[0] != forms[1]:
            return None
        relations = zip(_relations(recorded, before[0]), _relations(answered, before[1]), strict=True)
        for (name, then), (_, today) in relations:
            if then != today:
                return name, then, today
        self._times[id_] = recorded, answered
        return None

    def resend(self, request: RecordedRequest, token: str) -> RecordedRequest:
        """Return a recorded request with the ids, the page tokens and the credential of today.

        Args:
            request: the recorded request.
            token: the credential; empty for none.
        """
        parts = urlsplit(request.uri)
        query = "&".join(map(self._parameter, parts.query.split("&")))
        path = parts.path if "%" in parts.path else self.rewrite(parts.path)
        headers = tuple((name, value) for name, value in request.headers if name != "authorization")
        return request._replace(
            uri=parts._replace(path=path, query=query).geturl(),
            headers=(*headers, ("authorization", f"Bearer {token}")) if token else headers,
            body=self.rewrite(request.body.decode("latin-1")).encode("latin-1"),
        )

    def _parameter(self, text: str) -> str:
        """Return a query parameter of today; one without ids keeps its spelling."""
        name, equals, value = text.partition("=")
        plain = unquote_plus(value)
        today = self._pages.get(plain, plain) if name in _PAGE_TOKENS else self.rewrite(plain)
        return text if today == plain else f"{name}{equals}{quote(today, safe='')}"


def _relations(times: Times, before: Times) -> list[tuple[str, str]]:
    """Return the relations of the times of a resource, each with the name of the time."""
    relations = [(name, _MOVED[times[name] != before[name]]) for name in times if name in before]
    if len(times) == len(TIMES):
        relations.append(("modifiedAt", _EQUAL[len(set(times.values())) == 1]))
    return relations


def _prefix(id_: str) -> str:
    found = ID.fullmatch(id_)
    return found[1] if found else ""


def time_form(text: str, *, is_exact: bool = False) -> tuple[int | str, str] | None:
    """Return the number of digits after the second and the zone of a time, or None for another text.

    Args:
        text: the time.
        is_exact: whether its fraction is not cut, so that the number of digits is by chance if protobuf prints it.
    """
    found = _TIME.fullmatch(text)
    if not found:
        return None
    fraction = (found["fraction"] or "")[1:]
    if is_exact and len(fraction) in _GROUPS and not fraction.endswith("000"):
        return "as protobuf prints it", found["zone"]
    return len(fraction), found["zone"]


def ids_in(texts: Iterable[str]) -> set[str]:
    """Return the ids that occur in `texts`."""
    return {found[0] for text in texts for found in _ID_IN_TEXT.finditer(text)}


def texts_of(request: RecordedRequest) -> tuple[str, str, str]:
    """Return the parts of a request that may contain ids: path, query and body."""
    parts = urlsplit(request.uri)
    return unquote(parts.path), unquote_plus(parts.query), request.body.decode("utf-8", "replace")


def is_scrubbed(request: RecordedRequest) -> bool:
    """Return whether a secret was removed from the path, the query or the body of a request."""
    return any(placeholder in text for placeholder in PLACEHOLDERS for text in texts_of(request))


def layouts_of(body: bytes, value: Any) -> tuple[str, ...]:
    """Return the layouts that a JSON text is in; a short text may be in several."""
    text = body.decode("utf-8", "replace")
    ending = ", and a line break at the end" if text[-1:] == "\n" else ""
    skeleton = _skeleton(text.strip())
    fitting = (name for name, how in _LAYOUTS.items() if _skeleton(json.dumps(value, **how)) == skeleton)
    return tuple(f"{name}{ending}" for name in fitting) or (f"laid out unevenly{ending}",)


def _skeleton(text: str) -> str:
    """Return a JSON text without its values."""
    return _SCALAR.sub("0", _STRING.sub('""', text))
