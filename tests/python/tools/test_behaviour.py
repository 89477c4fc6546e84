"""Records of behaviour side by side: what differs, what is meant, what cannot be compared."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

TOOLS = Path(__file__).parents[3] / "tools"


@pytest.fixture(scope="module", autouse=True)
def tools() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(TOOLS)
        yield


def comparing() -> Any:
    return importlib.import_module("recording.comparing")


def record(entries: dict[str, Any], *isas: str, **skipped: str) -> dict[str, Any]:
    return {"version": 1, "isas": list(isas), "skipped": skipped, "entries": entries}


def text(*pieces: str, needs: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"text": list(pieces), **({"needs": list(needs)} if needs else {})}


def test_a_difference_is_found_unless_it_is_meant(capsys: pytest.CaptureFixture[str]) -> None:
    found = comparing()
    before = record({"help/run": text("a\n", "b\n"), "bits": {"sha256": "0"}}, "scalar")
    now = record({"help/run": text("a\n", "c\n"), "bits": {"sha256": "1"}}, "scalar")
    assert found.compare(before, before, []) == 0
    assert found.compare(before, now, [found.Intended("help/*", "new words")]) == 1
    said = capsys.readouterr().out
    assert "=== bits" in said
    assert "=== help/run" not in said
    assert "differs as intended: help/run: new words" in said
    meant = [found.Intended("help/*", "new words"), found.Intended("bits", "another formula")]
    assert found.compare(before, now, meant) == 0


def test_what_is_gone_and_what_is_new_differs() -> None:
    outcome = comparing().outcome_of(
        record({"old": text("x\n")}, "scalar"), record({"new": text("y\n")}, "scalar"), []
    )
    assert outcome.differing == {"old": "gone; it was\nx\n", "new": "new; it is\ny\n"}


def test_what_this_machine_lacks_is_not_compared() -> None:
    before = record(
        {"torch/a": text("1\n"), "help": text("x\n", needs=("rich==1",)), "a": text("s\n")},
        "scalar",
    )
    now = record(
        {"help": text("y\n", needs=("rich==2",)), "a": text("s\n")},
        "scalar",
        **{"torch/*": "torch is missing"},
    )
    outcome = comparing().outcome_of(before, now, [])
    assert outcome.differing == {}
    assert outcome.not_compared == {
        "torch/a": "torch is missing",
        "help": "recorded with rich==1, here rich==2",
    }
    assert outcome.same == 1


def test_an_isa_that_gives_other_bits_differs() -> None:
    before = record({"logits": text("1\n")}, "scalar", "avx2")
    now = record({"logits": text("1\n"), "logits on avx512": text("2\n")}, "scalar", "avx512")
    assert list(comparing().outcome_of(before, now, []).differing) == ["logits on avx512"]
    other = record({"logits": text("1\n"), "logits on avx2": text("2\n")}, "scalar", "avx2")
    assert comparing().outcome_of(other, before, []).differing
    fewer = record({"logits": text("1\n")}, "scalar")
    assert list(comparing().outcome_of(other, fewer, []).not_compared) == ["logits on avx2"]


def test_reasons_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "intended.toml"
    path.write_text('[[intended]]\nkey = "help/*"\nwhy = ""\n')
    with pytest.raises(ValueError, match="expected a key and a reason"):
        comparing().read_intended(path)
    path.write_text('[[intended]]\nkey = "help/*"\nwhy = "new words"\n')
    assert [one.key for one in comparing().read_intended(path)] == ["help/*"]


def test_masks_leave_the_rest_of_a_text() -> None:
    masked = importlib.import_module("recording.masks").masked
    said = "model: every bit is right: 68 tensors in 8 files, 3.857 MB in 0.0435 s, 88.68 MB/s"
    assert masked(said, ("elapsed",), {}).endswith(
        "68 tensors in 8 files, 3.857 MB in <duration>, <rate>"
    )
    json = '{"isa": "avx2", "threads": 2, "bits": 8}'
    assert masked(json, ("host",), {}) == '{"isa": "<isa>", "threads": <number>, "bits": 8}'


def test_texts_come_back_from_their_pieces() -> None:
    store = importlib.import_module("recording.store")
    long = "{" + ", ".join(f'"key {n}": {n}' for n in range(90)) + "}"
    for sample in ("", "a", "a\n\nb\n", f"{long}\n", "no end\n" + long):
        pieces = store.pieces_of(sample)
        assert "".join(pieces) == sample
        assert max(map(len, pieces), default=0) <= 200
