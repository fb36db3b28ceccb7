"""Maintenance of cassettes on the disk: redaction of whole cassettes, redaction for replay, removal of unused calls.

A file that has changed since the run whose usage is known is left unchanged by `prune`.
"""

from __future__ import annotations

import os
from functools import lru_cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pytest_ycimages.cassette.bodies import UnreadableBodyError
from pytest_ycimages.cassette.detector import check_before_saving, line_without_secrets
from pytest_ycimages.cassette.file import read_cassette, write_cassette
from pytest_ycimages.cassette.format import head_text, item_text
from pytest_ycimages.cassette.handle import UsedInteractions, read_usage, write_usage
from pytest_ycimages.cassette.redact import Redactor
from pytest_ycimages.errors import CassetteError, SecretFoundError
from pytest_ycimages.redaction.rules import NO_RULES, RedactionRules
from pytest_ycimages.redaction.text import without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_ycimages.cassette.handle import StoredUsage
    from pytest_ycimages.cassette.model import (
        CassetteData,
        CassetteMetadata,
    )
    from pytest_ycimages.cassette.pseudonyms import Pseudonyms


def scrub_cassette(
    cassette: CassetteData, *, name: str, rules: RedactionRules = NO_RULES, pseudonyms: Pseudonyms | None = None
) -> CassetteData:
    """Return a cassette without secrets; a credential is removed everywhere, also before the call that reveals it.

    Args:
        cassette: what the cassette holds.
        name: its name, for the text of the error.
        rules: what to redact beyond the contract.
        pseudonyms: replaces ids of folders, clouds and accounts; None keeps them.

    Raises:
        SecretFoundError: something in it still looks like a secret, or a body cannot be decoded.
    """
    redactor = Redactor(rules=rules)
    for number, each in enumerate(cassette.interactions, 1):
        try:
            redactor.scrub(each)
        except UnreadableBodyError as error:
            raise SecretFoundError(
                f"{name}, interaction {number}, {line_without_secrets(each)}: {error.what} The file is left as it "
                "is. Record it decoded, with vcrpy's decode_compressed_response=True, or take this interaction out by "
                "hand."
            ) from None
    interactions = tuple(map(redactor.scrub, cassette.interactions))
    clean = cassette._replace(metadata=scrub_metadata(cassette.metadata), interactions=interactions)
    clean = pseudonyms.cassette(clean) if pseudonyms else clean
    check = partial(check_before_saving, cassette=name, known=redactor.known, allow=redactor.allowed)
    check(head_text(clean.metadata))
    for each in clean.interactions:
        check(item_text(each), interaction=each)
    return clean


def changes(before: CassetteData, after: CassetteData) -> Iterator[str]:
    """Yield what redaction changed: number, call and parts of each interaction, never their content."""
    if before.metadata != after.metadata:
        yield "the metadata"
    for number, (old, new) in enumerate(zip(before.interactions, after.interactions, strict=True), 1):
        parts = (
            ("the request's address", old.request.uri != new.request.uri),
            ("the request's headers", old.request.headers != new.request.headers),
            ("the request's body", old.request.body != new.request.body),
            ("the answer's headers", old.response._replace(body=b"") != new.response._replace(body=b"")),
            ("the answer's body", old.response.body != new.response.body),
        )
        changed = ", ".join(part for part, is_changed in parts if is_changed)
        if changed:
            yield f"{number}. {line_without_secrets(new)}: {changed}"


def scrub_metadata(metadata: CassetteMetadata) -> CassetteMetadata:
    """Return the metadata of a cassette without secrets in its address and its note."""
    return metadata._replace(upstream=without_secrets(metadata.upstream), note=without_secrets(metadata.note))


class ForReplay(NamedTuple):
    """A cassette prepared for replay.

    Attributes:
        played: redacted requests with the recorded responses.
        clean: responses redacted as well: what errors may show.
        known: credentials found in it, for the redactor of the requests.
    """

    played: CassetteData
    clean: CassetteData
    known: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        """Show nothing that may be secret: reports of tests print the variables of frames."""
        return f"<ForReplay of {len(self.played.interactions)} interactions>"


def for_replay(cassette: CassetteData, rules: RedactionRules = NO_RULES) -> ForReplay:
    """Return a cassette redacted by `rules`, unless this version recorded it without others. Safe for threads."""
    if cassette.metadata.tool and cassette.metadata.tool == _this_version() and not (rules.fields or rules.patterns):
        return ForReplay(cassette, cassette)
    return _scrubbed(cassette, rules)


@lru_cache(maxsize=1)
def _this_version() -> str:
    return version("pytest-ycimages")


@lru_cache(maxsize=256)
def _scrubbed(cassette: CassetteData, rules: RedactionRules) -> ForReplay:
    redactor = Redactor(rules=rules, hides_unreadable=True)
    for each in cassette.interactions:  # learn all credentials before redacting
        redactor.scrub(each)
    clean = tuple(map(redactor.scrub, cassette.interactions))
    pairs = zip(cassette.interactions, clean, strict=True)
    played = cassette._replace(interactions=tuple(each._replace(request=new.request) for each, new in pairs))
    return ForReplay(played, cassette._replace(interactions=clean), redactor.known)


class Pruned(NamedTuple):
    """What `prune` removed from one cassette, or would remove.

    Attributes:
        path: the file.
        what: what was removed, as text; empty for nothing.
        problem: why nothing was removed, as text.
    """

    path: Path
    what: str = ""
    problem: str = ""


def prune(usage_file: Path, within: Iterable[Path] = (), *, dry_run: bool = False) -> list[Pruned]:
    """Remove unused interactions and files, and update the usage file accordingly.

    Args:
        usage_file: the usage that the plugin wrote.
        within: only these cassettes, and those in these folders; empty means all.
        dry_run: change nothing.

    Returns:
        The outcome for each cassette with unused interactions.

    Raises:
        CassetteError: the usage of the run is unknown.
    """
    usage = read_usage(usage_file)
    ended_at = usage_file.stat().st_mtime_ns
    places = [place.absolute() for place in within]
    to_do: list[tuple[Path, UsedInteractions | None]] = [
        (Path(name), used) for name, used in usage.cassettes.items() if used.unused
    ]
    to_do += [(Path(name), None) for name in usage.orphans or ()]
    pruned = [
        _prune(path, used, ended_at, dry_run=dry_run)
        for path, used in to_do
        if path.exists() and (not places or any(place == path or place in path.parents for place in places))
    ]
    done = {str(each.path) for each in pruned if not each.problem}
    if done and not dry_run:
        _keep_in_step(usage_file, usage, done)
        os.utime(usage_file, ns=(ended_at, ended_at))  # it still tells of that run, and what is newer has changed since
    return pruned


def _prune(path: Path, used: UsedInteractions | None, ended_at: int, *, dry_run: bool) -> Pruned:
    try:
        if path.stat().st_mtime_ns > ended_at:
            raise _stale(path)
        if used is not None:  # None: a file that belongs to no test
            return Pruned(path, _take_out(path, used, dry_run=dry_run))
        if not dry_run:
            path.unlink()
    except CassetteError as error:
        return Pruned(path, problem=str(error))
    return Pruned(path, "the whole file: it belongs to no test")


def _take_out(path: Path, used: UsedInteractions, *, dry_run: bool) -> str:
    cassette = read_cassette(path)
    if len(cassette.interactions) != used.interactions:
        raise _stale(path)
    unused = frozenset(used.unused)
    kept = tuple(each for index, each in enumerate(cassette.interactions) if index not in unused)
    if not dry_run:
        write_cassette(path, cassette._replace(interactions=kept))
    return f"{len(unused)} of {used.interactions} interactions"


def _keep_in_step(usage_file: Path, usage: StoredUsage, done: set[str]) -> None:
    """Store the remaining work, so that a second run finds nothing to do instead of changed files."""
    used = {
        name: UsedInteractions(each.interactions - len(each.unused), ()) if name in done else each
        for name, each in usage.cassettes.items()
    }
    left = None if usage.orphans is None else [Path(name) for name in usage.orphans if name not in done]
    write_usage(usage_file, used, left)


def _stale(path: Path) -> CassetteError:
    return CassetteError(
        f"{path} has changed since the run whose usage is known, so it is left as it is. "
        "Run the tests again, then prune."
    )
