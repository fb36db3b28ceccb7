"""A client of the double that holds every answer against the document."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from werkzeug.test import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from werkzeug.test import TestResponse

    from pytest_ycimages import Double

TOKEN: Final = "x"  # noqa: S105 - any token does, by default

Seen = defaultdict[str, set[tuple[int, int]]]
"""The operation -> the HTTP statuses and the codes that it was answered with."""


class Witness:
    """A client that holds every answer against the document, and remembers what it saw."""

    def __init__(self, document: dict[str, Any], objections: Callable[..., list[str]]) -> None:
        self._document = document
        self._objections = objections
        self.seen: Seen = defaultdict(set)

    def call(self, double: Double, verb: str, path: str, *, token: str | None = TOKEN, **request: Any) -> Any:
        """Make a call and check its answer; return the JSON of it, or its text."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = Client(double.app).open(
            path, method=verb, headers={**headers, **request.pop("headers", {})}, **request
        )
        return self._check(verb, path, answer)

    def _check(self, verb: str, path: str, answer: TestResponse) -> Any:
        operation = self._operation(verb, path)
        response = operation["responses"][str(answer.status_code)]
        assert answer.headers.get("x-request-id") or not response["headers"]["x-request-id"]["required"]
        media = response["content"][answer.headers["content-type"]]
        is_json = answer.headers["content-type"] == "application/json"
        value: Any = answer.get_json() if is_json else answer.text
        assert not self._objections(media["schema"], value), value
        code = value["code"] if is_json and answer.status_code >= 400 else 0
        self.seen[operation["operationId"]].add((answer.status_code, code))
        return value

    def _operation(self, verb: str, path: str) -> dict[str, Any]:
        """The operation that a call is described by; a path with fewer parameters describes it better."""
        paths = self._document["paths"] | self._document["x-unimplemented"]
        for template in sorted(paths, key=lambda each: (each.count("{"), -len(each))):
            pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
            if re.fullmatch(pattern, path) and verb.lower() in paths[template]:
                found: dict[str, Any] = paths[template][verb.lower()]
                return found
        raise AssertionError(f"{verb} {path} is not described")

    def documented(self) -> Iterator[tuple[str, int]]:
        """Every status that the document gives to an operation, but for a head that is too large."""
        for item in (self._document["paths"] | self._document["x-unimplemented"]).values():
            for operation in item.values():
                for status in operation["responses"].keys() - {"431"}:
                    yield operation["operationId"], int(status)
