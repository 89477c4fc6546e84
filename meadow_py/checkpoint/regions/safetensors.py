"""Regions of a safetensors file: its tensors, which tile all of its data."""

from __future__ import annotations

from meadow_py.checkpoint.regions.region import FileRegions, Region, in_order
from meadow_py.sources.mapped import MappedFile
from meadow_py.sources.safetensors import read_safetensors


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
