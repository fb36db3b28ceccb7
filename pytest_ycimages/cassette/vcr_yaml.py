"""YAML as any version of vcrpy writes it: read with libyaml where it is installed, and only into plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from pytest_ycimages.cassette.schema import Place

if TYPE_CHECKING or not yaml.__with_libyaml__:
    from yaml import SafeLoader as _SafeLoader
else:
    from yaml import CSafeLoader as _SafeLoader


_MERGE: Final = "tag:yaml.org,2002:merge"
_LONGEST_KEY: Final = 100
"""In characters. A reader accepts plain keys up to 1,024, and an escape has up to ten."""


class _Loader(_SafeLoader):
    """A safe loader that also reads the Python tags of older versions of vcrpy around a body."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's own signature
        """Return a mapping, or refuse a repeated key: PyYAML would keep the last."""
        seen = set[str]()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen and key.tag != _MERGE:
                    raise RepeatedError(key.value, key.start_mark.line + 1)
                seen.add(key.value)
        found: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return found


def _text(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
    return loader.construct_scalar(node)


def _sequence(loader: yaml.SafeLoader, node: yaml.SequenceNode) -> Any:
    return loader.construct_sequence(node, deep=True)


def _buffer(loader: yaml.SafeLoader, node: yaml.MappingNode) -> Any:
    """Return the contents of a file that was sent as a body."""
    state = loader.construct_mapping(node, deep=True).get("state")
    return state[0] if state else b""


def _parts(loader: yaml.SafeLoader, node: yaml.MappingNode) -> Any:
    """Return the contents of an iterator that was sent as a body."""
    (parts,) = loader.construct_mapping(node, deep=True).get("args") or ((),)
    return b"".join(part.encode() if isinstance(part, str) else part for part in parts)


_Loader.add_constructor("tag:yaml.org,2002:python/str", _text)
_Loader.add_constructor("tag:yaml.org,2002:python/unicode", _text)
_Loader.add_constructor("tag:yaml.org,2002:python/tuple", _sequence)
_Loader.add_constructor("tag:yaml.org,2002:python/object/new:_io.BytesIO", _buffer)
_Loader.add_constructor("tag:yaml.org,2002:python/object/apply:builtins.iter", _parts)


class _Dumper(yaml.SafeDumper):
    """A dumper that writes a key as an explicit one where escapes make it too long for a plain one."""

    def check_simple_key(self) -> bool:
        """Return whether the next key may be plain."""
        return len(getattr(self.event, "value", "")) <= _LONGEST_KEY and bool(super().check_simple_key())


class NotYamlError(ValueError):
    """The text is not YAML: the parser's error, and the line, counted from 1; None: not known."""

    def __init__(self, what: str, line: int | None) -> None:
        super().__init__(what)
        self.what = what
        self.line = line


class RepeatedError(NotYamlError):
    """The name `what` is repeated in a mapping."""


def dump_yaml(form: Any, *, ascii_only: bool) -> str:
    """Return a value as YAML in blocks."""
    text: str = yaml.dump(form, Dumper=_Dumper, allow_unicode=not ascii_only, sort_keys=False)
    return text


def load_yaml(text: str | bytes) -> Any:
    """Return the value of YAML.

    Raises:
        RepeatedError: a name is repeated in a mapping.
        NotYamlError: it is not YAML, or has an unsafe tag.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - it is a safe loader
    except RepeatedError:
        raise
    except yaml.MarkedYAMLError as error:
        line = getattr(error.problem_mark, "line", None)  # libyaml has a type of its own for marks
        raise NotYamlError(error.problem or str(error), None if line is None else line + 1) from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise NotYamlError(str(error).splitlines()[0], None) from None


def line_of(text: str, place: Place, *, of_key: bool = False) -> int | None:
    """Return the line, counted from 1, on which a part of the YAML begins, or its key; None: not known."""
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError:  # JSON is YAML only nearly
        return None
    key = node
    for step in place:
        below = _below(node, step)
        if below is None:
            break
        key, node = below
    named = key if of_key else node
    return None if named is None else named.start_mark.line + 1


def _below(node: yaml.Node | None, step: int | str) -> tuple[yaml.Node, yaml.Node] | None:
    """Return the key and the value at a step of a place; an item of a list is both."""
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        return node.value[step], node.value[step]
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == step), None)
    return None
