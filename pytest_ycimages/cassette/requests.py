"""Normalized requests, the rules for volatile values, and the keys by which equal requests are found.

Headers have no part in a request's identity, nor has the host of one of the API's services or of this machine. Bodies
are compared as JSON: order, spaces and escapes mean nothing. The fields of a method are compared by what they say, so
that a call over gRPC and one over REST are equal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import translate
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic.alias_generators import to_camel
from pydantic_core import from_json

from pytest_ycimages.api.comparison import comparable
from pytest_ycimages.api.methods import CONTRACTS, NoRouteError, route
from pytest_ycimages.errors import UsageError
from pytest_ycimages.faults.rule import text_of
from pytest_ycimages.hosts import is_loopback, is_service, split_authority

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable

    from pytest_ycimages.cassette.model import RecordedRequest

Values = tuple[tuple[str, str], ...]
"""Volatile values, each behind the path of its field."""

_OPERATION: Final = re.compile(r"/operations/([^/:]+)(:cancel)?")
_IMAGE: Final = re.compile(r"/compute/v1/images/([^/:]+)")
_TOKENS: Final = re.compile(r"/iam/v1/tokens(:createForServiceAccount)?")
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_CANCEL: Final = ":cancel"
_WITH_BODY: Final = frozenset({"POST", "PATCH"})
_MESSAGES: Final = CONTRACTS["current"].requests
"""The messages of all methods, with every field of either revision."""


class NormalizedRequest(NamedTuple):
    """A request, apart from how it is written.

    Attributes:
        method: the verb, in capitals.
        host: the host and port; empty for the API's own hosts and for loopback, which are all the same.
        path: the path, without escapes.
        query: names and values, sorted.
        body: the JSON value of the body; bytes if it is not JSON. No body is the same as an empty object.
    """

    method: str
    host: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: Any

    def __repr__(self) -> str:
        """Show nothing that may be secret: reports of tests print the variables of frames."""
        return f"<NormalizedRequest {self.method}>"

    @property
    def parameters(self) -> dict[str, str]:
        """The query by name, in camelCase: the service takes both spellings."""
        return {to_camel(name): value for name, value in self.query}

    @property
    def operation_id(self) -> str:
        """The operation that the path names, else empty."""
        found = _OPERATION.fullmatch(self.path)
        return found[1] if found else ""

    @property
    def image_id(self) -> str:
        """The image that ends the path, else empty."""
        found = _IMAGE.fullmatch(self.path)
        return found[1] if found else ""

    @property
    def is_token_exchange(self) -> bool:
        """Whether it asks for a token: such a body is never kept, so any two of them are equal."""
        return self.method == "POST" and _TOKENS.fullmatch(self.path) is not None

    @property
    def changes(self) -> bool:
        """Whether it asks for a change. A cancel does, though clients may spell it as a GET."""
        return not self.is_poll and not self.is_token_exchange

    @property
    def is_poll(self) -> bool:
        """Whether it only reads, so that it may be repeated any number of times."""
        return self.method in _READING and not self.path.endswith(_CANCEL)

    @property
    def line(self) -> str:
        """The request in one line for people, without its body."""
        query = "?" + "&".join(f"{name}={value}" for name, value in self.query) if self.query else ""
        return f"{self.method} {self.host}{self.path}{query}"


def normalize(request: RecordedRequest) -> NormalizedRequest:
    """Return `request` without what has no part in its identity."""
    address = urlsplit(request.uri)
    path = address.path or "/"
    query = tuple(sorted(parse_qsl(address.query, keep_blank_values=True))) if address.query else ()
    return NormalizedRequest(
        request.method.upper(),
        _host(address.netloc),
        unquote(path) if "%" in path else path,
        query,
        json_value(request.body) if request.body else {},
    )


def json_value(body: bytes) -> Any:
    """Return the JSON value of a body, or the body itself if it is not JSON."""
    try:
        return from_json(body)
    except ValueError:
        return body


def json_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body; empty for any other body."""
    read = json_value(body)
    return read if isinstance(read, dict) else {}


@lru_cache(maxsize=256)
def _host(netloc: str) -> str:
    authority = netloc.rpartition("@")[2].lower()
    host, _ = split_authority(authority)
    if is_service(host) or is_loopback(host):
        return ""
    return authority.removesuffix(":443").removesuffix(":80")


class _Rule(NamedTuple):
    path: str
    paths: tuple[str, ...]
    pattern: str
    fits: re.Pattern[str]


class Volatile:
    """Rules for fields of requests that differ from run to run, in the words of `where=` in faults.

    Args:
        rules: the path of a field of the body or the query, such as `labels.build` -> a glob, such as `*`. Two values
            that both fit it are equal.

    Raises:
        UsageError: a rule is invalid; the text says what is expected.
    """

    def __init__(self, rules: Mapping[str, str] | None = None) -> None:
        self.rules = dict(_checked(rules or {}))
        self._rules = [
            _Rule(path, tuple({path: None, _in_json(path): None}), glob, re.compile(translate(glob)))
            for path, glob in self.rules.items()
        ]
        self._fields = [path for rule in self._rules for path in rule.paths]

    def __repr__(self) -> str:
        return repr(self.rules)

    def masked(self, request: NormalizedRequest) -> tuple[NormalizedRequest, Values]:
        """Return `request` as it is compared, with the pattern in place of values that fit one, and these values."""
        request = _comparable(request, self._fields)
        values: list[tuple[str, str]] = []
        for rule in self._rules:
            query = tuple((n, _masked(value, rule, values) if n in rule.paths else value) for n, value in request.query)
            body = request.body
            for path in rule.paths:
                body = _in_body(body, path, rule, values)
            request = request._replace(query=query, body=body)
        return request, tuple(values)


def _in_json(path: str) -> str:
    """Return the path of a field as JSON spells it. The keys of labels are the client's own words, and stay."""
    field, dot, rest = path.partition(".")
    return to_camel(field) + dot + (rest if not dot or field == "labels" else _in_json(rest))


def _comparable(request: NormalizedRequest, shown: Collection[str]) -> NormalizedRequest:
    """Return a request in the form that is equal for requests that ask for the same, over REST and over gRPC.

    Args:
        request: the request.
        shown: texts that are shown even if they are empty, so that patterns find them.
    """
    verb, host, path, query, body = request
    if host or not (query or body or shown or path.endswith(_CANCEL)):
        return request
    try:
        method, ids = route(path, verb)
    except NoRouteError:
        return request
    model = _MESSAGES[method]
    if isinstance(body, dict) and (body or verb in _WITH_BODY):
        bound = {*ids, *map(to_camel, ids)}  # the one in the path counts
        body = comparable(model, {name: value for name, value in body.items() if name not in bound}, shown)
    if query or verb not in _WITH_BODY:
        pairs = [(name, str(each)) for pair in query for name, each in comparable(model, dict([pair])).items()]
        if verb not in _WITH_BODY:
            pairs += comparable(model, {}, set(shown) - {name for name, _ in pairs} - ids.keys()).items()
        query = tuple(sorted(pairs))
    return NormalizedRequest("GET" if path.endswith(_CANCEL) and verb == "POST" else verb, host, path, query, body)


def _checked(rules: object) -> Mapping[str, str]:
    if not isinstance(rules, Mapping):
        raise UsageError(
            f"invalid volatile={rules!r}: expected a dict of fields and patterns, such as {{'name': 'bake-*'}}."
        )
    for path, glob in rules.items():
        invalid = f"invalid volatile={{{path!r}: {glob!r}}}"
        if not isinstance(path, str) or not isinstance(glob, str) or not path:
            raise UsageError(f"{invalid}: field and pattern are text, such as {{'name': 'bake-*'}}.")
        if path.startswith("header."):
            raise UsageError(f"{invalid}: headers are never compared. Name a field of the body or the query.")
    return rules


def _in_body(body: Any, path: str, rule: _Rule, values: list[tuple[str, str]]) -> Any:
    """Put the pattern in place of what is at `path`, if it fits; keys of a map may have dots themselves."""
    if not isinstance(body, dict):
        return body
    name, _, rest = path.partition(".")
    if path in body:
        return {**body, path: _masked(body[path], rule, values)}
    if rest and name in body:
        return {**body, name: _in_body(body[name], rest, rule, values)}
    return body


def _masked(value: Any, rule: _Rule, values: list[tuple[str, str]]) -> Any:
    if isinstance(value, list):
        return [_masked(each, rule, values) for each in value]
    if value is None or isinstance(value, dict) or not rule.fits.match(text := text_of(value)):
        return value
    values.append((rule.path, text))
    return "volatile", rule.pattern  # no JSON value is a tuple


NOT_VOLATILE: Final = Volatile()
"""The empty set of rules: every value counts."""


class RequestKey(NamedTuple):
    """The identity of a request: a key, and its volatile values in the order of the rules.

    Requests with equal keys have equally many values.
    """

    key: Hashable
    volatile: Values = ()


def key_of(request: NormalizedRequest, volatile: Volatile = NOT_VOLATILE) -> RequestKey:
    """Return the identity of `request`, so that a look-up costs the same in a cassette of any size."""
    if request.is_token_exchange:
        return RequestKey((request.method, request.host, request.path))
    masked, values = volatile.masked(request)
    return RequestKey((masked.method, request.host, masked.path, masked.query, canonical(masked.body)), values)


def canonical(value: Any) -> Hashable:
    """Return a JSON value as one that can be hashed, equal for values that are equal as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        names = sorted(value)
        return (
            "{}",
            *names,
            *[each if isinstance(each, str) else canonical(each) for each in map(value.__getitem__, names)],
        )
    if isinstance(value, list):
        return "[]", *map(canonical, value)
    if isinstance(value, bool):  # for Python, true is 1
        return "bool", value
    scalar: Hashable = value
    return scalar


def flat(request: NormalizedRequest) -> Mapping[str, Any]:
    """Return everything that is compared, one value for each path, such as `body.labels.env`."""
    parts: dict[str, Any] = {"method": request.method, "path": request.path}
    if request.host:
        parts["host"] = request.host
    for name, value in request.query:
        unlike, number = f"query.{name}", 2
        while unlike in parts:  # a query parameter may be repeated
            unlike, number = f"query.{name} ({number})", number + 1
        parts[unlike] = value
    _flatten("body", request.body, parts)
    return parts


def _flatten(path: str, value: Any, parts: dict[str, Any]) -> None:
    if isinstance(value, dict) and (value or path == "body"):
        for name, each in value.items():
            _flatten(f"{path}.{name}", each, parts)
    elif isinstance(value, list) and value:
        for number, each in enumerate(value):
            _flatten(f"{path}[{number}]", each, parts)
    else:
        parts[path] = value
