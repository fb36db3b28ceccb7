"""Seconds and bytes written as text, wherever text is read: settings, faults, the control API, and seeding."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ycimages import (
    After,
    Double,
    Latency,
    PerGiB,
    Rule,
    Settings,
    Uniform,
    UsageError,
    garble,
    ramp,
    slow,
    stall,
    trickle,
    truncate,
)
from pytest_ycimages.faults.rule import fault_of, rule_of
from pytest_ycimages.latency import latency_of
from pytest_ycimages.settings import merged
from pytest_ycimages.text_values import bytes_in, seconds_in

UNITS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400}
POWERS = {"": 0, "k": 1, "M": 2, "G": 3, "T": 4}
spaces = st.sampled_from(["", " ", "  "])
parts = st.tuples(st.integers(0, 999), st.sampled_from(["", ".5", ".25"]), st.sampled_from(sorted(UNITS)))


@pytest.mark.costly
@given(st.lists(parts, min_size=1, max_size=3), spaces)
@settings(max_examples=80)
def test_a_duration_is_the_sum_of_its_parts(given: list[tuple[int, str, str]], space: str) -> None:
    """As in Go, with white space wherever a person puts it."""
    wanted = sum(float(f"{whole}{rest}") * UNITS[unit] for whole, rest, unit in given)
    found = seconds_in(space.join(f"{whole}{rest}{space}{unit}" for whole, rest, unit in given))

    if found is None:
        assert wanted < 1e-6
    else:
        assert found == pytest.approx(wanted, abs=1e-6)


@given(st.integers(1, 4096), st.sampled_from(sorted(POWERS)), st.booleans(), st.sampled_from("bB"), spaces)
@settings(max_examples=80)
def test_a_size_has_binary_or_decimal_units_in_any_case(
    number: int,
    prefix: str,
    binary: bool,  # noqa: FBT001 - drawn
    letter: str,
    space: str,
) -> None:
    """GiB is a power of 1024, GB one of 1000."""
    unit = f"{prefix}{'i' if binary and prefix else ''}{letter}"
    wanted = number * (1024 if binary and prefix else 1000) ** POWERS[prefix]

    assert bytes_in(f"{number}{space}{unit}") == wanted
    assert bytes_in(f"{number}{space}{unit}".swapcase()) == wanted


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *[
            ("200ms", 0.2),
            ("20m", 1200),
            ("1h30m", 5400),
            ("1h 30m", 5400),
            ("1.5s", 1.5),
            (".5s", 0.5),
            ("2d", 172800),
        ],
        *[("0", 0), ("0s", 0), ("5", 5), ("2.5", 2.5), (" 5 s ", 5), ("1e3", 1000), ("-5", -5)],
        *[(text, None) for text in ("", "s", "-5s", "+5s", "5S", "5sec", "1y", "1mm", "5 5", "1h30", "1h??30m", "ms")],
        *[(text, None) for text in ("nan", "inf", "-inf", "9" * 400 + "h", "99999999999999h", "0.0001us", "100ns")],
    ],
)
def test_seconds_as_text(text: str, seconds: float | None) -> None:
    """Nothing that looks like a duration is read as another one, and none becomes zero."""
    assert seconds_in(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [
        *[("10GiB", 10 * 2**30), ("512KiB", 2**19), ("10 GiB", 10 * 2**30), ("10gb", 10**10), ("1.5MiB", 3 * 2**19)],
        *[("0", 0), ("0B", 0), ("1024", 1024), (" 7 ", 7)],
        *[(text, None) for text in ("", "GiB", "-1B", "+1B", "10kbit", "10m", "5G", "1.5", "0.3B", "nan", "inf", "²")],
    ],
)
def test_bytes_as_text(text: str, size: int | None) -> None:
    """A unit ends with b or B: `10m` is ten minutes."""
    assert bytes_in(text) == size


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"latency": "1m30s"}, Latency.fixed(90)),
        ({"latency": "uniform(100ms, 400 ms)"}, Latency.uniform(0.1, 0.4)),
        ({"latency": "fixed(.5s, over_body=True)"}, Latency.fixed(0.5, over_body=True)),
        ({"timing": "20m"}, After(1200)),
        ({"timing": "Uniform(1s, 1h30m)"}, Uniform(1, 5400)),
        ({"timing": "PerGiB(7s, base=200ms)"}, PerGiB(7, base=0.2)),
        ({"rollback": "1h"}, 3600),
        ({"cancel_delay": "1.5s"}, 1.5),
        ({"poll_interval": "2m"}, 120),
        ({"max_age": "30d"}, 30),
        ({"max_age": "12h"}, 0.5),
        ({"max_age": "7"}, 7),
    ],
)
def test_a_setting_takes_a_duration(given: dict[str, Any], shown: object) -> None:
    """Of the ini file, the environment of CI, a marker, or Python."""
    ((name, _),) = given.items()

    assert getattr(Settings(**given), name) == shown


def test_a_latency_of_each_method_takes_durations() -> None:
    """Also within a dict, and within the text of one."""
    wanted = {"images.create": Latency.fixed(0.2), "*": Latency.fixed(60)}

    assert latency_of({"images.create": "200ms", "*": "1m"}) == wanted
    assert latency_of("{'images.create': 200ms, '*': '1m'}") == wanted


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("slow(200ms)", slow(0.2)),
        ("slow('200ms')", slow(0.2)),
        ("ramp(0s, 1m, over=1h30m)", ramp(0, 60, over=5400)),
        ("stall(after=10KiB, seconds=2m)", stall(after=10240, seconds=120)),
        ("trickle(10KiB)", trickle(10240)),
        ("truncate(length=1kB)", truncate(length=1000)),
        ("garble('utf8')", garble("utf8")),
    ],
)
def test_a_fault_takes_durations_and_sizes(text: str, fault: object) -> None:
    """In text and in Python; it shows seconds and bytes."""
    assert fault_of(text) == fault
    assert str(fault_of(str(fault))) == str(fault)


def test_a_rule_keeps_what_is_quoted() -> None:
    """A name may look like a duration."""
    rule = rule_of("slow(5s), on='images.create', where={'name': '5s-*'}, when=between(1m, 1h)")

    assert rule.where == {"name": "5s-*"}
    assert str(rule.when) == "between(60.0, 3600.0)"
    assert isinstance(rule, Rule)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: merged({"latency": "5x"}), "a duration such as '200ms', '1.5s' or '1h30m'"),
        (lambda: merged({"latency": "10GiB"}), "invalid latency '10GiB': expected seconds or a duration"),
        (lambda: merged({"latency": "-5s"}), "expected zero seconds or more"),
        (lambda: merged({"timing": "1h??30m"}), "a duration such as '200ms'"),
        (lambda: merged({"rollback": "5 apples"}), "or a duration such as '200ms', '1.5s' or '1h30m'"),
        (lambda: merged({"cancel_delay": "nan"}), "expected seconds, zero or more, such as 2.5, or a duration"),
        (lambda: merged({"poll_interval": "200ms"}), "whole seconds, 1 or more"),
        (lambda: merged({"max_age": "soon"}), "Write days, such as 30, or a duration such as '30d' or '12h'"),
        (lambda: slow("10KiB"), "or a duration such as '200ms'"),  # type: ignore[arg-type]  # text
        (lambda: fault_of("slow(10KiB)"), "invalid slow(seconds='10KiB'): expected seconds"),
        (lambda: fault_of("truncate(length=2s)"), "or a size such as '512KiB' or '10GiB'"),
        (lambda: fault_of("truncate(length='2 apples')"), "or a size such as '512KiB' or '10GiB'"),
        (lambda: fault_of("trickle('fast')"), "such as 100 or '10KiB'"),
        (lambda: Double().add_disk(size="ten GiB"), "or a text such as '512KiB' or '10GiB'"),
    ],
)
def test_what_is_no_duration_or_size_is_refused_with_the_accepted_forms(make: Any, said: str) -> None:
    """The other unit included."""
    with pytest.raises(UsageError) as raised:
        make()

    assert said in str(raised.value)


def test_the_control_api_and_seeding_take_them() -> None:
    """A size or a duration may be text in JSON too."""
    with Double(clock="manual", intercept_hosts="localhost") as double:
        http = httpx.Client(transport=double.httpx_transport(), base_url=f"{double.url}/_ycimages")
        moved = http.post("/clock/advance", json={"seconds": "1h30m"})
        refused = http.post("/clock/advance", json={"seconds": "soon"})
        disk = http.post("/disks", json={"size": "10GiB", "data_size": "512MiB"})
        image = double.images[double.add_image(min_disk_size="20GiB")]
        snapshot = double.add_snapshot(size="10GB")
        uri = double.add_object("https://storage.yandexcloud.net/b/k.qcow2", size="1GiB", virtual_size="20 GiB")

    assert (moved.status_code, moved.json()["elapsed"]) == (200, 5400)
    assert (refused.status_code, "a duration such as '200ms'" in refused.text) == (400, True)
    assert disk.status_code == 201
    assert image.min_disk_size == 20 * 2**30
    assert json.dumps([snapshot, uri])
