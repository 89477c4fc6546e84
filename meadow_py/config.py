"""Versions and build settings of this installation, as needed in bug reports."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from typing import Any, Literal, overload

_OPTIONAL = ("torch", "transformers", "pandas", "gguf")
_REQUIRED = (
    *("numpy", "ml_dtypes", "safetensors", "huggingface_hub"),
    *("rich", "typer", "tqdm", "matplotlib"),
)


@overload
def show_config(mode: Literal["stdout"] = "stdout") -> None: ...
@overload
def show_config(mode: Literal["dicts"]) -> dict[str, dict[str, Any]]: ...


def show_config(mode: Literal["stdout", "dicts"] = "stdout") -> dict[str, dict[str, Any]] | None:
    """Show versions, how the core was built, and the instruction set that it uses.

    Parameters
    ----------
    mode : {"stdout", "dicts"}
        Whether to print this or to return it as dicts, as in `numpy.show_config`.

    Returns
    -------
    dict of str to dict, or None
        The sections with their entries for ``"dicts"``; None for ``"stdout"``.

    Raises
    ------
    ValueError
        For any other mode.
    """
    if mode == "dicts":
        return _config()
    if mode != "stdout":
        raise ValueError(f"mode={mode!r}: expected 'stdout' or 'dicts'")
    print(config_text())
    return None


def config_text() -> str:
    """The text that `show_config` prints."""
    lines = []
    for section, entries in _config().items():
        lines.append(f"{section}:")
        lines += [f"  {name}: {_spelled(value)}" for name, value in entries.items()]
    return "\n".join(lines)


def _config() -> dict[str, dict[str, Any]]:
    import meadow_py
    from meadow_py import _core

    return {
        "meadow_py": {
            "version": meadow_py.__version__,
            "python": platform.python_version(),
            "platform": platform.platform(),
        },
        "core": {
            **_core.build_info(),
            "isa_active": _core.isa_active(),
            "isa_available": _core.isa_available(),
            "MEADOW_ISA": os.environ.get("MEADOW_ISA"),
            "threads": _core.hardware_threads(),
        },
        "packages": {name: _version(name) for name in (*_REQUIRED, *_OPTIONAL)},
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _spelled(value: Any) -> str:
    if value is None:
        return "none"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
