"""Clients that go on when the image is there, or clear up: right ones, and others that each are wrong in one way."""

from __future__ import annotations

import json
import time
from typing import Any

from .flawed_clients import Baker


class Labels(Baker):
    """Labels its image when that is there, and waits for it to be labelled."""

    def result(self, operation: Any) -> str:
        """The image, when the rest is done as well."""
        image_id = super().result(operation)
        self.labelled(image_id)
        return image_id

    def labelled(self, image_id: str) -> Any:
        """The operation that labels it, when it is over."""
        return self.wait(self.label(image_id))

    def label(self, image_id: str) -> Any:
        """Start that."""
        self.key = self.new_key()
        body = json.dumps({"updateMask": "labels", "labels": {"tested": "yes"}})
        return self.call("PATCH", f"/compute/v1/images/{image_id}", body)


class LabelsInTime(Labels):
    """Cancels the labelling when it takes too long, and is content with the image."""

    def labelled(self, image_id: str) -> Any:
        """What has become of the labelling."""
        operation = self.label(image_id)
        try:
            return self.wait(operation)
        except TimeoutError:
            return self.call("GET", f"/operations/{operation['id']}:cancel")


class LabelsOrFails(LabelsInTime):
    """Cancels the labelling as well, and then reports failure."""

    def labelled(self, image_id: str) -> Any:
        """What has become of the labelling."""
        if not super().labelled(image_id)["done"]:
            raise TimeoutError("it has no labels")


class CuriousOfLabels(Labels):
    """Polls the labelling once more, to be sure."""

    def labelled(self, image_id: str) -> Any:
        """What has become of the labelling."""
        return self.poll(super().labelled(image_id)["id"])


class CancelsLabels(Labels):
    """Cancels the labelling, though it is done."""

    def labelled(self, image_id: str) -> Any:
        """What has become of the labelling."""
        return self.call("GET", f"/operations/{super().labelled(image_id)['id']}:cancel")


class ClearsUp(Baker):
    """Cancels, and deletes the image if the cancel came too late."""

    def give_up(self, operation: Any) -> Any:
        """Cancel, look, and delete."""
        given_up = super().give_up(operation)
        if "error" not in given_up:
            self.wait(self.call("DELETE", f"/compute/v1/images/{given_up['metadata']['imageId']}"))
        raise TimeoutError("gave up, and cleared up")


class Verifies(Baker):
    """Looks at the image when its operation is done."""

    dawdles = 0.0

    def result(self, operation: Any) -> str:
        """The image, when the rest is done as well."""
        image_id = super().result(operation)
        self.call("GET", f"/compute/v1/images/{image_id}")
        time.sleep(self.dawdles)
        return image_id


class Dawdles(Verifies):
    """Likewise, and then rests for as long as it may."""

    dawdles = 60.0


class DawdlesTooLong(Verifies):
    """Likewise, and a second longer."""

    dawdles = 61.0


class DawdlesBeforeLabels(Labels):
    """Rests before it labels its image."""

    def label(self, image_id: str) -> Any:
        """Start the labelling, but not at once."""
        time.sleep(61)
        return super().label(image_id)


class DawdlesAfterLabels(Labels):
    """Rests when the image is labelled."""

    def labelled(self, image_id: str) -> Any:
        """What has become of the labelling."""
        operation = super().labelled(image_id)
        time.sleep(61)
        return operation
