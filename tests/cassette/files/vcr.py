"""What a stock vcrpy makes of a cassette, by whichever loader of YAML it finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import yaml
from vcr.serialize import deserialize
from vcr.serializers import jsonserializer, yamlserializer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ycimages.cassette.model import Headers, Interaction


class PurePython:
    """The serializer for YAML where libyaml is not installed."""

    @staticmethod
    def deserialize(text: str) -> Any:
        """Read YAML."""
        return yaml.load(text, Loader=yaml.SafeLoader)


class Libyaml:
    """The serializer for YAML where it is."""

    @staticmethod
    def deserialize(text: str) -> Any:
        """Read YAML."""
        return yaml.load(text, Loader=yaml.CSafeLoader)


SERIALIZERS = {"as installed": yamlserializer, "libyaml": Libyaml, "pure Python": PurePython}
JSON = jsonserializer


class Seen(NamedTuple):
    """One interaction as vcrpy will play it."""

    method: str
    uri: str
    headers: dict[str, str]
    body: bytes | None
    response: dict[str, Any]


def seen(text: bytes, serializer: Any = yamlserializer) -> list[Seen]:
    """Every interaction of a cassette."""
    requests, responses, *_ = deserialize(text.decode(), serializer)
    return [
        Seen(request.method, request.uri, dict(request.headers), request.body, response)
        for request, response in zip(requests, responses, strict=True)
    ]


def expected(interactions: Sequence[Interaction]) -> list[Seen]:
    """The same, from the values. Of a request's headers of one name, vcrpy knows the first."""
    return [
        Seen(
            request.method,
            request.uri,
            dict(reversed(request.headers)),
            request.body or None,
            {
                "status": {"code": response.status, "message": response.reason},
                "headers": _grouped(response.headers),
                "body": {"string": response.body},
            },
        )
        for request, response, *_ in interactions
    ]


def _grouped(headers: Headers) -> dict[str, list[str]]:
    return {name: [value for each, value in headers if each == name] for name, _ in headers}
