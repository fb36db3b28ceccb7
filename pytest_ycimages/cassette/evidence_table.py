"""The whole table of evidence. A difference speaks against the first row that it fits."""

from __future__ import annotations

from typing import Final

from pytest_ycimages.cassette.evidence_of_answers import ANSWERS, ERRORS
from pytest_ycimages.cassette.evidence_of_images import GONE, IMAGES, LISTS
from pytest_ycimages.cassette.evidence_of_operations import OPERATIONS

EVIDENCE: Final = (*ANSWERS, *GONE, *ERRORS, *LISTS, *OPERATIONS, *IMAGES)
