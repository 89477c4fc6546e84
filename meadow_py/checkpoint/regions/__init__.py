"""What the bytes of a file are: one reader for each format."""

from __future__ import annotations

import dataclasses

from meadow_py.checkpoint.regions.region import (
    MAX_REST,
    RESERVED,
    FileRegions,
    Region,
    View,
    gaps,
    opaque,
    with_bounded_rest,
)
from meadow_py.sources.mapped import MappedFile
from meadow_py.sources.selection import PYTORCH_SUFFIXES

__all__ = [
    "MAX_REST",
    "RESERVED",
    "FileRegions",
    "Region",
    "View",
    "find_regions",
    "gaps",
    "opaque",
    "with_bounded_rest",
]


def find_regions(mapped: MappedFile) -> FileRegions:
    """The regions of a file, by the format that its suffix names.

    Raises
    ------
    FormatError
        If a safetensors or GGUF file is truncated or corrupt. PyTorch files of which little is
        understood are bytes.
    """
    suffix = mapped.path.suffix.lower()
    found = FileRegions("bytes", ())
    if suffix == ".safetensors":
        from meadow_py.checkpoint.regions.safetensors import safetensors_regions

        found = safetensors_regions(mapped)
    elif suffix == ".gguf":
        from meadow_py.checkpoint.regions.gguf import gguf_regions

        found = gguf_regions(mapped)
    elif suffix in PYTORCH_SUFFIXES:
        from meadow_py.checkpoint.regions.pytorch import pytorch_regions

        found = pytorch_regions(mapped)
    regions = with_bounded_rest(found.regions, mapped.size)
    if found.views is None or regions == found.regions:
        return dataclasses.replace(found, regions=regions)
    moved = [regions.index(region) for region in found.regions]
    views = tuple(dataclasses.replace(view, region=moved[view.region]) for view in found.views)
    return FileRegions(found.format, regions, views)
