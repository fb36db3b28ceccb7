"""YAML as any vcrpy may have written it, or would: read with libyaml where it is installed, never into any object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from pytest_ycimages.cassette.shape import Place

if TYPE_CHECKING or not yaml.__with_libyaml__:
    from yaml import SafeLoader as _SafeLoader
else:
    from yaml import CSafeLoader as _SafeLoader


_MERGE: Final = "tag:yaml.org,2002:merge"
_LONGEST_KEY: Final = 100
"""In characters. A reader takes a key for one up to 1,024, and an escape has up to ten."""


class _Loader(_SafeLoader):
    """Reads what is safe, and of Python's own tags those that older versions of vcrpy wrote around a body."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's own signature
        """A mapping, unless one of its keys stands twice: PyYAML would keep what stands last."""
        seen = set[str]()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen and key.tag != _MERGE:
                    raise _RepeatedKeyError(problem=key.value, problem_mark=key.start_mark)
                seen.add(key.value)
        found: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return found


class _RepeatedKeyError(yaml.MarkedYAMLError):
    """A key stands twice; the problem is the key."""


def _text(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
    return loader.construct_scalar(node)


def _sequence(loader: yaml.SafeLoader, node: yaml.SequenceNode) -> Any:
    return loader.construct_sequence(node, deep=True)


def _buffer(loader: yaml.SafeLoader, node: yaml.MappingNode) -> Any:
    """What a file that was sent as a body held."""
    state = loader.construct_mapping(node, deep=True).get("state")
    return state[0] if state else b""


def _parts(loader: yaml.SafeLoader, node: yaml.MappingNode) -> Any:
    """What an iterator that was sent as a body held."""
    (parts,) = loader.construct_mapping(node, deep=True).get("args") or ((),)
    return b"".join(part.encode() if isinstance(part, str) else part for part in parts)


_Loader.add_constructor("tag:yaml.org,2002:python/str", _text)
_Loader.add_constructor("tag:yaml.org,2002:python/unicode", _text)
_Loader.add_constructor("tag:yaml.org,2002:python/tuple", _sequence)
_Loader.add_constructor("tag:yaml.org,2002:python/object/new:_io.BytesIO", _buffer)
_Loader.add_constructor("tag:yaml.org,2002:python/object/apply:builtins.iter", _parts)


class _Dumper(yaml.SafeDumper):
    """Writes what its own reader reads: a key that escapes make too long for a plain one is an explicit one."""

    def check_simple_key(self) -> bool:
        """Whether what comes next may be a plain key."""
        return len(getattr(self.event, "value", "")) <= _LONGEST_KEY and bool(super().check_simple_key())


class NotYamlError(ValueError):
    """The text is no YAML.

    Attributes:
        what: what is wrong, as the parser puts it.
        line: where, counted from 1; None: not known.
    """

    def __init__(self, what: str, line: int | None) -> None:
        super().__init__(what)
        self.what = what
        self.line = line


class RepeatedError(NotYamlError):
    """A name stands twice in a mapping.

    Attributes:
        what: the name.
        line: where it stands again.
    """


def dump_yaml(form: Any, *, ascii_only: bool) -> str:
    """YAML in blocks."""
    text: str = yaml.dump(form, Dumper=_Dumper, allow_unicode=not ascii_only, sort_keys=False)
    return text


def load_yaml(text: str | bytes) -> Any:
    """The value that YAML stands for.

    Raises:
        RepeatedError: a name stands twice in a mapping.
        NotYamlError: it stands for no value, or for one that is not safe to make.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - it is a safe loader
    except yaml.MarkedYAMLError as error:
        line = getattr(error.problem_mark, "line", None)  # libyaml has a type of its own for marks
        kind = RepeatedError if isinstance(error, _RepeatedKeyError) else NotYamlError
        raise kind(error.problem or str(error), None if line is None else line + 1) from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise NotYamlError(str(error).splitlines()[0], None) from None


def line_of(text: str, place: Place) -> int | None:
    """The line, counted from 1, on which a part of the YAML begins; None: not known."""
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError:  # JSON is YAML only nearly
        return None
    line = None
    for step in (*place, None):
        if node is None:
            break
        line = node.start_mark.line + 1
        node = _below(node, step)
    return line


def _below(node: yaml.Node, step: int | str | None) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        below: yaml.Node = node.value[step]
        return below
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    return None
