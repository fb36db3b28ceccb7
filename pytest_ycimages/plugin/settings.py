"""Settings of doubles that pytest gives: the option and ini values, the markers of a test, and the seed of the run."""

from __future__ import annotations

from typing import Any, Final, Literal

import pytest

from pytest_ycimages.plugin.cassettes import CASSETTE_KEYS
from pytest_ycimages.plugin.configuration import check_configuration, check_values, configured
from pytest_ycimages.plugin.nodes import Node, defined_name

_INI: Final = {
    "mode": "which backend answers, as --ycimages-mode says (default: fake)",
    "upstream": "the address that is recorded or compared with, or `none` for the service's own (default: none)",
    "replay_pace": "how replayed operations progress: by `state`, by `time`, or `auto` (default: auto)",
    "volatile": "fields of requests that differ from run to run, FIELD=PATTERN a line (default: none)",
    "unused_interactions": "interactions that no request used `fail` the test, `warn`, or `ignore` (default: fail)",
    "scrub": "names of more fields whose values are redacted in cassettes (default: none)",
    "keep": "names of fields beyond the contract whose values cassettes keep (default: none)",
    "pseudonyms": "`true` for recordings that give folders, clouds and accounts other ids (default: False)",
    "max_age": "days after which a cassette has expired, or `none` (default: none)",
    "expired": "a cassette that has expired lets the test `fail`, `warn`, or `ignore` (default: warn)",
    "allowed_hosts": "hosts that may be reached while a cassette is replayed, globs too (default: none)",
    "seed": "the seed of ids and tokens: an integer, or `random` (default: 0)",
    "contract": "`page` for the specification page, `current` for today's API (default: page)",
    "auth": "`any` takes every bearer token, `strict` only the double's own, `off` needs none (default: any)",
    "oauth": "OAuth tokens: `accept`, or refuse them as `too_new` (after 2026-06-01) or `invalid` (default: accept)",
    "timing": "how long operations take: seconds, or such as AfterPolls(3) or REALISTIC (default: AfterPolls(1))",
    "latency": "how late responses are: seconds, or such as uniform(0.1, 0.4) (default: 0)",
    "latency_order": "what comes first in a late call: `effect_first` or `latency_first` (default: effect_first)",
    "outcome": "how operations end: Success(), or such as Failure('UNAVAILABLE', 'try again') (default: Success())",
    "rollback": "seconds that undoing a failed or cancelled operation takes (default: 0)",
    "cancel": "cancelling an operation `wins`, comes `late`, `loses`, is `too_late` or `refused` (default: wins)",
    "cancel_delay": "seconds until a `late` cancel takes effect (default: 5)",
    "faults": "the faults of every test, a rule a line, such as slow(2), when=chance(0.1) (default: none)",
    "clock": "`real`, or `manual` to move it with clock.advance(seconds) (default: real)",
    "unknown_fields": "`warn` about fields that the contract lacks, `ignore` or `reject` them (default: warn)",
    "unknown_resources": "`accept` sources and folders that were not added, or answer `not_found` (default: accept)",
    "idempotency_key_format": "`any` takes every key, `uuid` only UUIDs (default: any)",
    "idempotency_key_reuse": "a key that was sent with another request: `first` or `reject` (default: first)",
    "missing_source": "a source that is not there: `failed_precondition` or `not_found` (default: failed_precondition)",
    "filter_fields": "fields that filters of lists may name: `documented` or `all` (default: documented)",
    "operation_retention": "seconds that operations are kept after their end, or `none` (default: 1209600)",
    "poll_interval": "whole seconds that answers to polls ask clients to wait, or `none` (default: none)",
    "quotas": "`default` for the service's own, `none` for none (default: none)",
    "served_hosts": "more host names or globs that the `Host` of a request may have, one a line (default: none)",
    "intercept_hosts": "more host names or globs that `ycimages_intercept` answers, one a line (default: none)",
    "real_hosts": "connections to the service itself in a test with a double: `refuse` or `allow` (default: refuse)",
    "violation_paths": "how violations spell fields: `camelCase`, `snake_case` or `GoCase` (default: camelCase)",
}
"""The settings that an ini file may give, each as `ycimages_<name>`."""

_LINES: Final = frozenset({"faults", "intercept_hosts", "served_hosts", "volatile"})
"""Settings that take several values, one a line."""
MARKER: Final = (
    "ycimages(**settings): set up the doubles of a test, a class or a module, such as "
    "@pytest.mark.ycimages(timing=30, contract='current')"
)
SEED: Final = pytest.StashKey[str]()
"""The seed of the run."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of the seed, and the ini values."""
    group = parser.getgroup("ycimages", "test double of the Yandex Compute Cloud image API")
    group.addoption(
        "--ycimages-seed",
        metavar="SEED",
        help="the seed of every double: an integer, or `random` to draw one and print it (default: ini, then 0)",
    )
    for name, text in _INI.items():
        kind: Literal["linelist", "string"] = "linelist" if name in _LINES else "string"
        parser.addini(f"ycimages_{name}", f"ycimages: {text}", kind)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Refuse what is misspelt in the configuration of a run, before its first test.

    Raises:
        pytest.UsageError: a key is unknown, or a value is invalid.
    """
    check_configuration(config, [*(f"ycimages_{name}" for name in _INI), *CASSETTE_KEYS])
    _choose_seed(config)
    values = _configured(config)
    values.pop("seed", None)
    if values.get("mode") == "record-all":
        del values["mode"]
    check_values(config, values)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Send the seed to a worker of pytest-xdist: a random one is the same in all of them."""
    node.workerinput["ycimages_seed"] = node.config.stash[SEED]


def pytest_report_header(config: pytest.Config) -> str:
    """Print the seed in force, and the mode of the run."""
    mode = config.option.ycimages_mode or config.getini("ycimages_mode")
    return f"ycimages: seed {config.stash[SEED]}" + (f", mode {mode}" if mode else "")


def _choose_seed(config: pytest.Config) -> None:
    option, ini = config.option.ycimages_seed, configured(config, "ycimages_seed")
    source, seed = ("--ycimages-seed", option) if option else ("ycimages_seed", "0" if ini is None else str(ini))
    if seed == "random":
        from pytest_ycimages.cloud.ids import random_seed  # noqa: PLC0415 - only for random seeds

        seed = getattr(config, "workerinput", {}).get("ycimages_seed") or str(random_seed())
    try:
        int(seed)
    except ValueError:
        raise pytest.UsageError(f"{source}={seed}: the seed is an integer, or the word `random`.") from None
    config.stash[SEED] = seed


def seed_option(config: pytest.Config) -> dict[str, str]:
    """Return the seed as a setting if the command line gives it."""
    return {"seed": config.stash[SEED]} if config.option.ycimages_seed else {}


def ini(config: pytest.Config) -> dict[str, Any]:
    """Return the settings of the ini file, and the seed of the run."""
    return _configured(config) | {"seed": config.stash[SEED]}


def _configured(config: pytest.Config) -> dict[str, Any]:
    values = {name: configured(config, f"ycimages_{name}") for name in _INI}
    return {name: value for name, value in values.items() if value is not None}


def name_of(node: Node) -> str:
    """Return the name of the first double of a test, class, module or session, which its ids depend on.

    It is the marker's `name`, or that of the node.
    """
    names = (marker.kwargs.get("name") for marker in node.iter_markers("ycimages"))
    return next(filter(None, names), None) or str(defined_name(node))
