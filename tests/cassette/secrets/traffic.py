"""Ordinary traffic: what clients ask a double, with its answers, as interactions."""

from __future__ import annotations

import json
import string
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st
from werkzeug.test import Client

from pytest_ycimages.cassette.model import Interaction, RecordedRequest, RecordedResponse

if TYPE_CHECKING:
    from pytest_ycimages import Double

_LABEL: Final = string.ascii_lowercase + string.digits + "-_./\\@"
_HEX: Final = string.digits + "abcdef"
_WORDS: Final = ("image", "ubuntu-22.04", "token", "v1.2.3", "CI", "#123", "(nightly),", "by:", "team=bakers;", "100%")

_NAMES: Final = st.from_regex(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
_LABELS: Final = st.dictionaries(
    st.from_regex(r"[a-z][-_a-z0-9]{0,20}", fullmatch=True),
    st.text(_LABEL, max_size=63) | st.text(_HEX, min_size=40, max_size=63),
    max_size=5,
)
_DESCRIPTIONS: Final = st.text(max_size=100) | st.lists(st.sampled_from(_WORDS), max_size=20).map(" ".join)
FIELDS: Final = st.fixed_dictionaries(
    {}, optional={"name": _NAMES, "family": _NAMES, "labels": _LABELS, "description": _DESCRIPTIONS}
)
KEYS: Final = st.uuids(version=4).map(str)


class Traffic:
    """Asks a double, and keeps every interaction."""

    def __init__(self, double: Double) -> None:
        self._client = Client(double.app)
        self._token = double.token
        self.interactions: list[Interaction] = []

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """Ask, and keep it; the answer's JSON."""
        sent = {"authorization": f"Bearer {self._token}", "user-agent": "baker/1.0"} | headers
        data = b"" if body is None else json.dumps(body).encode()
        if data:
            sent["content-type"] = "application/json"
        answer = self._client.open(path, method=method, data=data, headers=sent)
        request = RecordedRequest(method, f"https://compute.api.cloud.yandex.net{path}", tuple(sent.items()), data)
        came = tuple((name.lower(), value) for name, value in answer.headers.items())
        response = RecordedResponse(answer.status_code, answer.status.partition(" ")[2], came, answer.data)
        self.interactions.append(Interaction(request, response, 0.0))
        return answer.json
