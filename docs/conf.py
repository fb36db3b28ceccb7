"""The Sphinx configuration of the documentation site; `make docs` builds it."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_sphinx"))

project = "pytest-ycimages"
author = "The pytest-ycimages contributors"
project_copyright = f"2026 {author}"
version = release = installed_version("pytest-ycimages")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "markdown_pages",
    "api_pages",
    "external_links",
]
exclude_patterns = ["_sphinx"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
maximum_signature_line_length = 88
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

copybutton_exclude = ".linenos, .gp, .go"  # what `$ ` prompts and printed lines are
copybutton_prompt_text = r"\$ "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = f"pytest-ycimages {release}"
html_show_sphinx = False
html_copy_source = False
html_static_path = ["_sphinx/static"]
html_css_files = ["site.css"]
pygments_style = "friendly"
pygments_dark_style = "native"
