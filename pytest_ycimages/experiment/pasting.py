"""Writes the pytest function that fails as a finding does, in words of the public API, ready to be pasted."""

from __future__ import annotations

import re
from string import Template
from typing import TYPE_CHECKING, Any, Final

import pytest_ycimages
from pytest_ycimages.experiment.client import is_importable
from pytest_ycimages.experiment.judges.judge import name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_ycimages.experiment.judges.judge import Judge
    from pytest_ycimages.experiment.scenario import PlannedFault, Scenario

_TEMPLATE: Final = Template('''\
$imports


$marker
def test_${name}(ycimages_time, ycimages):
    """$doc"""
$injections    assert_survives($client, ycimages, $judge)
''')
_WORD: Final = re.compile(r"\b([A-Za-z_]\w*)\(")


def written_test(client: Any, scenario: Scenario, judge: Judge, settings: Mapping[str, Any]) -> str:
    """A test of the client under one scenario, for one judge.

    The first fault has to strike, as a test that never comes to it shows nothing. The others may not, once the client
    is mended: it may never make the call that they were to strike.

    Args:
        client: the function.
        scenario: what goes wrong.
        judge: who is not content with it.
        settings: what the doubles were given.
    """
    given = ", ".join(f"{name}={_literal(value)}" for name, value in settings.items())
    injections = "".join(
        f"    ycimages.inject({_injected(each, number)})\n" for number, each in enumerate(scenario.faults)
    )
    judge_word = name_of(judge)
    used = {*_WORD.findall(given), *_WORD.findall(injections), judge_word.partition("(")[0], "assert_survives"}
    public = sorted(used & set(pytest_ycimages.__all__), key=str.lower)
    own = [] if judge_word.partition("(")[0] in public else [judge]
    return _TEMPLATE.substitute(
        imports="\n".join(_imports(public, [client, *own])),
        marker=f"@pytest.mark.ycimages({given})",
        name=_name(client, judge_word),
        doc=f"What goes wrong: {scenario}.".replace("\\", "\\\\").replace('"', '\\"'),
        injections=injections,
        client=getattr(client, "__name__", "client"),
        judge=judge_word,
    )


def _literal(value: object) -> str:
    """A value as it is written; text between double quotes, as formatters have it."""
    written = repr(value)
    return f'"{written[1:-1]}"' if isinstance(value, str) and '"' not in written else written


def _injected(planned: PlannedFault, number: int) -> str:
    """What `inject` is given."""
    commit = f', commit="{planned.commit}"' if len(planned.fault.commits) > 1 else ""
    expect = ", expect=False" if number else ""
    return f'{planned.fault}, on="{planned.method}", when={planned.when}{commit}{expect}'


def _imports(public: Iterable[str], own: Iterable[Any]) -> list[str]:
    lines = ["import pytest", "", f"from pytest_ycimages import {', '.join(public)}"]
    for each in own:
        name = getattr(each, "__name__", "client")
        if is_importable(each) and "." not in each.__qualname__:
            lines.append(f"from {each.__module__} import {name}")
        else:
            lines.append(f"# import {name} here: it is no function of a module that can be imported")
    return lines


def _name(client: Any, judge: str) -> str:
    words = f"{getattr(client, '__name__', 'client')}_{judge.partition('(')[0]}"
    return re.sub(r"\W", "_", words)
