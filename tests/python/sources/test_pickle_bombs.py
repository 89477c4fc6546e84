"""Small pickles that would take for ever or all memory: refused at once, and packed as bytes."""

from __future__ import annotations

import io
import pickle
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from meadow_py.sources.pickled import MOST_OPCODES, read_pickle

START = b"\x80\x02}"  # protocol 2, an empty dict
SECONDS = 60  # each of these would take hours, or more memory than there is


def nested_key() -> bytes:
    """A key whose hash takes 2^60 steps: a tuple of the tuple before it, twice, 60 times."""
    doubled = b"".join(b"h%c\x86q%c" % (n, n + 1) for n in range(60))
    return START + b")q\x00" + doubled + b"K\x01s."


def colliding_keys() -> bytes:
    """A million integers of one hash."""
    prime = 2**61 - 1
    numbers = (n * prime for n in range(1, 1_000_001))
    keys = (b"\x8a\x0b" + n.to_bytes(11, "little") + b"N" for n in numbers)
    return START + b"(" + b"".join(keys) + b"u."


def colliding_memo() -> bytes:
    """A million entries of the memo whose numbers have one hash."""
    prime = 2**61 - 1
    return START + b"".join(b"p%d\n" % (n * prime) for n in range(1, 1_000_001)) + b"."


def many_globals() -> bytes:
    return START + b"".join(b"cm%d\nn\n" % n for n in range(400_000)) + b"."


def copied_dict() -> bytes:
    """One dict of many keys, copied as often."""
    keys = b"".join(pickle.dumps(str(n), 2)[2:-3] + b"N" for n in range(50_000))
    ordered = b"ccollections\nOrderedDict\nq\x01"
    copies = b"h\x01h\x00\x85R" * 400_000
    return b"\x80\x02" + ordered + b"(}q\x00(" + keys + b"u" + copies + b"t."


def many_opcodes() -> bytes:
    return START + b"N" * (MOST_OPCODES + 1) + b"."


def open_marks() -> bytes:
    return START + b"(" * 1_000_000 + b"."


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "nested key": (nested_key, "no tensors"),
    "colliding keys": (colliding_keys, "no tensors"),
    "colliding memo": (colliding_memo, "has an entry of its memo beyond"),
    "many globals": (many_globals, "names more than 4096 globals"),
    "copied dict": (copied_dict, "copies more than"),
    "many opcodes": (many_opcodes, "has more than 4194304 opcodes"),
    "open marks": (open_marks, "has more than 1024 open marks"),
}

ASK = """
import resource, sys
import meadow_py as mp
from pathlib import Path
limit = 2 * 2**30
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
path = Path(sys.argv[1])
try:
    mp.open_checkpoint(path)
except ValueError as error:
    print(error)
mp.pack(path, path.with_suffix(".safetensors"), progress=False)
mp.unpack(path.with_suffix(".safetensors"), path.with_suffix(".again"), progress=False)
assert path.with_suffix(".again").read_bytes() == path.read_bytes()
"""


@pytest.mark.parametrize("compressed", [False, True], ids=["stored", "compressed"])
@pytest.mark.parametrize("kind", BOMBS)
def test_bombs(kind: str, compressed: bool, tmp_path: Path) -> None:
    make, match = BOMBS[kind]
    how = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(tmp_path / "x.bin", "w", how) as archive:
        archive.writestr("x/data.pkl", make())
        archive.writestr("x/version", "3\n")
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(tmp_path / "x.bin")],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert match in done.stdout
    assert len(done.stdout) < 1000


def test_keys_that_are_no_strings_are_not_hashed() -> None:
    """Not even in a dict that lies beside the tensors."""
    content = {"state_dict": {}, 1: 2, (1, (2, 3)): 4}
    assert read_pickle(pickle.dumps(content, 2)).tensors is None
    stream = io.BytesIO()
    pickle.dump({"a": content}, stream, 2)
    assert read_pickle(stream.getvalue()).storages == {}


def test_ctrl_c_ends_a_long_interpretation() -> None:
    """It takes seconds, and a tenth of one passes before the signal."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    data = START + b"N" * MOST_OPCODES + b"."
    old = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(KeyboardInterrupt):
            read_pickle(data)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def test_a_compressed_archive_that_unpacks_to_too_much(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.save({"w": torch.ones(2)}, tmp_path / "plain.bin")
    zeros = bytes(1 << 24)
    with (
        zipfile.ZipFile(tmp_path / "plain.bin") as plain,
        zipfile.ZipFile(tmp_path / "x.bin", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for entry in plain.infolist():
            packed.writestr(entry.filename, plain.read(entry))
        for n in range(1, 70):  # each more than 1 GiB in all
            packed.writestr(f"plain/data/{n}", zeros)
    from meadow_py.dispatch import open_checkpoint
    from meadow_py.errors import FormatError

    with pytest.raises(FormatError, match=r"refused: its .* unpack to 1\.158 GB.*zip -0"):
        open_checkpoint(tmp_path / "x.bin")
