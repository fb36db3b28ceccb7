"""Tabs and the list of all pages in plain Markdown: pages stay readable where they are shown without Sphinx.

Between `<!-- tabs -->` and `<!-- /tabs -->`, each paragraph that is one bold text begins a tab of that name. Between
`<!-- contents -->` and `<!-- /contents -->`, each of these begins a part of the navigation, with the links below it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

_BLOCK: Final = re.compile(r"^<!-- (tabs|contents) -->\n(.*?)^<!-- /\1 -->$", re.DOTALL | re.MULTILINE)
_LABEL: Final = re.compile(r"^\*\*(.+)\*\*$", re.MULTILINE)
_LINK: Final = re.compile(r"^- \[(.+)\]\((.+)\.md\)$", re.MULTILINE)


def directives(text: str) -> str:
    """Return the text of a page with its tabs and its list of pages as directives."""
    return _BLOCK.sub(lambda block: _tab_set(block[2]) if block[1] == "tabs" else _navigation(block[2]), text)


def _labelled(text: str) -> Iterator[tuple[str, str]]:
    _, *parts = _LABEL.split(text)
    yield from zip(parts[::2], parts[1::2], strict=True)


def _tab_set(text: str) -> str:
    tabs = (f":::{{tab-item}} {label}\n:sync: {label}\n{body}:::\n" for label, body in _labelled(text))
    return "::::{tab-set}\n:sync-group: client\n" + "".join(tabs) + "::::"


def _navigation(text: str) -> str:
    trees = (
        f"```{{toctree}}\n:caption: {label}\n\n" + "".join(f"{title} <{page}>\n" for title, page in _LINK.findall(body))
        for label, body in _labelled(text)
    )
    return "```\n".join(trees) + "```"


def _read(_app: Sphinx, _document: str, content: list[str]) -> None:
    content[0] = directives(content[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the change of pages when they are read."""
    app.connect("source-read", _read)
    return {"parallel_read_safe": True}
