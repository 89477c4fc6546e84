"""Finished results on disk: killed writers, other work, other files."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from meadow_py import FormatError
from meadow_py.jobs import Journal

WORK = {"work": "profile", "bits": [8, 4]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl"


def filled(path: Path, results: dict[str, Any]) -> bytes:
    with Journal(path, WORK) as journal:
        for key, result in results.items():
            journal.add(key, result)
    return path.read_bytes()


def test_what_is_added_is_there_at_once_and_later(path: Path) -> None:
    with Journal(path, WORK) as journal:
        assert journal.get("a") is None
        journal.add("a", {"size": 1.5})
        assert journal.get("a") == {"size": 1.5}
        assert json.loads(path.read_bytes().splitlines()[-1])["key"] == "a"
    with Journal(path, WORK) as journal:
        assert journal.get("a") == {"size": 1.5}
        assert journal.get("b") is None


def test_killed_after_any_byte(path: Path) -> None:
    """Every prefix goes on: finished lines are kept, the rest is written again."""
    whole = filled(path, {"a": 1, "b": [2, 3]})
    assert whole
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        lines = whole[:length].count(b"\n")
        with Journal(path, WORK) as journal:
            assert (journal.get("a"), journal.get("b")) == (1 if lines > 1 else None, None)
            for key, result in (("a", 1), ("b", [2, 3])):
                if journal.get(key) is None:
                    journal.add(key, result)
        assert path.read_bytes() == whole


def test_other_work_is_refused_and_kept(path: Path) -> None:
    before = filled(path, {"a": 1})
    with pytest.raises(ValueError, match=r"other work: bits was \[8, 4\], and is now \[8\]"):
        Journal(path, {**WORK, "bits": [8]})
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"a novel", b"a novel\n", b"[]\n", b"\x00\x01", b'{"weights": 1}\n', b"{\n", b"\n"]
)
def test_a_file_of_something_else_is_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(
        FormatError, match="not a journal of finished work, and was not changed: name another"
    ):
        Journal(path, WORK)
    assert path.read_bytes() == content


@pytest.mark.parametrize("line", [b"nonsense", b"[1]", b'{"key": "a"}'])
def test_damage_before_the_last_line(path: Path, line: bytes) -> None:
    head = filled(path, {}) + line + b'\n{"key": "b", "result": 2}\n'
    path.write_bytes(head)
    with pytest.raises(FormatError, match="line 2 is"):
        Journal(path, WORK)
    assert path.read_bytes() == head


def test_one_process_at_a_time(path: Path) -> None:
    other = f"from meadow_py.jobs import Journal\nJournal({str(path)!r}, {WORK!r})"
    with Journal(path, WORK):
        done = subprocess.run(
            [sys.executable, "-c", other], capture_output=True, text=True, check=False
        )
    assert f"{path} is in use by another process" in done.stderr
    subprocess.run([sys.executable, "-c", other], check=True)


def test_no_folder_to_write_in(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Journal(tmp_path / "nowhere" / "run.jsonl", WORK)


WRONG: Any = (None, True, "text", "", -1, 2**70, 0.5, float("nan"), float("inf"), [], {})


def test_every_leaf_of_a_line(path: Path) -> None:
    """A line with any wrong value is refused by its number, or its result comes back as it is."""
    head = filled(path, {})
    accepted = refused = 0
    for key in ("key", "result", "surplus"):
        for wrong in (*WRONG, "missing"):
            entry: dict[str, Any] = {"key": "a", "result": {"size": 1.5}, key: wrong}
            if wrong == "missing":
                del entry[key]
            path.write_bytes(head + json.dumps(entry).encode() + b"\n")
            try:
                with Journal(path, WORK) as journal:
                    assert journal.get(entry["key"]) == entry["result"]
                accepted += 1
            except FormatError as error:
                said = str(error)
                assert "line 2" in said
                assert not any(word in said for word in ("KeyError", "TypeError", "NoneType"))
                refused += 1
    assert (accepted, refused) == (12, 24)


def test_every_leaf_of_the_first_line(path: Path) -> None:
    """Other work is refused by the name of what differs."""
    head = {"journal": 1, **WORK}
    for key in head:
        for wrong in WRONG:
            if wrong is True and key == "journal":
                continue  # equals 1
            path.write_bytes(json.dumps({**head, key: wrong}).encode() + b"\n")
            endless = isinstance(wrong, float) and not math.isfinite(wrong)
            match = "not a journal" if endless else f"work: {key} was"
            with pytest.raises(ValueError, match=match):
                Journal(path, WORK)
