"""Options of the form NAME=VALUE that may be repeated."""

from __future__ import annotations

import click


def pairs(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:  # noqa: ARG001 - the form that click asks for
    """The values by their names.

    Raises:
        click.BadParameter: one of them has no name.
    """
    found = dict[str, str]()
    for value in values:
        name, equals, text = value.partition("=")
        if not equals:
            raise click.BadParameter(f"{value!r} sets nothing. Write NAME=VALUE, such as quotas=default.")
        found[name.strip()] = text.strip()
    return found
