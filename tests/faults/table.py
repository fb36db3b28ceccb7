"""What each client sees of each fault: one table, which a test proves and the reference shows.

`python -m tests.faults.table` writes it into the reference.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages import Code
from pytest_ycimages.faults.rule import fault_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_ycimages.faults.fault import Commit

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "faults.md"
BEGIN: Final = "<!-- table: written by `python -m tests.faults.table` -->\n"
END: Final = "<!-- end of table -->\n"

NAMES: Final = ("requests", "urllib3", "httpx", "httpx.AsyncClient", "aiohttp", "http.client")
Seen = tuple[str, str, str, str, str, str]
"""What each of the clients in `NAMES` has: a status, the exception that it raises, or both when JSON cannot be had."""


def everyone(seen: str) -> Seen:
    """All clients see the same."""
    return seen, seen, seen, seen, seen, seen


def unread(status: int) -> Seen:
    """A status with a body that says of itself that it is no JSON."""
    error = f"{status}, JSONDecodeError"
    return error, error, error, error, f"{status}, ContentTypeError", error


class Row(NamedTuple):
    """A fault that strikes `images.create`.

    Attributes:
        fault: the fault, as text.
        before: what clients see that it strikes before the commit; None when it cannot.
        after: the same after the commit.
        status_before: the status in the journal.
        status_after: the same after the commit.
    """

    fault: str
    before: Seen | None
    after: Seen | None
    status_before: Code = Code.UNAVAILABLE
    status_after: Code = Code.OK

    def cases(self) -> Iterator[Case]:
        """The row, one commit after the other."""
        if self.before is not None:
            yield Case(self.fault, "before", self.before, self.status_before)
        if self.after is not None:
            yield Case(self.fault, "after", self.after, self.status_after)


class Case(NamedTuple):
    """A fault that strikes `images.create` before or after the commit, and what is to be seen of it."""

    fault: str
    commit: Commit
    seen: Seen
    status: Code


def both(fault: str, seen: Seen, code: Code | None = None) -> Row:
    """A fault of which clients see the same before and after the commit; `code` is the answer's, if there is one."""
    if code is None:
        return Row(fault, seen, seen)
    return Row(fault, seen, seen, code, code)


def done(fault: str, commit: Commit, seen: Seen) -> Row:
    """A fault that strikes on one side of the commit alone, and lets the call be done."""
    return Row(fault, seen, None, Code.OK) if commit == "before" else Row(fault, None, seen)


RESET: Final = (
    "ConnectionError", "ProtocolError", "ReadError", "ReadError", "ClientOSError", "ConnectionResetError",
)  # fmt: skip
CUT: Final = (
    "ChunkedEncodingError", "ProtocolError", "RemoteProtocolError", "RemoteProtocolError", "ClientPayloadError",
    "IncompleteRead",
)  # fmt: skip
TIMED_OUT: Final = (
    "ReadTimeout", "ReadTimeoutError", "ReadTimeout", "ReadTimeout", "TimeoutError", "TimeoutError",
)  # fmt: skip
REFUSED: Final = (
    "ConnectionError", "NewConnectionError", "ConnectError", "ConnectError", "ClientConnectorError",
    "ConnectionRefusedError",
)  # fmt: skip


def half_a_head(status: int) -> Seen:
    """Some take a head that ends early for a whole one, of an answer that has no body."""
    empty = f"{status}, JSONDecodeError"
    return empty, empty, "RemoteProtocolError", "RemoteProtocolError", "ServerDisconnectedError", empty


def undecodable(status: int) -> Seen:
    """A body that is no UTF-8."""
    error = f"{status}, UnicodeDecodeError"
    return f"{status}, JSONDecodeError", error, error, error, error, error


def mislabelled(status: int) -> Seen:
    """A body that is right, and called HTML."""
    seen = str(status)
    return seen, seen, seen, seen, f"{seen}, ContentTypeError", seen


TABLE: Final[Mapping[str, tuple[Row, ...]]] = {
    "Answers of the service": (
        both("error('ABORTED')", everyone("409"), Code.ABORTED),
        both("unavailable(retry_after=5)", everyone("503"), Code.UNAVAILABLE),
        both("rate_limited(retry_after=5)", everyone("429"), Code.RESOURCE_EXHAUSTED),
        both("quota_exceeded()", everyone("429"), Code.RESOURCE_EXHAUSTED),
        both("token_expired()", everyone("401"), Code.UNAUTHENTICATED),
        both("permission_denied()", everyone("403"), Code.PERMISSION_DENIED),
        both("internal()", everyone("500"), Code.INTERNAL),
    ),
    "Answers of what stands in front of it": (
        both("bad_gateway()", unread(502), Code.UNAVAILABLE),
        both("gateway_timeout()", unread(504), Code.DEADLINE_EXCEEDED),
        both("bad_request()", unread(400), Code.INVALID_ARGUMENT),
    ),
    "The connection": (
        both("reset()", RESET),
        both("reset(after=40)", RESET),
        both(
            "reset(after=300)",
            ("ChunkedEncodingError", "ProtocolError", "ReadError", "ReadError", "ClientPayloadError",
             "ConnectionResetError"),
        ),
        both(
            "close()",
            ("ConnectionError", "ProtocolError", "RemoteProtocolError", "RemoteProtocolError",
             "ServerDisconnectedError", "RemoteDisconnected"),
        ),
        Row("close(after=40)", half_a_head(503), half_a_head(200)),
        both("close(after=300)", CUT),
        both("hang()", TIMED_OUT),
        both("stall(after=40)", TIMED_OUT),
        both("stall(after=300)", ("ConnectionError", *TIMED_OUT[1:])),
        done("stall(after=300, seconds=3)", "after", everyone("200")),
        done("trickle(100)", "after", everyone("200")),
        both("truncate()", CUT),
        both("truncate(length=0)", CUT),
        Row("garble('bytes')", undecodable(503), undecodable(200)),
        Row("garble('utf8')", undecodable(503), undecodable(200)),
        Row("garble('json')", everyone("503, JSONDecodeError"), everyone("200, JSONDecodeError")),
        Row("garble('content_type')", mislabelled(503), mislabelled(200)),
        Row("stale()", RESET, None),
        both("refuse(5)", RESET),
    ),
    "HTTP/2, as clients of HTTP/1.1 see it": (
        both("stream_reset()", RESET),
        both(
            "goaway()",
            ("ConnectionError", "ProtocolError", "RemoteProtocolError", "RemoteProtocolError",
             "ServerDisconnectedError", "RemoteDisconnected"),
        ),
        done("goaway('ENHANCE_YOUR_CALM', seen=True)", "after", everyone("200")),
    ),
    "The operation": (
        done("operation_fails('RESOURCE_EXHAUSTED', 'no space', after=5, rollback=5)", "before", everyone("200")),
        done("operation_never_ends()", "before", everyone("200")),
        done("operation_slow(5)", "before", everyone("200")),
        done("operation_lost()", "before", everyone("200")),
        done("operation_seen_late(reads=2)", "before", everyone("200")),
        done("image_seen_late(seconds=5)", "before", everyone("200")),
        done("cancel_ignored()", "before", everyone("200")),
    ),
    "Slowness": (
        done("slow(3)", "after", everyone("200")),
        done("slow(60)", "after", TIMED_OUT),
        done("ramp(1, 60, over=60)", "after", everyone("200")),
    ),
}  # fmt: skip

CASES: Final = [case for rows in TABLE.values() for row in rows for case in row.cases()]


# As the reference shows it.


def written() -> str:
    """The table as Markdown."""
    lines: list[str] = []
    for title, rows in TABLE.items():
        lines += [f"### {title}", "", f"| fault | commit | {' | '.join(NAMES)} |", "|---" * (len(NAMES) + 2) + "|"]
        lines += [line for row in rows for line in _lines(row)]
        lines.append("")
    return "\n".join(lines)


def _lines(row: Row) -> Iterator[str]:
    if row.before == row.after and row.before is not None:
        yield _line(row.fault, "before, after", row.before)
        return
    for case in row.cases():
        yield _line(case.fault, case.commit, case.seen)


def _line(fault: str, commit: str, seen: Seen) -> str:
    return f"| `{fault}` | {commit} | {' | '.join(f'`{each}`' if each[0].isalpha() else each for each in seen)} |"


def page() -> str:
    """The reference with the table as it is here."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    return f"{before}{BEGIN}\n{written()}\n{END}{rest.partition(END)[2]}"


def functions() -> set[str]:
    """The faults that the table has a row for."""
    return {fault_of(case.fault).name for case in CASES}


if __name__ == "__main__":
    PAGE.write_text(page())
