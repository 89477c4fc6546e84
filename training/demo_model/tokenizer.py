"""A byte-level BPE tokenizer with OPT's conventions, and text as its token ids."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from demo_model.text import UNKNOWN

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# OPT's ids. Text begins with </s>, as OPT's does.
BEGIN, PADDING, END, UNKNOWN_ID = "<s>", "<pad>", "</s>", 3
SPECIAL = [BEGIN, PADDING, END, UNKNOWN]
END_ID = 2

_MASKED = re.compile(f" ?{UNKNOWN}")


def trained(documents: Iterable[str], vocabulary: int) -> Tokenizer:
    """Learn the merges of `vocabulary` tokens, four special ones and 256 bytes among them."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator((_MASKED.sub("", document) for document in documents), trainer)
    made.post_processor = processors.TemplateProcessing(
        single=f"{END} $A", pair=f"{END} $A {END} $B", special_tokens=[(END, END_ID)]
    )
    return made


def save(tokenizer: Tokenizer, folder: Path, context: int) -> None:
    """The two files that ``AutoTokenizer`` reads."""
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "add_prefix_space": False,
        "bos_token": END,
        "clean_up_tokenization_spaces": False,
        "eos_token": END,
        "model_max_length": context,
        "pad_token": PADDING,
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": END,
    }
    text = json.dumps(config, indent=2) + "\n"
    (folder / "tokenizer_config.json").write_text(text, encoding="utf-8")


def encoded(tokenizer: Tokenizer, documents: Sequence[str]) -> npt.NDArray[np.int64]:
    """One stream of ids: ``</s>`` before each document, a masked word as `UNKNOWN_ID`."""
    parts: list[int] = []
    for document in documents:
        parts.append(END_ID)
        pieces = tokenizer.encode_batch(_MASKED.split(document), add_special_tokens=False)
        for i, piece in enumerate(pieces):
            if i:
                parts.append(UNKNOWN_ID)
            parts.extend(piece.ids)
    return np.array(parts, np.int64)
