"""Fail unless the test extra brought torch 2.13 without CUDA."""

from __future__ import annotations

import sys
from importlib import metadata


def main() -> None:
    version = metadata.version("torch")
    names = {str(found.metadata["Name"]).lower() for found in metadata.distributions()}
    cuda = sorted(name for name in names if name.startswith(("nvidia-", "cuda-", "triton")))
    print(f"torch {version}, packages of CUDA: {', '.join(cuda) or 'none'}")
    if not version.startswith("2.13.") or cuda:
        sys.exit("expected torch 2.13 and nothing of CUDA")


if __name__ == "__main__":
    main()
