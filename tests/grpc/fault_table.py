"""What gRPC clients see of each fault: one table, which a test proves and the reference shows.

`python -m tests.grpc.fault_table` writes it into the reference.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages import first
from pytest_ycimages.faults.rule import fault_of

if TYPE_CHECKING:
    from pytest_ycimages import Double

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "grpc.md"
BEGIN: Final = "<!-- table: written by `python -m tests.grpc.fault_table` -->\n"
END: Final = "<!-- end of table -->\n"
NAMES: Final = ("grpcio", "grpc.aio", "grpclib", "grpc-js")
SHORT, LONG = 0.3, 20.0
"""Seconds that a client gives a call that never ends, and any other."""


class Row(NamedTuple):
    """A fault that strikes `images.create` after the commit, where it can.

    Attributes:
        fault: the fault, as text.
        means: what it is over gRPC.
        seen: what each of the clients in `NAMES` sees.
        repeated: the clients that send the call twice, without being asked.
    """

    fault: str
    means: str
    seen: tuple[str, str, str, str]
    repeated: tuple[str, ...] = ()

    @property
    def patience(self) -> float:
        """The seconds that a client gives the call."""
        return SHORT if "DEADLINE_EXCEEDED" in self.seen else LONG


def alike(seen: str) -> tuple[str, str, str, str]:
    """Return a row of which all clients see the same."""
    return seen, seen, seen, seen


def strike(double: Double, row: Row) -> None:
    """Let a fault strike the next create, after the commit where it can."""
    fault = fault_of(row.fault)
    commit = "after" if "after" in fault.commits else fault.commits[0]
    double.inject(fault, on="images.create", when=first(1), commit=commit)


_STATUS: Final = "a status with its details, in one frame of headers"
_LATE: Final = "the answer, late; other calls of the connection go on"
_PLAN: Final = "another operation; the call is answered"
_BROKEN: Final = ("UNAVAILABLE", "UNAVAILABLE", "StreamTerminatedError", "UNAVAILABLE")
_SILENT: Final = ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", "TimeoutError", "DEADLINE_EXCEEDED")
_HALF: Final = ("OK, no message", "OK, no message", "AssertionError", "UNIMPLEMENTED")
_CANCELLED: Final = ("CANCELLED", "CANCELLED", "StreamTerminatedError", "CANCELLED")
_DAMAGED: Final = ("INTERNAL", "OK, no message", "DecodeError", "INTERNAL")
_CALM: Final = ("RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED", "StreamTerminatedError", "RESOURCE_EXHAUSTED")
_TERMINATED: Final = ("OK", "OK", "StreamTerminatedError", "OK")

_REFUSED: Final = "RST_STREAM with REFUSED_STREAM: grpc-js tries again by itself"
_UNSEEN: Final = "GOAWAY before the stream: grpcio and grpc-js try again by themselves"

ROWS: Final = (
    Row("error('ABORTED')", _STATUS, alike("ABORTED")),
    Row("unavailable()", _STATUS, alike("UNAVAILABLE")),
    Row("rate_limited(retry_after=1)", "the same, RetryInfo and `grpc-retry-pushback-ms`", alike("RESOURCE_EXHAUSTED")),
    Row("quota_exceeded()", _STATUS, alike("RESOURCE_EXHAUSTED")),
    Row("token_expired()", _STATUS, alike("UNAUTHENTICATED")),
    Row("permission_denied()", _STATUS, alike("PERMISSION_DENIED")),
    Row("internal()", _STATUS, alike("INTERNAL")),
    Row("bad_gateway()", "HTTP 502 with a page of HTML", alike("UNAVAILABLE")),
    Row("gateway_timeout()", "HTTP 504 with a page of HTML", alike("UNAVAILABLE")),
    Row("bad_request()", "HTTP 400 with plain text", alike("INTERNAL")),
    Row("reset()", "RST of TCP: all calls of the connection are lost", _BROKEN),
    Row("close(after=50)", "FIN of TCP after so many bytes of frames", _BROKEN),
    Row("hang()", "no answer on the stream; others go on", _SILENT),
    Row("stall(after=60)", "whole frames up to so many bytes, then nothing", _SILENT),
    Row("stall(after=60, seconds=0.01)", "the same, then the rest", alike("OK")),
    Row("trickle(100000)", "whole frames at this rate", alike("OK")),
    Row("truncate()", "half of the message, then OK", _HALF),
    Row("garble('bytes')", "a message with its right length and wrong bytes", _DAMAGED),
    Row("garble('utf8')", "the same", _DAMAGED),
    Row("garble('json')", "the first half of the message, with the right length", _DAMAGED),
    Row("garble('content_type')", "`text/html` in the headers", ("OK", "OK", "UNKNOWN", "OK")),
    Row("stale()", "RST of TCP for every call but the first of a connection", _BROKEN),
    Row("refuse(0.01)", "RST of TCP, and no new connection for so long", _BROKEN),
    Row("slow(0.01)", _LATE, alike("OK")),
    Row("ramp(0.01, 0.02, over=1)", _LATE, alike("OK")),
    Row("stream_reset()", _REFUSED, (*_BROKEN[:3], "OK"), repeated=("grpc-js",)),
    Row("stream_reset('CANCEL')", "RST_STREAM with CANCEL", _CANCELLED),
    Row("stream_reset('ENHANCE_YOUR_CALM')", "the same, with another code", _CALM),
    Row("goaway(seen=True)", "GOAWAY, and the answer", _TERMINATED),
    Row("goaway()", _UNSEEN, _TERMINATED, repeated=("grpcio", "grpc.aio", "grpc-js")),
    Row("operation_fails()", _PLAN, alike("OK")),
    Row("operation_never_ends()", _PLAN, alike("OK")),
    Row("operation_slow(5)", _PLAN, alike("OK")),
    Row("operation_lost()", _PLAN, alike("OK")),
    Row("operation_seen_late(reads=1)", _PLAN, alike("OK")),
    Row("image_seen_late(reads=1)", _PLAN, alike("OK")),
    Row("cancel_ignored()", _PLAN, alike("OK")),
)  # fmt: skip


def table() -> str:
    """Return the table in Markdown."""
    lines = [f"| fault | over gRPC | {' | '.join(NAMES)} |", f"|---|---|{'---|' * len(NAMES)}"]
    lines += [f"| `{row.fault}` | {row.means} | {' | '.join(row.seen)} |" for row in ROWS]
    return "\n".join([*lines, ""])


def page(text: str) -> str:
    """Return the page with the table in its place."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
