"""Sphinx: the pages of this folder, and a page per loss that is made from the registry (`make docs`)."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import fastloss as fl

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

project = "fastloss"
author = "the fastloss developers"
version = release = fl.__version__

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "catalogue_pages"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build"]
html_theme = "pydata_sphinx_theme"
html_title = f"fastloss {release}"
html_theme_options = {"show_prev_next": False, "secondary_sidebar_items": ["page-toc"]}
html_show_sourcelink = False
html_copy_source = False

myst_heading_anchors = 3
numpydoc_show_class_members = False  # a loss has the members of every loss; they stand once, with `Loss`
autodoc_typehints = "none"
autodoc_default_options = {"members": True, "member-order": "bysource"}


def _inside(app: Any, docname: str, source: list[str]) -> None:
    """Links of a page to files of the repository that are no pages become the files' names."""
    source[0] = re.sub(r"\[([^\]]+)\]\(\.\./[^)]+\)", r"\1", source[0])


def _plain(app: Any, what: str, name: str, obj: object, options: Any, lines: list[str]) -> None:
    """Bars in a docstring are those of absolute values, and ``coef_`` is no reference; code stays as it is."""
    for i, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            parts = re.split(r"(``.*?``)", line)
            lines[i] = "".join(
                part if part.startswith("``") else re.sub(r"\||(?<=\w)_(?!\w)", r"\\\g<0>", part) for part in parts
            )


def setup(app: Any) -> None:
    """Connect."""
    app.connect("source-read", _inside)
    app.connect("autodoc-process-docstring", _plain, priority=400)  # before numpydoc, which renames references
