"""The gateway in front of answers that are not the double's own: those of a cassette, and those of the service.

It refuses nothing but what is no HTTP: a cassette may hold calls that this package knows nothing of, and whoever is
recorded refuses for itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException

from pytest_ycimages.api.transcoding import GatewayRefusalError
from pytest_ycimages.server.app import App, http_reply
from pytest_ycimages.server.routes import route

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.api.contract import Contract
    from pytest_ycimages.api.exchange import Reply, Request
    from pytest_ycimages.pipeline import Pipeline, Replying
    from pytest_ycimages.server.app import Answering, Control
    from pytest_ycimages.server.http import HttpRequest


class PlayingApp(App):
    """Lets the pipeline answer every request, whether a method serves it or not."""

    def _routed(self, request: Request, http: HttpRequest) -> Answering:
        return http_reply((yield from self._replying(self._as_understood(request, http))))

    def _replying(self, request: Request) -> Replying:
        return (yield from self.pipeline.answer(request))

    def _as_understood(self, request: Request, http: HttpRequest) -> Request:
        """The request with as much of it understood as can be."""
        request = request._replace(authority=http.headers.get("host", ""))
        try:
            method, ids = route(http.path, http.method)
            request = request._replace(method=method)
            return self._understood(request, ids, http)
        except (HTTPException, GatewayRefusalError):
            return request


class PassingApp(PlayingApp):
    """Passes every request on, and writes the answer down. Nobody else waits meanwhile.

    Args:
        pass_on: gets the answer of whoever is recorded.
    """

    def __init__(
        self, pipeline: Pipeline, contract: Contract, control: Control, pass_on: Callable[[Request], Reply]
    ) -> None:
        super().__init__(pipeline, contract, control)
        self._pass_on = pass_on

    def _replying(self, request: Request) -> Replying:
        return (yield from self.pipeline.write(request, self._pass_on(request)))
