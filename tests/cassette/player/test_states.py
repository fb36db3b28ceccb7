"""Compacting: of equal polls the first is kept."""

from __future__ import annotations

from pytest_ycimages.cassette.answers import Compactor, compact
from pytest_ycimages.cassette.requests import normalize
from tests.cassette.player.handmade import IMAGES, create, exchange, image_id, look, operation_id, poll, request


def test_equal_polls_are_dropped_and_counted_on_the_next_that_differs() -> None:
    """Those after the last change are left out as well."""
    recorded = [create(1, 0), poll(1, 1), poll(1, 2), poll(1, 3), poll(1, 4, done=True), poll(1, 5, done=True)]
    kept = compact(recorded)
    assert kept == (recorded[0], recorded[1], recorded[4]._replace(skipped_polls=2))


def test_while_an_operation_runs_a_modified_at_alone_is_no_change() -> None:
    """Any other field is."""
    first, moved = poll(1, 1, modifiedAt="2026-01-01T00:00:01Z"), poll(1, 2, modifiedAt="2026-01-01T00:00:02Z")
    assert compact([first, moved]) == (first,)
    assert len(compact([first, poll(1, 2, modifiedAt="x", description="b")])) == 2


def test_once_an_operation_is_done_every_change_counts() -> None:
    """There is nothing on its way any more."""
    recorded = [poll(1, 1, done=True, modifiedAt="a"), poll(1, 2, done=True, modifiedAt="b")]
    assert compact(recorded) == tuple(recorded)


def test_interleaved_operations_are_each_compared_with_their_own_latest() -> None:
    """Not with what was asked just before."""
    recorded = [poll(1, 1), poll(2, 1), poll(1, 2), poll(2, 2, done=True), poll(1, 3), poll(2, 3, done=True)]
    assert compact(recorded) == (recorded[0], recorded[1], recorded[3])


def test_the_form_of_the_body_is_no_change_and_the_status_is() -> None:
    """Bodies are compared as JSON."""
    one, other = exchange("GET /endpoints", '{"a": 1}'), exchange("GET /endpoints", '{ "a":1 }')
    assert compact([one, other]) == (one,)
    assert len(compact([one, exchange("GET /endpoints", '{"a": 1}', status=500)])) == 2


def test_changes_and_exchanges_for_a_token_are_all_kept() -> None:
    """Each of them happened."""
    cancel = exchange(f"GET /operations/{operation_id(1)}:cancel", {})
    token = exchange("POST /iam/v1/tokens", {"iamToken": "t1.x"})
    recorded = (create(1, 0), create(1, 1), cancel, cancel, token, token)
    assert compact(recorded) == recorded


def test_what_comes_one_by_one_is_compacted_alike() -> None:
    """As a recorder does it."""
    recorded = [look(1, 1, "CREATING"), look(1, 2, "CREATING"), look(1, 3, "CREATING"), look(1, 4, "READY")]
    compactor = Compactor()
    assert [compactor.add(each) for each in recorded] == [
        recorded[0],
        None,
        None,
        recorded[3]._replace(skipped_polls=2),
    ]


def test_compacting_again_keeps_what_was_counted() -> None:
    """Counts are added up."""
    recorded = [look(1, 1, "CREATING"), look(1, 4, "CREATING")._replace(skipped_polls=2), look(1, 5, "READY")]
    assert compact(recorded)[1].skipped_polls == 3


def test_a_cancel_is_no_poll_whatever_its_verb() -> None:
    """Nor is anything else that changes something, or that asks for a token."""
    lines = {
        f"GET /operations/{operation_id(1)}": True,
        f"GET {IMAGES}/{image_id(1)}": True,
        f"GET {IMAGES}?folderId=b1g": True,
        f"GET /operations/{operation_id(1)}:cancel": False,
        f"POST /operations/{operation_id(1)}:cancel": False,
        f"DELETE {IMAGES}/{image_id(1)}": False,
        "POST /iam/v1/tokens": False,
        "GET /endpoints": True,
    }
    found = {line: normalize(request(line.partition(" ")[0], line.partition(" ")[2])).is_poll for line in lines}
    assert found == lines
