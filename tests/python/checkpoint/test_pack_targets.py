"""Where results may go, and what is refused before any work."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import meadow_py as mp
from meadow_py.errors import FormatError

Tree = Callable[[Path], dict[str, bytes]]


@pytest.fixture
def packed(plain: Path, tmp_path: Path) -> Path:
    mp.pack(plain, tmp_path / "packed")
    return tmp_path / "packed"


def nothing_but(folder: Path, *names: str) -> bool:
    return {path.name for path in folder.iterdir()} == set(names)


def test_same_source_again_is_verified_only(plain: Path, packed: Path, tree: Tree) -> None:
    before, changed = tree(packed), (packed / "meadow.json").stat().st_mtime_ns
    again = mp.pack(plain, packed)
    assert again.kept == ("model.safetensors",)
    assert tree(packed) == before
    assert (packed / "meadow.json").stat().st_mtime_ns == changed
    assert nothing_but(packed.parent, "packed")


def test_other_source_needs_overwrite(sharded: Path, packed: Path, tree: Tree) -> None:
    before = tree(packed)
    with pytest.raises(FileExistsError, match=r"packed: already exists.*another source"):
        mp.pack(sharded, packed)
    assert tree(packed) == before
    mp.pack(sharded, packed, overwrite=True)
    assert len(mp.inspect(packed).files) == 3
    assert nothing_but(packed.parent, "packed")


def test_other_setting_needs_overwrite(plain: Path, packed: Path) -> None:
    with pytest.raises(FileExistsError, match="another setting"):
        mp.pack(plain, packed, codec="raw")
    assert mp.pack(plain, packed, codec="raw", overwrite=True).inspection.codec == "raw"


def test_damaged_target_needs_overwrite(plain: Path, packed: Path) -> None:
    file = packed / "model.meadow.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(FormatError, match="overwrite packs it again"):
        mp.pack(plain, packed)
    mp.pack(plain, packed, overwrite=True)
    mp.verify(packed)


def test_other_folders_are_never_replaced(plain: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    for overwrite in (False, True):
        with pytest.raises(FileExistsError, match="not a packed model"):
            mp.pack(plain, mine, overwrite=overwrite)
    (tmp_path / "file.safetensors").write_text("years of work")
    with pytest.raises(FileExistsError, match="not a packed model"):
        mp.pack(plain / "model.safetensors", tmp_path / "file.safetensors", overwrite=True)
    assert (mine / "thesis.txt").read_text() == "years of work"


def test_files_beside_packed_ones_are_never_removed(
    plain: Path, sharded: Path, packed: Path, tree: Tree
) -> None:
    (packed / "assets/thesis.txt").write_text("years of work")
    before = tree(packed)
    for source in (plain, sharded):
        with pytest.raises(
            FileExistsError, match=r"not part of a packed model \(assets/thesis.txt\)"
        ):
            mp.pack(source, packed, overwrite=True)
    assert tree(packed) == before
    mp.verify(packed)
    (packed / "assets/thesis.txt").unlink()
    mp.pack(sharded, packed, overwrite=True)


def test_empty_folder_is_taken(plain: Path, tmp_path: Path, tree: Tree) -> None:
    for name in ("packed", "again"):
        (tmp_path / name).mkdir()
    mp.pack(plain, tmp_path / "packed")
    mp.unpack(tmp_path / "packed", tmp_path / "again")
    assert tree(tmp_path / "again") == tree(plain)


def test_behind_a_link(plain: Path, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    mp.pack(plain, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    mp.verify(tmp_path / "real")


def test_source_and_target_in_each_other(plain: Path, tmp_path: Path) -> None:
    source = tmp_path / "model"
    shutil.copytree(plain, source)
    with pytest.raises(ValueError, match="the same"):
        mp.pack(source, source)
    with pytest.raises(ValueError, match="inside the source"):
        mp.pack(source, source / "packed")
    with pytest.raises(ValueError, match="inside the target"):
        mp.pack(source, tmp_path)
    with pytest.raises(ValueError, match="the same"):
        mp.pack(source / "model.safetensors", source / "model.safetensors")
    mp.pack(source, tmp_path / "packed")
    with pytest.raises(ValueError, match="inside the source"):
        mp.unpack(tmp_path / "packed", tmp_path / "packed/again")
    assert not list(source.glob(".*"))


def test_no_folder_for_the_target(plain: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        mp.pack(plain, tmp_path / "no/packed")
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="is not a folder"):
        mp.pack(plain, tmp_path / "file/packed")
    for name in ("", ".", "/"):
        with pytest.raises(ValueError, match=r"expected the name|inside the target|the same"):
            mp.pack(plain, name)


def test_what_cannot_be_packed(plain: Path, packed: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="already packed"):
        mp.pack(packed, tmp_path / "twice")
    with pytest.raises(ValueError, match="already packed"):
        mp.pack(packed / "model.meadow.safetensors", tmp_path / "twice")
    with pytest.raises(ValueError, match="not a known weight file"):
        mp.pack(plain / "README.md", tmp_path / "x")
    with pytest.raises(FileNotFoundError, match=r"no weights: looked for .safetensors"):
        mp.pack(plain / "assets", tmp_path / "x")
    with pytest.raises(FileNotFoundError, match="neither a folder nor a file"):
        mp.pack(tmp_path / "missing.safetensors", tmp_path / "x")
    with pytest.raises(TypeError, match="cannot be packed"):
        mp.pack({"a": 1}, tmp_path / "x")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="codec 'zip': expected one of auto"):
        mp.pack(plain, tmp_path / "x", codec="zip")
    with pytest.raises((ValueError, TypeError), match="threads"):
        mp.pack(plain, tmp_path / "x", threads=-1)
    with pytest.raises(TypeError, match="executor"):
        mp.pack(plain, tmp_path / "x", executor=3)  # type: ignore[arg-type]
    assert nothing_but(tmp_path, "packed")


def test_unpacked_again_is_only_compared(plain: Path, packed: Path, tmp_path: Path) -> None:
    goal = tmp_path / "again"
    assert mp.unpack(packed, goal).kept == ()
    assert set(mp.unpack(packed, goal).kept) == {
        path.relative_to(plain).as_posix() for path in plain.rglob("*") if path.is_file()
    }
    (goal / "README.md").write_text("edited")
    with pytest.raises(FileExistsError, match="differs from the original"):
        mp.unpack(packed, goal)
    mp.unpack(packed, goal, overwrite=True)
    assert (goal / "README.md").read_bytes() == (plain / "README.md").read_bytes()
    (goal / "thesis.txt").write_text("years of work")
    with pytest.raises(FileExistsError, match=r"holds other files \(thesis.txt\)"):
        mp.unpack(packed, goal, overwrite=True)
    assert (goal / "thesis.txt").exists()


def test_a_file_is_unpacked_to_a_file(plain: Path, tmp_path: Path) -> None:
    mp.pack(plain / "model.safetensors", tmp_path / "p.safetensors")
    with pytest.raises(IsADirectoryError, match="expected the name of a file"):
        mp.unpack(tmp_path / "p.safetensors", tmp_path)
    (tmp_path / "other").write_text("other")
    with pytest.raises(FileExistsError, match="differs"):
        mp.unpack(tmp_path / "p.safetensors", tmp_path / "other")
    mp.unpack(tmp_path / "p.safetensors", tmp_path / "other", overwrite=True)
    assert (tmp_path / "other").read_bytes() == (plain / "model.safetensors").read_bytes()
    with pytest.raises(FileNotFoundError):
        mp.unpack(tmp_path / "missing", tmp_path / "x")


def test_two_at_once(plain: Path, tmp_path: Path) -> None:
    from meadow_py.files.partial import Partial

    with (
        Partial(tmp_path / "packed"),
        pytest.raises(BlockingIOError, match="another process is writing it"),
    ):
        mp.pack(plain, tmp_path / "packed")
    mp.pack(plain, tmp_path / "packed")
    assert nothing_but(tmp_path, "packed")


READ_ONLY = """
import sys
import meadow_py as mp
try:
    mp.pack(*sys.argv[1:])
except PermissionError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="drops root's privileges as Linux does")
def test_read_only_target(plain: Path, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o555)
    command = [sys.executable, "-c", READ_ONLY, str(plain), str(folder / "packed")]
    if os.geteuid() == 0:  # may write everywhere, until it drops that
        if shutil.which("setpriv") is None:
            pytest.skip("runs as root, and setpriv is missing")
        command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--", *command]
    run = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
    )
    folder.chmod(0o755)
    assert "Permission denied" in run.stdout
    assert "packed" in run.stdout
    assert list(folder.iterdir()) == []


def test_a_full_disk(plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that runs out in the middle of the weights."""
    from meadow_py.files import disk

    left = 20_000

    def call(function: Callable[..., object], *arguments: object) -> object:
        nonlocal left
        if function is os.pwrite:
            left -= len(arguments[1])  # type: ignore[arg-type]
            if left < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return function(*arguments)

    monkeypatch.setattr(disk, "call", call)
    with pytest.raises(OSError, match=r"No space left on device \(\d+ B are free there\)") as said:
        mp.pack(plain, tmp_path / "packed")
    assert said.value.errno == errno.ENOSPC
    assert nothing_but(tmp_path)
    monkeypatch.undo()
    mp.pack(plain, tmp_path / "packed")
    mp.verify(tmp_path / "packed")
    assert nothing_but(tmp_path, "packed")


LIMITED = """
import resource, sys
import meadow_py as mp
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
try:
    mp.pack(*sys.argv[1:])
except OSError as error:
    print(error)
"""


def test_a_limit_of_the_system(plain: Path, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", LIMITED, str(plain), str(tmp_path / "packed")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "File too large" in run.stdout
    assert not (tmp_path / "packed").exists()
    mp.pack(plain, tmp_path / "packed")


def work_of(plain: Path, packed: Path, target: Path) -> list[Callable[[], object]]:
    return [lambda: mp.pack(plain, target), lambda: mp.unpack(packed, target)]


@pytest.mark.parametrize("verb", [0, 1], ids=["pack", "unpack"])
def test_a_work_folder_that_others_may_write_to(
    verb: int, plain: Path, packed: Path, tmp_path: Path
) -> None:
    work = tmp_path / ".new.meadow-partial"
    work.mkdir()
    work.chmod(0o777)
    ask = work_of(plain, packed, tmp_path / "new")[verb]
    with pytest.raises(PermissionError, match=r"exists already, and others may write to it"):
        ask()
    assert not (tmp_path / "new").exists()
    assert nothing_but(tmp_path, "packed", ".new.meadow-partial")
    work.chmod(0o755)
    ask()
    assert nothing_but(tmp_path, "packed", "new")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
@pytest.mark.parametrize("verb", [0, 1], ids=["pack", "unpack"])
def test_a_work_folder_of_another_user(
    verb: int, plain: Path, packed: Path, tmp_path: Path
) -> None:
    work = tmp_path / ".new.meadow-partial"
    work.mkdir()
    os.chown(work, 12345, 12345)
    with pytest.raises(PermissionError, match="it belongs to user 12345: remove it"):
        work_of(plain, packed, tmp_path / "new")[verb]()


@pytest.mark.parametrize("verb", [0, 1], ids=["pack", "unpack"])
def test_a_link_as_the_work_folder(verb: int, plain: Path, packed: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".new.meadow-partial").symlink_to("elsewhere")
    with pytest.raises(OSError, match="new"):
        work_of(plain, packed, tmp_path / "new")[verb]()
    assert not any((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("verb", [0, 1], ids=["pack", "unpack"])
def test_links_in_the_work_folder_are_not_followed(
    verb: int, plain: Path, packed: Path, tmp_path: Path, tree: Tree
) -> None:
    """Even where they lead to the right content, and where folders of the result would be."""
    work, elsewhere = tmp_path / ".new.meadow-partial", tmp_path / "elsewhere"
    work.mkdir()
    elsewhere.mkdir()
    shutil.copy(plain / "README.md", elsewhere / "right.md")
    (work / "README.md").symlink_to(elsewhere / "right.md")
    (work / "assets").symlink_to(elsewhere)
    work_of(plain, packed, tmp_path / "new")[verb]()
    assert {path.name for path in elsewhere.iterdir()} == {"right.md"}
    assert not any(path.is_symlink() for path in (tmp_path / "new").rglob("*"))
    if verb == 1:
        assert tree(tmp_path / "new") == tree(plain)


def test_results_have_the_usual_permissions(plain: Path, tmp_path: Path) -> None:
    """Although nobody else may look into the hidden folder during the work."""
    old = os.umask(0o027)
    try:
        mp.pack(plain, tmp_path / "packed")
        mp.unpack(tmp_path / "packed", tmp_path / "again")
    finally:
        os.umask(old)
    for folder in (tmp_path / "packed", tmp_path / "again"):
        assert folder.stat().st_mode & 0o777 == 0o750
        assert (folder / "assets").stat().st_mode & 0o777 == 0o750
        assert (folder / "README.md").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("target", ["model.meadow.safetensors", "packed.safetensors"])
@pytest.mark.parametrize("name", ["model.safetensors", "weights.safetensors"])
def test_a_file_packed_into_its_own_folder_leaves_the_model_readable(
    name: str, target: str, plain: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(plain, tmp_path / "model"))
    (folder / "model.safetensors").rename(folder / name)
    mp.pack(folder / name, folder / target)
    with mp.open_checkpoint(plain) as before, mp.open_checkpoint(folder) as now:
        assert now.format == "safetensors"
        for key, tensor in before.tensors.items():
            assert now.tensors[key].raw().tobytes() == tensor.raw().tobytes()
    with mp.open_checkpoint(folder / target) as packed:
        assert packed.format == "meadow"
    (folder / name).unlink()
    with pytest.raises(FormatError, match=r"meadow\.json is missing|name the file to open"):
        mp.open_checkpoint(folder)
