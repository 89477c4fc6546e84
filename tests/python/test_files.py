"""Files that appear whole or not at all, where links and modes are concerned."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from meadow_py.files import write_whole


def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_text("old")
    link.symlink_to(real)
    write_whole(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_the_mode_stays(tmp_path: Path) -> None:
    path = tmp_path / "private.json"
    path.write_text("old")
    path.chmod(0o600)
    write_whole(path, "new")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["private.json"]


def test_devices_are_written_as_they_are(tmp_path: Path) -> None:
    script = "from meadow_py.files import write_whole; write_whole('/dev/stdout', 'said')"
    with (tmp_path / "out").open("w") as out:
        subprocess.run([sys.executable, "-c", script], check=True, stdout=out)
    assert (tmp_path / "out").read_text() == "said"
    assert Path("/dev/stdout").is_symlink()
