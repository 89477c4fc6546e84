"""The regions of a source file, by its format."""

from __future__ import annotations

import dataclasses

from meadow_py.checkpoint.original.region import (
    FileRegions,
    Region,
    in_order,
    with_bounded_rest,
)
from meadow_py.sources.mapped import MappedFile
from meadow_py.sources.safetensors import read_safetensors
from meadow_py.sources.selection import PYTORCH_SUFFIXES


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
        found = safetensors_regions(mapped)
    elif suffix == ".gguf":
        from meadow_py.checkpoint.original.gguf import gguf_regions

        found = gguf_regions(mapped)
    elif suffix in PYTORCH_SUFFIXES:
        from meadow_py.checkpoint.original.pytorch import pytorch_regions

        found = pytorch_regions(mapped)
    regions = with_bounded_rest(found.regions, mapped.size)
    if found.views is None or regions == found.regions:
        return dataclasses.replace(found, regions=regions)
    moved = [regions.index(region) for region in found.regions]
    views = tuple(dataclasses.replace(view, region=moved[view.region]) for view in found.views)
    return FileRegions(found.format, regions, views)


def safetensors_regions(mapped: MappedFile) -> FileRegions:
    """Every tensor.

    Raises
    ------
    FormatError
        If the file breaks a rule of the format.
    """
    tensors, again = read_safetensors(mapped.path)
    again.close()
    reached = mapped.size - sum(tensor.nbytes for tensor in tensors)
    regions = []
    for tensor in tensors:  # in the order of their data, without holes
        regions.append(Region(tensor.name, tensor.dtype, tensor.shape, reached, tensor.nbytes))
        reached += tensor.nbytes
    return FileRegions("safetensors", in_order(regions, mapped.size))
