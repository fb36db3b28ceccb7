"""The whole table of evidence. A difference speaks against the first row that it fits."""

from __future__ import annotations

from typing import Final

from pytest_ycimages.verify.evidence_of_answers import ANSWERS
from pytest_ycimages.verify.evidence_of_images import GONE, IMAGES, LISTS
from pytest_ycimages.verify.evidence_of_operations import OPERATIONS
from pytest_ycimages.verify.evidence_of_refusals import REFUSALS

EVIDENCE: Final = (*ANSWERS, *GONE, *REFUSALS, *LISTS, *OPERATIONS, *IMAGES)
