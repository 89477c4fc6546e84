"""Sphinx's settings. To build: `sphinx-build -W --keep-going -n -b html docs build/docs`."""

from __future__ import annotations

import sys
from pathlib import Path

import meadow_py

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

project = "meadow_py"
author = "the authors of meadow_py"
release = version = meadow_py.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    # Our own, in docs/extensions:
    "command_help",
    "copied_notebooks",
    "docstrings",
    "public_names",
]
exclude_patterns = ["extensions", "static"]
smartquotes_action = "D"  # dashes; quotes stay as they are typed

# -- Markdown and notebooks ---------------------------------------------------------------------

myst_heading_anchors = 3
nb_execution_mode = "force"  # figures in these pages are those of the code they stand beside
nb_execution_show_tb = True  # a cell that fails is a warning, which -W makes an error
nb_execution_timeout = 600  # seconds a cell
nb_merge_streams = True
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # no script from elsewhere: pages work offline
highlight_language = "none"  # indented blocks are formulas

# -- Python's names -----------------------------------------------------------------------------

default_role = "py:obj"  # single backticks in docstrings: a link where there is something to link
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
maximum_signature_line_length = 95
# The sections of numpydoc as lists: their types are words ("int or sequence of int"), not names.
napoleon_google_docstring = False
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Attributes", "params_style")]

nitpicky = True
nitpick_ignore = [
    ("py:class", "Axes"),  # of matplotlib
    ("py:class", "BlobInfo"),  # where it is imported for type checkers alone
    ("py:class", "Executor"),  # of concurrent.futures
    ("py:class", "Chunks"),  # of the compiled core, which is no interface
    ("py:class", "StreamInfo"),
    ("py:class", "Matrix"),
    ("py:class", "Loaded"),  # what a model is made of, which is no interface
    ("py:class", "Along"),  # described where it is an argument
    ("py:class", "Growth"),
    ("py:class", "PackingChoice"),
    ("py:class", "seam.Packing"),  # `Packing` alone is a name of two rooms
    ("py:class", "npt.ArrayLike"),
    ("py:class", "npt.NDArray"),
    ("py:class", "meadow_py.claims.material.MeasuredWeight"),  # what claims are computed from
    ("py:exc", "MissingData"),  # raised inside claims; callers see "needs"
    ("py:class", "meadow_py.claims.meadow.space.Grid"),  # columns of numbers
    ("py:class", "meadow_py.architectures.family.Family"),  # "not part of the interface"
]
nitpick_ignore_regex = [
    # The default role: parameters and literals, too, stand in single backticks.
    ("py:obj", r".*"),
    # Pages of other projects are elsewhere, and this build is offline.
    ("py:class", r"(collections\.abc|matplotlib|numpy|np|os|pandas|pathlib)\..*"),
]

# -- HTML ---------------------------------------------------------------------------------------

html_theme = "furo"
html_title = f"meadow_py {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False
