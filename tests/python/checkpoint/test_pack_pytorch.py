"""PyTorch files: dtypes out of the pickle, every layout of tensors, and what is odd as bytes."""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest

import meadow_py as mp
from meadow_py.checkpoint.original.source_file import find_regions
from meadow_py.sources.dtypes import TORCH
from meadow_py.sources.mapped_file import MappedFile
from meadow_py.sources.pickled import read_pickle

torch = pytest.importorskip("torch")

DTYPES = [
    "float32 float16 bfloat16 float64 int8 uint8 int16 int32 int64 bool complex64",
    "uint16 uint32 uint64 float8_e4m3fn float8_e5m2",
]
NAMES = " ".join(DTYPES).split()


def round_trip(source: Path, tmp_path: Path) -> mp.Inspection:
    made = mp.pack(source, tmp_path / "p.safetensors", overwrite=True)
    mp.verify(tmp_path / "p.safetensors")
    mp.unpack(tmp_path / "p.safetensors", tmp_path / "again", overwrite=True)
    assert (tmp_path / "again").read_bytes() == source.read_bytes()
    return made.inspection


def same_tensors(source: Path, packed: Path) -> None:
    with mp.open_checkpoint(source) as before, mp.open_checkpoint(packed) as now:
        assert list(now.tensors) == list(before.tensors)
        for name, tensor in before.tensors.items():
            found = now.tensors[name]
            assert (found.dtype, found.shape) == (tensor.dtype, tensor.shape), name
            assert found.raw().tobytes() == tensor.raw().tobytes(), name


@pytest.mark.parametrize("name", NAMES)
def test_every_dtype(name: str, tmp_path: Path) -> None:
    values = torch.randn(40, 30) * 100
    dtype = getattr(torch, name)
    path = tmp_path / "pytorch_model.bin"
    torch.save({"w": values.to(dtype), "scalar": values[0, 0].clone().to(dtype)}, path)
    made = round_trip(path, tmp_path)
    same_tensors(path, tmp_path / "p.safetensors")
    with mp.open_checkpoint(path) as checkpoint:
        dtypes = {tensor.dtype for tensor in checkpoint.tensors.values()}
    assert {(t.name, t.dtype) for t in made.tensors} == {(n, *dtypes) for n in ("w", "scalar")}


def test_views_tied_weights_and_empty_tensors(tmp_path: Path) -> None:
    whole = torch.arange(120, dtype=torch.float32).reshape(10, 12)
    state = OrderedDict(
        whole=whole,
        tied=whole,
        transposed=whole.t(),
        row=whole[3],
        column=whole[:, 2],
        part=whole[2:5, 1:4],
        expanded=torch.ones(3).expand(1, 3),
        empty=torch.zeros(0, 5),
        scalar=torch.tensor(2.5, dtype=torch.bfloat16),
        parameter=torch.nn.Parameter(torch.randn(5)),
    )
    state._metadata = {"version": 1}  # type: ignore[attr-defined]
    path = tmp_path / "model.pt"
    torch.save(state, path)
    round_trip(path, tmp_path)
    same_tensors(path, tmp_path / "p.safetensors")


def test_sliced_away_storage(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    torch.save({"end": torch.arange(1000.0)[990:]}, path)
    made = round_trip(path, tmp_path)
    same_tensors(path, tmp_path / "p.safetensors")
    assert [(t.name, t.dtype, t.shape) for t in made.tensors] == [("data/0", "F32", (1000,))]


def test_what_trainers_save(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    model = torch.nn.Linear(6, 4)
    torch.save({"state_dict": model.state_dict(), "epoch": 3, "loss": 0.5, "name": "x"}, path)
    round_trip(path, tmp_path)
    same_tensors(path, tmp_path / "p.safetensors")


def test_a_tensor_alone(tmp_path: Path) -> None:
    path = tmp_path / "tensor.pt"
    torch.save(torch.arange(12.0).reshape(3, 4), path)
    made = round_trip(path, tmp_path)
    assert [(t.name, t.dtype, t.shape) for t in made.tensors] == [("tensor", "F32", (3, 4))]
    same_tensors(path, tmp_path / "p.safetensors")


class Gadget:
    """Runs when it is unpickled."""

    ran = False

    def __reduce__(self) -> Any:
        return _run, ()


def _run() -> str:
    Gadget.ran = True
    return "ran"


def test_code_in_a_pickle_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    torch.save({"w": torch.randn(50, 50), "evil": Gadget()}, path)
    made = round_trip(path, tmp_path)
    assert not Gadget.ran
    assert [tensor.dtype for tensor in made.tensors] == ["F32"]


def with_pickle(path: Path, data: bytes) -> None:
    """The archive of one storage of 64 B, with another pickle in it."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/byteorder", "little")
        archive.writestr("archive/data/0", bytes(range(64)))
        archive.writestr("archive/version", "3\n")


ODD = {
    "no pickle": b"hello",
    "cut": pickle.dumps({"a": 1}, 2)[:-2],
    "huge memo": b"\x80\x02}r\xff\xff\xff\x7f.",
    "huge bytearray": b"\x80\x05\x96" + (2**60).to_bytes(8, "little") + b".",
    "long of long": b"\x80\x02\x8b" + (2**31 - 1).to_bytes(4, "little") + b".",
    "code": b"cposix\nsystem\n(S'touch /tmp/never'\ntR.",
    "attribute of a stand-in": b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n}U\x01aK\x01sb.",
    "no state dict": pickle.dumps([1, 2, 3], 2),
    "names that are numbers": pickle.dumps({1: 2}, 2),
    "recursive": b"\x80\x02]q\x00h\x00a.",
}


@pytest.mark.parametrize("kind", sorted(ODD))
def test_odd_pickles_are_bytes(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    with_pickle(path, ODD[kind])
    made = round_trip(path, tmp_path)
    assert [(t.name, t.dtype, t.bytes_original) for t in made.tensors] == [("data/0", "U8", 64)]
    with pytest.raises(ValueError, match="not known, only its bytes: unpack it"):
        mp.open_checkpoint(tmp_path / "p.safetensors")


def tensor_pickle(offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> bytes:
    """What torch.save writes for ``{"w": tensor}`` over the storage ``0`` of 16 floats."""
    return (
        b"\x80\x02}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n("
        b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu"
        b"K\x10tQ" + _flat(offset) + _tuple(shape) + _tuple(strides) + b"\x89}tRs."
    )


def _flat(number: int) -> bytes:
    return pickle.dumps(number, 2)[2:-1]


def _tuple(numbers: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(map(_flat, numbers)) + b"t"


def test_pickles_that_lie_about_places(tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    with_pickle(path, tensor_pickle(0, (4, 4), (4, 1)))
    assert [t.shape for t in round_trip(path, tmp_path).tensors] == [(4, 4)]
    for lie in [
        (8, (4, 4), (4, 1)),
        (0, (2**40,), (1,)),
        (0, (5, 4), (4, 1)),
        (-1, (4,), (1,)),
        (0, (4,), (-1,)),
        (0, (4, 4), (1,)),
        (0, (1,) * 40, (1,) * 40),
    ]:
        with_pickle(path, tensor_pickle(*lie))
        made = round_trip(path, tmp_path)
        assert made.tensors[0].name == "data/0", lie
        with pytest.raises(ValueError, match="only its bytes"):
            mp.open_checkpoint(tmp_path / "p.safetensors")


def test_giant_expanded_views_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    with_pickle(path, tensor_pickle(0, (2**30, 4), (0, 1)))
    round_trip(path, tmp_path)
    with pytest.raises(ValueError, match="claims 17179869184 B, its storage holds 64 B"):
        mp.open_checkpoint(tmp_path / "p.safetensors")


def test_legacy_and_compressed_files_are_bytes(tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    torch.save({"w": torch.zeros(200, 200)}, path, _use_new_zipfile_serialization=False)
    assert find_regions(MappedFile(path)).format == "bytes"
    round_trip(path, tmp_path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}, 2))
        archive.writestr("archive/data/0", bytes(4000))
    round_trip(path, tmp_path)
    path.write_bytes(b"no archive at all")
    round_trip(path, tmp_path)


def test_big_endian_storages_are_bytes(tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", tensor_pickle(0, (4, 4), (4, 1)))
        archive.writestr("archive/byteorder", "big")
        archive.writestr("archive/data/0", bytes(64))
    assert [t.dtype for t in round_trip(path, tmp_path).tensors] == ["U8"]


def test_overlapping_entries(tmp_path: Path) -> None:
    """A directory that names the same bytes twice: the second name is rest, nothing is lost."""
    path = tmp_path / "pytorch_model.bin"
    with_pickle(path, tensor_pickle(0, (4, 4), (4, 1)))
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        storage = archive.getinfo("archive/data/0")
    end = content.rindex(b"PK\x05\x06")
    start = int.from_bytes(content[end + 16 : end + 20], "little")
    version = content.index(b"archive/version", start) - 46
    content[version + 42 : version + 46] = storage.header_offset.to_bytes(4, "little")
    path.write_bytes(content)
    round_trip(path, tmp_path)


def odd_tensors() -> dict[str, Any]:
    values = torch.complex(torch.randn(3), torch.randn(3)).conj()
    quantised = torch.quantize_per_tensor(torch.randn(3), 0.1, 0, torch.qint8)
    return {
        "negated": values.imag.detach(),
        "conjugated": values,
        "sparse": torch.eye(2).to_sparse(),
        "quantised": quantised,
    }


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", ["negated", "conjugated", "sparse", "quantised"])
def test_tensors_that_are_no_view_are_not_passed_over(name: str, tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    torch.save({"w": torch.randn(2), "odd": odd_tensors()[name]}, path)
    round_trip(path, tmp_path)
    with pytest.raises(ValueError, match="are not known, only its bytes"):
        mp.open_checkpoint(tmp_path / "p.safetensors")


STORAGE = (
    b"(X\x07\x00\x00\x00storagectorch.storage\nUntypedStorage\nX\x01\x00\x00\x000"
    b"X\x03\x00\x00\x00cpuK\x40tQq\x01"
)


def shared_storage(*rebuilt: tuple[int, int, str]) -> bytes:
    """A pickle of tensors of one storage of 64 B: version of the call, size, dtype of the call."""
    items = b""
    for n, (version, count, dtype) in enumerate(rebuilt):
        items += b"X\x01\x00\x00\x00" + b"abc"[n : n + 1]
        items += f"ctorch._utils\n_rebuild_tensor_v{version}\n(".encode()
        items += (b"h\x01" if n else STORAGE) + _flat(0) + _tuple((count,)) + _tuple((1,))
        items += b"\x89}" + (f"ctorch\n{dtype}\n".encode() if dtype else b"") + b"tRs"
    return b"\x80\x02}" + items + b"."


SHARED = {
    "one dtype": shared_storage((3, 32, "uint16"), (3, 8, "uint16")),
    "two dtypes": shared_storage((3, 32, "uint16"), (3, 16, "uint32")),
    "two of one size": shared_storage((3, 64, "float8_e5m2"), (3, 64, "uint8")),
    "typed by its storage": shared_storage((3, 32, "uint16"), (2, 16, "")),
    "first by its storage": shared_storage((2, 16, ""), (3, 32, "uint16")),
}


@pytest.mark.parametrize("kind", sorted(SHARED))
def test_a_storage_of_two_dtypes(kind: str, tmp_path: Path) -> None:
    """A tensor has the dtype that torch gives it, whatever another tensor of the storage has."""
    path = tmp_path / "pytorch_model.bin"
    with_pickle(path, SHARED[kind])
    expected = torch.load(path, weights_only=True)
    assert list(expected) == ["a", "b"]
    for name, tensor in (read_pickle(SHARED[kind]).tensors or {}).items():
        assert TORCH[str(expected[name].dtype).removeprefix("torch.")] == tensor.dtype, name
    round_trip(path, tmp_path)
    if kind == "one dtype":
        same_tensors(path, tmp_path / "p.safetensors")
    else:
        with pytest.raises(ValueError, match="not known, only its bytes: unpack it"):
            mp.open_checkpoint(tmp_path / "p.safetensors")


def test_what_torch_saves_of_a_storage_of_two_dtypes(tmp_path: Path) -> None:
    whole = torch.arange(64, dtype=torch.uint8).view(torch.uint16)
    path = tmp_path / "model.pt"
    torch.save({"whole": whole, "pairs": whole.view(torch.uint32)}, path)
    round_trip(path, tmp_path)
    with pytest.raises(ValueError, match="not known, only its bytes: unpack it"):
        mp.open_checkpoint(tmp_path / "p.safetensors")
