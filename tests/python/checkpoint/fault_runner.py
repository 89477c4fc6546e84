"""Makes every call that changes a disk fail, or end the process, one after another.

Run by `test_pack_faults` as a process of its own, as it forks for every call:
``fault_runner.py WORK HOW FOLDER``, where WORK is pack, replace or unpack, HOW is fail or kill, and
FOLDER holds ``one`` and ``two``, models, and ``old`` and ``new``, what they pack to.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import meadow_py as mp
from meadow_py.files import disk

ENDED, FAILED, DONE = 9, 3, 0


def tree(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def work_of(name: str, folder: Path) -> Callable[[], object]:
    target = folder / "target"
    return {
        "pack": lambda: mp.pack(folder / "two", target, threads=1),
        "replace": lambda: mp.pack(folder / "two", target, threads=1, overwrite=True),
        "unpack": lambda: mp.unpack(folder / "new", target, threads=1),
    }[name]


def in_child(work: Callable[[], object], how: str = "", number: int = 0) -> int:
    """The exit code of the work in a process of its own, with the n-th call at fault."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if number:
                break_call(how, number)
            work()
            code = DONE
        except OSError as error:
            code = FAILED if error.errno == errno.EIO else 1
        except Exception:  # noqa: BLE001 - whatever it is, the parent shows it and fails
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def break_call(how: str, number: int) -> None:
    done = 0

    def call(function: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal done
        done += 1
        if done == number:
            if how == "kill":
                os._exit(ENDED)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return function(*arguments)

    disk.call = call


def check_state(work: str, folder: Path, number: int) -> None:
    """Whatever loads is whole: the old state, or the new one."""
    target = folder / "target"
    allowed = {"pack": ["new"], "replace": ["old", "new"], "unpack": ["two"]}[work]
    if target.exists():
        assert any(tree(target) == tree(folder / name) for name in allowed), (number, work)
    else:
        assert work != "replace", number
    partial = folder / ".target.meadow-partial"
    if not partial.exists():
        return
    for path in [partial, *partial.rglob("*.safetensors")]:
        check_partial(work, path, folder)


def check_partial(work: str, path: Path, folder: Path) -> None:
    """In the hidden folder a file that has its final name is whole, and the folder has none."""
    if path.is_file():
        contents = [
            file.read_bytes()
            for name in ("old", "new", "one", "two")
            for file in (folder / name).rglob("*.safetensors")
        ]
        assert path.read_bytes() in contents, path
        return
    if work == "unpack":
        return
    try:
        mp.open_checkpoint(path).close()
    except (OSError, ValueError):
        return
    assert any(tree(path) == tree(folder / name) for name in ("old", "new")), path


def main() -> None:
    work, how, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    number = 0
    while True:
        number += 1
        shutil.rmtree(folder / "target", ignore_errors=True)
        if work == "replace":
            shutil.copytree(folder / "old", folder / "target")
        code = in_child(work_of(work, folder), how, number)
        if code == DONE and number > 1:
            break
        assert code == (ENDED if how == "kill" else FAILED), (number, code)
        check_state(work, folder, number)
        assert in_child(work_of(work, folder)) == DONE, number
        expected = "two" if work == "unpack" else "new"
        assert tree(folder / "target") == tree(folder / expected), number
        assert {path.name for path in folder.iterdir()} == {"one", "two", "old", "new", "target"}
    sys.stdout.write(str(number - 1))


if __name__ == "__main__":
    main()
