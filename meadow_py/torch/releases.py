"""Which releases of Transformers can load packed models."""

from __future__ import annotations

NEEDED = "transformers>=5.0"  # 4.57 reads `transformers_weights` before it asks the quantiser


def require_release() -> None:
    """Raise ImportError, naming the release that is needed, if Transformers is too old."""
    import transformers

    if int(transformers.__version__.partition(".")[0]) < 5:
        raise ImportError(unsuitable())


def unsuitable() -> str:
    """The message about a release that cannot load packed models."""
    import transformers

    return (
        f"packed models load with {NEEDED}, found {transformers.__version__}: pip install "
        f'--upgrade "{NEEDED}", or `meadow unpack` the model and load that'
    )
