"""The service while it is recorded, or what stands in for it: calls are passed on, and written down."""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import TYPE_CHECKING

from pytest_ycimages.api.contract import CONTRACTS
from pytest_ycimages.api.image import Image
from pytest_ycimages.api.message import resource_time
from pytest_ycimages.api.operation import Operation
from pytest_ycimages.backing.backing import Backing
from pytest_ycimages.backing.replay import path_of
from pytest_ycimages.backing.shown import Shown
from pytest_ycimages.cassette.cassette import Cassette, opened
from pytest_ycimages.cassette.interaction import Label, Origin
from pytest_ycimages.cassette.maintenance import scrub_label
from pytest_ycimages.cassette.pseudonyms import Pseudonyms
from pytest_ycimages.cassette.recorder import Recorder
from pytest_ycimages.cassette.redact import Redactor
from pytest_ycimages.cassette.redaction_rules import redaction_rules
from pytest_ycimages.cassette.upstream import Upstream
from pytest_ycimages.cassette.writing import CassetteWriter
from pytest_ycimages.cloud.service import Service
from pytest_ycimages.errors import UsageError
from pytest_ycimages.latency import NO_LATENCY
from pytest_ycimages.server.passing import PassingApp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ycimages.cloud.ids import Ids
    from pytest_ycimages.errors import YCImagesError
    from pytest_ycimages.pipeline import Pipeline
    from pytest_ycimages.server.app import App
    from pytest_ycimages.server.control.controlled import Controlled

TOKEN, FOLDER = "YC_TOKEN", "YC_FOLDER_ID"
"""The variables of the environment that say who records, and in which folder. Nothing else does."""


class Record(Backing):
    """Passes calls on to the service, and records them."""

    effects = ()

    def _service(self, ids: Ids) -> Service:
        settings = self.settings
        path = path_of(settings)
        opened.add(path.absolute())
        upstream = Upstream(settings.upstream)
        credential, self._folder_id = credentials(upstream)
        self._token = ids.iam_token()
        origin, pseudonyms = upstream.origin, Pseudonyms() if settings.pseudonyms else None
        label = Label(
            origin=origin,
            upstream="" if origin is Origin.FAKE else settings.upstream or "https://api.cloud.yandex.net",
            recorded_at=resource_time(self.clock.now()),
            contract=upstream.stand.contract if upstream.stand else "current",
            tool=version("pytest-ycimages"),
            folder_id=self._folder_id,
        )
        self._label = scrub_label(pseudonyms.label(label) if pseudonyms else label)
        self._recorder = Recorder(
            upstream=upstream,
            writer=CassetteWriter(path, self._label),
            clock=self.clock,
            scrubber=Redactor((credential,) if credential else (), redaction_rules(settings.scrub, keep=settings.keep)),
            pseudonyms=pseudonyms,
            stand_in=self._token,
            credential=credential,
        )
        return Service(ids, CONTRACTS[settings.contract], settings.rules())  # which nobody asks

    def _begun(self) -> Pipeline:
        pipeline = super()._begun()
        pipeline.delays.latency = NO_LATENCY  # that of the service will do
        return pipeline

    def _app(self, controlled: Controlled) -> App:
        contract = CONTRACTS[self.settings.contract]
        return PassingApp(self.pipeline, contract, controlled, self._recorder.pass_on)

    def reset(self) -> None:
        """What the service has done cannot be undone.

        Raises:
            UsageError: always.
        """
        raise UsageError(
            "A double that records cannot be reset: what the service has done stays done, and what was recorded is in "
            'the cassette. Let each test have its own double; or pin this one with mode="fake".'
        )

    @property
    def token(self) -> str:
        """A stand-in for the real token, which takes its place on the way out: so it is in nobody's logs."""
        return self._token

    @property
    def folder_id(self) -> str:
        """The folder that the environment names, or that of the double which stands in for the service."""
        return self._folder_id

    @property
    def images(self) -> Mapping[str, Image]:
        """The images that the client has been shown, as it was shown them last."""
        return Shown("image", Image, self._recorder.seen.images, self.pipeline.lock)

    @property
    def operations(self) -> Mapping[str, Operation]:
        """The operations that the client has been shown, as it was shown them last."""
        return Shown("operation", Operation, self._recorder.seen.operations, self.pipeline.lock)

    @property
    def cassette(self) -> Cassette:
        """The cassette that is being recorded."""
        recorder = self._recorder
        return Cassette(path_of(self.settings), self._label, lambda: recorder.recorded, recorder=recorder)

    @property
    def problems(self) -> Sequence[YCImagesError]:
        """Why something could not be written down."""
        return tuple(self._recorder.problems)

    def close(self, *, whole: bool = True) -> None:
        """End the recording."""
        self._recorder.close(whole=whole)


def credentials(upstream: Upstream) -> tuple[str, str]:
    """The token and the folder with which `upstream` is asked: the environment's, or those of a double in its place.

    Raises:
        UsageError: the environment does not say who records the service.
    """
    token, folder_id = os.environ.get(TOKEN, ""), os.environ.get(FOLDER, "")
    if upstream.stand is not None:
        return token or upstream.stand.token, folder_id or upstream.stand.folder_id
    missing = [name for name, value in ((TOKEN, token), (FOLDER, folder_id)) if not value]
    if missing:
        raise UsageError(
            f"To ask {upstream.name} takes credentials, from the environment and from nowhere else; not set: "
            f"{', '.join(missing)}. For example: export {TOKEN}=$(yc iam create-token) "
            f"{FOLDER}=$(yc config get folder-id)"
        )
    return token, folder_id
