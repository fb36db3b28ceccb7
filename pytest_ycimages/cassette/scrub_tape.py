"""Scrubbing a whole cassette that is there already, and telling what that changes without showing it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pytest_ycimages.cassette.bodies import UnreadableBodyError
from pytest_ycimages.cassette.detector import check_before_saving, line_without_secrets
from pytest_ycimages.cassette.free_text import without_secrets
from pytest_ycimages.cassette.layout import head_text, item_text
from pytest_ycimages.cassette.redact import Scrubber
from pytest_ycimages.cassette.scrub_rules import NO_RULES, ScrubRules
from pytest_ycimages.errors import SecretFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages.cassette.interaction import Interaction, Label, Tape
    from pytest_ycimages.cassette.pseudonyms import Pseudonyms


def scrub_tape(
    tape: Tape, *, cassette: str, rules: ScrubRules = NO_RULES, pseudonyms: Pseudonyms | None = None
) -> Tape:
    """A cassette without secrets. A credential goes wherever it appears, also before the place that gave it away.

    Args:
        tape: what the cassette holds.
        cassette: its name, for the text of the error.
        rules: what else is to be scrubbed.
        pseudonyms: gives ids that others shall not know other ids; None: all keep theirs.

    Raises:
        SecretFoundError: it still has something of the shape of a secret, or a body that cannot be looked through.
    """
    scrubber = Scrubber(rules=rules)
    for number, each in enumerate(tape.interactions, 1):
        try:
            scrubber.scrub(each)
        except UnreadableBodyError as error:
            raise SecretFoundError(_unreadable(cassette, number, each, error)) from None
    clean = tape._replace(
        label=scrub_label(tape.label), interactions=tuple(scrubber.scrub(each) for each in tape.interactions)
    )
    clean = pseudonyms.tape(clean) if pseudonyms else clean
    check = partial(check_before_saving, cassette=cassette, known=scrubber.known, allow=scrubber.allowed)
    check(head_text(clean.label))
    for each in clean.interactions:
        check(item_text(each), interaction=each)
    return clean


def _unreadable(cassette: str, number: int, interaction: Interaction, error: UnreadableBodyError) -> str:
    return (
        f"{cassette}, interaction {number}, {line_without_secrets(interaction)}: {error.what} "
        "The file is left as it is. Record it decoded, with vcrpy's decode_compressed_response=True, or take this "
        "interaction out by hand."
    )


def changes(before: Tape, after: Tape) -> Iterator[str]:
    """What scrubbing changed: for each interaction its number, its call, and its parts; never what was in them."""
    if before.label != after.label:
        yield "the label"
    for number, (old, new) in enumerate(zip(before.interactions, after.interactions, strict=True), 1):
        parts = ", ".join(_changed(old, new))
        if parts:
            yield f"{number}. {line_without_secrets(new)}: {parts}"


def _changed(old: Interaction, new: Interaction) -> Iterator[str]:
    if old.request.uri != new.request.uri:
        yield "the request's address"
    if old.request.headers != new.request.headers:
        yield "the request's headers"
    if old.request.body != new.request.body:
        yield "the request's body"
    if old.response.headers != new.response.headers or old.response.reason != new.response.reason:
        yield "the answer's headers"
    if old.response.body != new.response.body:
        yield "the answer's body"


def scrub_label(label: Label) -> Label:
    """What a cassette says of itself, without a password in the address that was recorded."""
    return label._replace(upstream=without_secrets(label.upstream), note=without_secrets(label.note))
