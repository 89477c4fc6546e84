"""From whatever names a model to its files on this machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from meadow_py.checkpoint.plan import Plan, plan_file, plan_folder
from meadow_py.sources.names import local_path, require_hub_id


@dataclass(frozen=True)
class Source:
    """What the user named, and how to ask a hub for it."""

    name: str | os.PathLike[str]
    revision: str | None = None
    token: str | bool | None = None
    cache_dir: str | os.PathLike[str] | None = None
    local_files_only: bool = False


def plan_of(source: Source) -> Plan:
    """What becomes of the files of a folder, a file or a hub id.

    Raises
    ------
    TypeError
        If it is none of these.
    """
    name = source.name
    if not isinstance(name, str | os.PathLike):
        raise TypeError(
            f"a {type(name).__name__} cannot be packed: expected a hub id, a folder or a file"
        )
    if not str(name):
        raise ValueError("the name of the model is empty: expected a hub id or a path")
    path = local_path(name)
    if path is not None:
        return plan_folder(path) if path.is_dir() else plan_file(path)
    require_hub_id(name)
    from meadow_py.sources.hub import Request, fetch_files

    where = None if source.cache_dir is None else Path(source.cache_dir)
    request = Request(str(name), source.revision, source.token, where, source.local_files_only)
    return plan_folder(*fetch_files(request))
