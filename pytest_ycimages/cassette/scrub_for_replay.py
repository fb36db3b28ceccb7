"""A cassette that somebody else has recorded, scrubbed as the requests are that are looked for in it.

Once in a process for a tape and its rules, and not at all for what this very version has recorded: that was scrubbed
before it was written. Nothing here writes; what is played are the recorded answers, as they are.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.cassette.bodies import UnreadableBodyError, decoded
from pytest_ycimages.cassette.placeholders import SCRUBBED
from pytest_ycimages.cassette.redact import Scrubber
from pytest_ycimages.cassette.same_tape import SameTape
from pytest_ycimages.cassette.scrub_rules import NO_RULES

if TYPE_CHECKING:
    from pytest_ycimages.cassette.interaction import Interaction, Label, RecordedRequest, RecordedResponse, Tape
    from pytest_ycimages.cassette.scrub_rules import ScrubRules

_HIDDEN: Final = SCRUBBED.encode()


class ForReplay(NamedTuple):
    """A tape, ready for requests.

    Attributes:
        tape: its requests scrubbed, its answers as they were recorded: what is played, and shown in errors.
        clean: its answers scrubbed as well: what may be shown of them.
        known: the credentials that are in it, for the scrubber of the requests to know as well.
    """

    tape: Tape
    clean: Tape
    known: frozenset[str] = frozenset()


def for_replay(tape: Tape, rules: ScrubRules = NO_RULES) -> ForReplay:
    """A tape, scrubbed by `rules` if it is not known to be. Safe for threads."""
    if _is_scrubbed(tape.label, rules):
        return ForReplay(tape, tape)
    return _scrubbed(SameTape(tape), rules)


def _is_scrubbed(label: Label, rules: ScrubRules) -> bool:
    """Whether a tape has been scrubbed by all of the rules: recorded by this version, of which users want no more."""
    return bool(label.tool) and not (rules.fields or rules.patterns) and label.tool == _this_version()


@lru_cache(maxsize=1)
def _this_version() -> str:
    return version("pytest-ycimages")


@lru_cache(maxsize=256)
def _scrubbed(same: SameTape, rules: ScrubRules) -> ForReplay:
    tape, scrubber = same.tape, Scrubber(rules=rules)
    for each in tape.interactions:  # a credential goes wherever it appears, also before what gives it away
        _clean(each, scrubber)
    clean = tuple(_clean(each, scrubber) for each in tape.interactions)
    played = (each._replace(request=scrubbed.request) for each, scrubbed in zip(tape.interactions, clean, strict=True))
    return ForReplay(tape._replace(interactions=tuple(played)), tape._replace(interactions=clean), scrubber.known)


def _clean(interaction: Interaction, scrubber: Scrubber) -> Interaction:
    """The interaction scrubbed; of a body that cannot be looked through, nothing is left to look at."""
    try:
        return scrubber.scrub(interaction)
    except UnreadableBodyError:
        request, response = interaction.request, interaction.response
        hidden = interaction._replace(
            request=request if _can_be_read(request) else request._replace(headers=(), body=_HIDDEN),
            response=response if _can_be_read(response) else response._replace(headers=(), body=_HIDDEN),
        )
        return scrubber.scrub(hidden)


def _can_be_read(message: RecordedRequest | RecordedResponse) -> bool:
    try:
        decoded(message.body, message.headers)
    except UnreadableBodyError:
        return False
    return True
