"""Where the cassette of a test is: a file per test, named after it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final

SUFFIXES: Final = (".yaml", ".yml", ".json")
"""What the names of cassettes end with."""

_LONGEST: Final = 100
_STRANGE: Final = re.compile(r"[^\w.=,+@\[\]-]+", re.ASCII)
"""What does not go into the name of a file."""


def named(directory: Path, name: str) -> Path:
    """The file of a cassette that was given a name; one without a suffix is YAML."""
    path = directory / name
    return path if path.suffix in SUFFIXES else path.with_name(f"{path.name}.yaml")


def of_test(directory: Path, nodeid: str) -> Path:
    """The file of a test that gave its cassette no name.

    A folder for the module, and in it a file for the test. Two tests never share one: where a name had to be changed to
    be a file's, a part of its hash stands behind it.
    """
    module, *names = nodeid.split("::")
    test = ".".join(names)
    plain = _STRANGE.sub("-", test)[:_LONGEST]
    if plain != test:
        plain += f"-{hashlib.blake2b(test.encode(), digest_size=4).hexdigest()}"
    folder = Path(*(part for part in Path(module).with_suffix("").parts if part not in {"..", "/"}))
    return directory / folder / f"{plain}.yaml"


def numbered(path: Path, number: int) -> Path:
    """The file of the n-th double of a test: the first has the test's own."""
    return path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
