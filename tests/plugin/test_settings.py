"""One frozen `Settings`, and how its sources are merged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from pytest_ycimages import (
    After,
    AfterPolls,
    Double,
    Failure,
    Latency,
    Quotas,
    Settings,
    Success,
    UsageError,
)
from pytest_ycimages.plugin import settings as plugin_settings
from pytest_ycimages.settings import merged

if TYPE_CHECKING:
    from collections.abc import Mapping


def test_the_defaults_please() -> None:
    """Loopback, a free port, any token, done at the first poll, the page's contract, and seed 0."""
    assert dict(Settings()) == {
        "mode": "fake",
        "cassette": None,
        "upstream": None,
        "replay_pace": "auto",
        "volatile": {},
        "unused_interactions": "fail",
        "scrub": (),
        "keep": (),
        "pseudonyms": False,
        "max_age": None,
        "expired": "warn",
        "allowed_hosts": (),
        "seed": 0,
        "contract": "page",
        "auth": "any",
        "timing": AfterPolls(1),
        "latency": Latency.fixed(0),
        "latency_order": "effect_first",
        "outcome": Success(),
        "rollback": 0,
        "cancel": "wins",
        "cancel_delay": 5,
        "faults": (),
        "clock": "real",
        "unknown_fields": "warn",
        "unknown_resources": "accept",
        "oauth": "accept",
        "idempotency_key_format": "any",
        "idempotency_key_reuse": "first",
        "missing_source": "failed_precondition",
        "filter_fields": "documented",
        "operation_retention": 14 * 86400,
        "poll_interval": None,
        "quotas": Quotas(),
        "violation_paths": "camelCase",
        "texts": {},
        "intercept_hosts": (),
        "real_hosts": "refuse",
        "served_hosts": (),
        "allow_remote": False,
        "journal_limit": None,
        "control_token": None,
        "host": "127.0.0.1",
        "port": 0,
    }


def test_settings_do_not_change() -> None:
    """They are frozen: what a double runs with is what it was made with."""
    with pytest.raises(ValidationError, match="frozen"):
        Settings().seed = 5  # type: ignore[misc]  # that it cannot be set is the point


NOT_IN_INI = {"allow_remote", "cassette", "control_token", "host", "journal_limit", "port", "texts"}
"""Settings of a server, and those that ini files have no form for."""


def test_every_ini_value_is_a_setting_with_its_default_in_the_help() -> None:
    """The ini table names no setting that does not exist, and states each default truly."""
    table: dict[str, str] = vars(plugin_settings)["_INI"]
    assert set(table) == set(Settings.model_fields) - NOT_IN_INI
    for name, text in table.items():
        default = Settings.model_fields[name].get_default(call_default_factory=True)
        default = default or (() if default == {} else default)
        written = {AfterPolls(1): "AfterPolls(1)", Quotas(): "none", None: "none", (): "none"}.get(
            default, str(default)
        )
        assert f"(default: {written})" in text


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ({"seed": "7"}, Settings(seed=7)),
        ({"seed": "-7"}, Settings(seed=-7)),
        ({"timing": "2.5"}, Settings(timing=After(2.5))),
        ({"timing": "AfterPolls(3)"}, Settings(timing=AfterPolls(3))),
        ({"outcome": "Success()"}, Settings(outcome=Success())),
        ({"outcome": "Failure('aborted', 'x')"}, Settings(outcome=Failure("ABORTED", "x"))),
        ({"rollback": "2.5", "cancel_delay": "7"}, Settings(rollback=2.5, cancel_delay=7)),
        ({"cancel": "late"}, Settings(cancel="late")),
        (
            {"timing": "{'images.create': 'AfterPolls(3)', '*': 2}", "rollback": "{'images.delete': 1.5}"},
            Settings(timing={"images.create": AfterPolls(3), "*": After(2)}, rollback={"images.delete": 1.5}),
        ),
        ({"port": "8080"}, Settings(port=8080)),
        ({"latency": "0.2"}, Settings(latency=Latency.fixed(0.2))),
        ({"latency": "{'images.*': 'uniform(1, 2)'}"}, Settings(latency={"images.*": Latency.uniform(1, 2)})),
        ({"poll_interval": "2"}, Settings(poll_interval=2)),
        ({"poll_interval": "none"}, Settings()),
        ({"mode": "replay", "upstream": "http://127.0.0.1:8080/"}, Settings(mode="replay", upstream="http://127.0.0.1:8080")),
        ({"upstream": "none", "max_age": "none"}, Settings()),
        ({"volatile": "name=bake-*, labels.build=*"}, Settings(volatile={"name": "bake-*", "labels.build": "*"})),
        ({"volatile": ["name=bake-*"]}, Settings(volatile={"name": "bake-*"})),
        ({"scrub": "secretNote, other", "max_age": "30"}, Settings(scrub=("secretNote", "other"), max_age=30)),
        ({"pseudonyms": "true"}, Settings(pseudonyms=True)),
        ({"allowed_hosts": "db *.test"}, Settings(allowed_hosts=("db", "*.test"))),
        ({"intercept_hosts": "A.example. *.b.example"}, Settings(intercept_hosts=["a.example", "*.b.example"])),
        ({"contract": "current", "auth": "off", "clock": "manual"}, Settings(contract="current", auth="off", clock="manual")),  # noqa: E501
    ],
)  # fmt: skip
def test_every_setting_may_be_given_as_text(text: dict[str, str], settings: Settings) -> None:
    """Command lines and ini files have nothing else."""
    assert merged(text) == settings


@pytest.mark.parametrize(
    ("sources", "values"),
    [
        ([], {}),
        ([{"seed": 1}, {"seed": 2}], {"seed": 1}),
        ([{"seed": 1}, {"timing": 5}], {"seed": 1, "timing": After(5)}),
        ([Settings(auth="off"), {"seed": 2, "auth": "any"}], {"auth": "off", "seed": 2}),
        ([{}, Settings(seed=0), {"seed": 2}], {"seed": 0}),
        ([Settings(), {"seed": 2}], {"seed": 2}),
    ],
)
def test_the_earlier_source_wins_in_what_it_says(
    sources: list[Settings | Mapping[str, Any]], values: dict[str, Any]
) -> None:
    """Setting by setting; a default that nobody wrote says nothing."""
    assert merged(*sources) == Settings(**values)


TIMINGS = (
    "Known: After, AfterPolls, Immediate, LogNormal, Never, PerGiB, REALISTIC, REALISTIC_DELETE, REALISTIC_DISK, "
    "REALISTIC_IMAGE, REALISTIC_SLOW_DISK, REALISTIC_SNAPSHOT, REALISTIC_URI, Uniform."
)
ORDER = "Input should be 'effect_first' or 'latency_first'"
WHOLE = "expected whole seconds, 1 or more, such as 5 or '1m', or None for no header"
ADDRESS = "Write scheme and host, and no path, such as http://127.0.0.1:8080"
KNOWN = (
    "Known: allow_remote, allowed_hosts, auth, cancel, cancel_delay, cassette, clock, contract, control_token, "
    "expired, faults, filter_fields, host, idempotency_key_format, idempotency_key_reuse, intercept_hosts, "
    "journal_limit, keep, latency, latency_order, max_age, missing_source, mode, oauth, operation_retention, outcome, "
    "poll_interval, port, pseudonyms, quotas, real_hosts, replay_pace, rollback, scrub, seed, served_hosts, texts, "
    "timing, unknown_fields, unknown_resources, unused_interactions, upstream, violation_paths, volatile."
)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"tming": 5}, f"Unknown setting 'tming'. Did you mean 'timing'? {KNOWN}"),
        ({"zzz": 5}, f"Unknown setting 'zzz'. {KNOWN}"),
        (
            {"contract": "pag"},
            "invalid settings: contract='pag': Input should be 'page' or 'current' (did you mean 'page'?).",
        ),
        ({"port": -1}, "invalid settings: port=-1: Input should be greater than or equal to 0."),
        (
            {"latency": "unifrm(1, 2)"},
            "Unknown latency 'unifrm'. Did you mean 'uniform'? Known: fixed, lognormal, uniform.",
        ),
        ({"latency_order": "first"}, f"invalid settings: latency_order='first': {ORDER}."),
        ({"poll_interval": 0.5}, f"invalid poll_interval=0.5: {WHOLE}."),
        ({"poll_interval": "0"}, f"invalid poll_interval='0': {WHOLE}."),
        ({"upstream": "127.0.0.1:1"}, f"invalid settings: upstream='127.0.0.1:1': {ADDRESS}."),
        ({"volatile": "name"}, "invalid settings: volatile='name': Write FIELD=PATTERN, such as name=bake-*."),
        ({"poll_interval": True}, f"invalid poll_interval=True: {WHOLE}."),
        ({"timing": "Nevr()"}, f"Unknown timing 'Nevr'. Did you mean 'Never'? {TIMINGS}"),
        (
            {"timing": "AfterPolls()"},
            "invalid timing 'AfterPolls()': missing a required argument: 'polls'; expected AfterPolls(polls)",
        ),
    ],
)
def test_a_setting_that_cannot_be_is_refused_with_what_can(settings: dict[str, Any], text: str) -> None:
    """The same text whether it comes from a marker, a fixture, ini, the command line or a `Double`."""
    for make in (Double, merged):
        with pytest.raises(UsageError) as refusal:
            make(settings)
        assert str(refusal.value) == text


def test_all_that_is_wrong_is_said_at_once() -> None:
    """A second run must not be needed to find the second mistake."""
    with pytest.raises(UsageError, match=r"seed='x': .*; contract='pag': .*; port=70000: "):
        merged({"seed": "x", "contract": "pag", "port": 70000})


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.1", "example.com"])  # noqa: S104 - refused is the point
def test_only_loopback_can_be_listened_on(host: str) -> None:
    """A double has no door to the outside."""
    with pytest.raises(UsageError, match=r"Input should be '127\.0\.0\.1', '::1' or 'localhost'"):
        merged({"host": host})
