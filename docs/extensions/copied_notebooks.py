"""Copies /notebooks into the folder that Sphinx reads: it takes no page from outside."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FOLDER = "notebooks"


def copy_notebooks(app: Sphinx) -> None:
    """Make `docs/notebooks` what `/notebooks` is now; unchanged files keep their time."""
    pages, originals = app.srcdir / FOLDER, app.srcdir.parent / FOLDER
    pages.mkdir(exist_ok=True)
    for page in pages.iterdir():
        if page.is_file() and not (originals / page.name).exists():
            page.unlink()
    for notebook in sorted(Path(originals).glob("*.ipynb")):
        shutil.copy2(notebook, pages / notebook.name)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", copy_notebooks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
