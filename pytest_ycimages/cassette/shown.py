"""Parts of a cassette as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_ycimages.call import shown

if TYPE_CHECKING:
    from pytest_ycimages.cassette.interaction import Interaction

CUT_OFF: Final = "the recording was stopped before its end, or the file was cut off"
"""What is said of a cassette that does not end as a recording does."""

_LONGEST: Final = 80


def moment(interaction: Interaction) -> str:
    """When it was asked, such as ` at +1.000s`; nothing if that is not known."""
    return "" if interaction.at is None else f" at +{shown(interaction.at)}"


def line(index: int, interaction: Interaction) -> str:
    """An interaction in one line, counted from 1."""
    request = interaction.request
    return (
        f"interaction {index + 1}: {request.method} {request.uri} -> {interaction.response.status}{moment(interaction)}"
    )


def shortened(text: str) -> str:
    """`text`, cut to a readable length."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
