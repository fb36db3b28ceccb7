"""A key that the format does not know is refused at any depth, with its line and the nearest one that it knows."""

from __future__ import annotations

import json
import string
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_ycimages import CassetteBrokenError
from pytest_ycimages.cassette.file import block_text, cassette_text, json_text
from pytest_ycimages.cassette.model import CassetteData
from pytest_ycimages.cassette.parsing import parse
from tests.cassette.files.some import METADATA, poll

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Place = tuple[int | str, ...]

WHOLE: Final = CassetteData(METADATA._replace(note="by hand"), (poll(1), poll(2, done=True)))
LAYOUTS: Final[dict[str, Callable[[Any], str]]] = {
    "a.yaml": lambda form: yaml.safe_dump(form, sort_keys=False),
    "b.yaml": lambda form: yaml.safe_dump(form, default_flow_style=True, width=80, sort_keys=False),
    "c.yaml": json.dumps,
    "a.json": lambda form: json.dumps(form, indent=1),
    "b.json": lambda form: json.dumps(form, indent="\t"),
    "c.json": lambda form: json.dumps(form, separators=(",", ":")),
}
"""Ways in which an editor, or a tool that formats files, may leave a cassette."""
LINES: Final = {
    2: "version",
    3: "origin note",
    4: "interactions",
    5: "request method uri body",
    6: "response status code message string",
    7: "at duration skipped_polls",
    11: "complete",
}
"""Lines of this package's own layout, and keys that are first seen there."""
FREE: Final = "headers"
"""Whatever is below is a name of HTTP, and no key of the format."""


def form() -> Any:
    """The cassette as plain values, with every key of the format, and two of an earlier one."""
    whole = json.loads(json_text(WHOLE))
    ours = whole["interactions"][1]["ycimages"]
    ours["took"], ours["equal"] = ours.pop("duration"), ours.pop("skipped_polls")
    return whole


def keys(value: Any, place: Place = ()) -> Iterator[Place]:
    """The places of all keys that the format defines."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield (*place, name)
            if name != FREE:
                yield from keys(each, (*place, name))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from keys(each, (*place, index))


@cache
def places() -> list[Place]:
    """The places of all keys of the cassette."""
    return list(keys(form()))


def mapping_at(whole: Any, place: Place) -> dict[str, Any]:
    """The mapping that has the key at `place`."""
    for step in place[:-1]:
        whole = whole[step]
    return whole  # type: ignore[no-any-return]


@st.composite
def one_edit_away(draw: st.DrawFn, word: str) -> str:
    """The word with a letter left out, added, exchanged for another, or swapped with the next one."""
    at = draw(st.integers(0, len(word) - 1))
    letter = draw(st.sampled_from(string.ascii_letters + string.digits + "_-"))
    after = word[at + 1 :]
    edits = [word[:at] + after, word[:at] + letter + word[at:], word[:at] + letter + after]
    swapped = word[:at] + after[:1] + word[at] + after[1:]
    return draw(st.sampled_from([edit for edit in (*edits, swapped, word.upper()) if edit not in {"", word}]))


def refusal(text: str, name: str = "a.yaml") -> str:
    """What is said of a text that is refused."""
    with pytest.raises(CassetteBrokenError) as refused:
        parse(text.encode(), Path(name))
    return str(refused.value)


def line_of(text: str, marker: str) -> int:
    """The line on which a marker stands, which the text has once."""
    assert text.count(marker) == 1
    return text[: text.index(marker)].count("\n") + 1


def renamed(place: Place, key: str) -> Any:
    """The cassette with another key at a place; the order of the keys stays."""
    whole = form()
    mapping = mapping_at(whole, place)
    items = [(key if name == place[-1] else name, value) for name, value in mapping.items()]
    mapping.clear()
    mapping.update(items)
    return whole


@pytest.mark.costly
@settings(max_examples=60)
@given(st.data(), st.sampled_from(sorted(LAYOUTS)))
def test_a_misspelt_key_is_refused_wherever_it_is(data: st.DataObject, name: str) -> None:
    """Whether it is needed or not, in each layout."""
    place = data.draw(st.sampled_from(places()))
    word = str(place[-1])
    key = data.draw(one_edit_away(word).filter(lambda key: key not in mapping_at(form(), place)))
    text = LAYOUTS[name](renamed(place, key))
    marker = "Q" * len(key)  # which the text does not have elsewhere
    line = line_of(LAYOUTS[name](renamed(place, marker)), marker)
    said = refusal(text, name)
    assert said.startswith(f"{name}, line {line}: ")
    assert f"Unknown key {key!r}. " in said
    assert f" Did you mean {word!r}?" in said
    assert "The file is unchanged." in said


@pytest.mark.costly
@given(st.data())
def test_a_misspelt_key_is_refused_in_this_packages_own_layout(data: st.DataObject) -> None:
    """Which is not read as YAML: the line is that of the interaction's part."""
    text = cassette_text(WHOLE).decode()
    word, line = data.draw(st.sampled_from([(word, line) for line, words in LINES.items() for word in words.split()]))
    written = next(each for each in (f'"{word}": ', f"{word}:") if each in text)
    key = data.draw(one_edit_away(word).filter(str.islower))
    said = refusal(text.replace(written, written.replace(word, key), 1))
    assert said.startswith(f"a.yaml, line {line}: ")
    assert f"Unknown key {key!r}. Did you mean {word!r}?" in said


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_what_is_free_and_what_is_old_is_read(name: str) -> None:
    """Names of headers, whatever is within bodies, keys of the format before, and what vcrpy alone writes."""
    whole = form()
    whole["interactions"][0]["request"]["headers"]["x-metod"] = ["1"]
    whole["interactions"][0]["response"]["body"]["string"] = '{"statuss": {"metod": 1}}'
    whole["interactions"][0]["response"]["url"] = "https://h/"
    read = parse(LAYOUTS[name](whole).encode(), Path(name))
    assert ("x-metod", "1") in read.interactions[0].request.headers
    assert read.interactions[1] == WHOLE.interactions[1]


@pytest.mark.parametrize("key", ["1", "null", "yes", "2026-01-01", "1.5"])
@pytest.mark.parametrize("place", [("version",), ("ycimages", "note"), ("interactions", 0, "response", "status")])
def test_a_key_that_is_no_text_is_refused(place: Place, key: str) -> None:
    """YAML has keys of any kind."""
    text = LAYOUTS["a.yaml"](renamed(place, "qqq")).replace("qqq:", f"{key}:")
    assert "Unknown key " in refusal(text)


@pytest.mark.parametrize("end", ["", "\n", "\ncomplete: true\n"])
def test_a_misspelt_key_at_the_end_of_an_unfinished_recording_is_not_taken_for_a_torn_end(end: str) -> None:
    """A torn interaction is not read."""
    text = cassette_text(WHOLE).decode().removesuffix("\ncomplete: true\n")
    at = text.rindex("duration")
    assert "line 10: interaction 2, ycimages: Unknown key 'duratoin'" in refusal(
        f"{text[:at]}duratoin{text[at + len('duration') :]}{end}"
    )


@example(["servies", "interactins"])
@given(st.lists(st.sampled_from(["services", "images", "name", "version"]), unique=True))
def test_another_file_is_no_misspelt_cassette(names: list[str]) -> None:
    """Unless one of its keys is nearly that of the interactions."""
    said = refusal(yaml.safe_dump(dict.fromkeys(names, 1)))
    is_near = "interactins" in names
    assert ("it has no list of `interactions`" in said) != is_near


def test_blocks_as_vcrpy_writes_them_name_the_line_of_the_key() -> None:
    """And not that of its value, which begins on the next one."""
    text = block_text(WHOLE).decode()
    at = line_of(text, "  recorded_at:")
    assert f"line {at}: ycimages: Unknown key 'recorded'. Did you mean 'recorded_at'?" in refusal(
        text.replace("recorded_at:", "recorded:")
    )
    at = text[: text.index("    status:")].count("\n") + 1
    assert f"line {at}: interaction 1, response: Unknown key 'state'. Did you mean 'status'?" in refusal(
        text.replace("    status:", "    state:", 1)
    )
