"""The whole table of evidence. A difference speaks against the first row that it fits."""

from __future__ import annotations

from typing import Final

from pytest_ycimages.cassette.evidence_of_answers import ANSWERS, ERRORS
from pytest_ycimages.cassette.evidence_of_resources import GONE, IMAGES, LISTS, OPERATIONS

EVIDENCE: Final = (*ANSWERS, *GONE, *ERRORS, *LISTS, *OPERATIONS, *IMAGES)
