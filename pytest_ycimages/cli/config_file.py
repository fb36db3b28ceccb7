"""A TOML file for `ycimages serve --config`: settings by their names, and `[[faults]]` in the words of `inject`.

What is wrong with it is said with the file and the key, before anything is served.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.faults.rule import rule_of
from pytest_ycimages.settings import Settings, settings_from

if TYPE_CHECKING:
    from pathlib import Path


def settings_in(path: Path) -> dict[str, Any]:
    """The settings that a file has.

    Raises:
        UsageError: it cannot be read, or a key or a value of it cannot be; the text says which, and what could be.
    """
    values = _table(path)
    for name, value in values.items():
        if name not in Settings.model_fields:
            raise UsageError(f"{path}: {unknown_word('setting', name, Settings.model_fields)}")
        if name == "faults" and isinstance(value, list):
            values[name] = [_rule(path, number, each) for number, each in enumerate(value, 1)]
        try:
            settings_from({name: values[name]})
        except UsageError as error:
            raise UsageError(f"{path}: {name}: {error}") from None
    return values


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}. Give a TOML file with settings.") from None
    except ValueError as error:  # of which a mistake in TOML is one, and bytes that are no UTF-8 are another
        raise UsageError(f"{path} is no TOML: {error}. Write settings as in timing = 'AfterPolls(3)'.") from None


def _rule(path: Path, number: int, written: object) -> object:
    try:
        return rule_of(written)
    except UsageError as error:
        raise UsageError(f"{path}: faults, number {number}: {error}") from None
