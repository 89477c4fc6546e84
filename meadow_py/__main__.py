"""``python -m meadow_py``."""

from __future__ import annotations

from meadow_py.cli import main

if __name__ == "__main__":
    main()
