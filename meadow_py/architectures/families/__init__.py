"""Every family, in the order in which tensor names are tried: the particular ones first."""

from __future__ import annotations

from meadow_py.architectures.families.bert import BERT, ROBERTA
from meadow_py.architectures.families.distilbert import DISTILBERT
from meadow_py.architectures.families.gemma import GEMMA, GEMMA2, GEMMA3
from meadow_py.architectures.families.gguf import gguf_naming, is_gguf
from meadow_py.architectures.families.gpt2 import GPT2, GPT2_LINEAR
from meadow_py.architectures.families.gpt_neo import GPT_NEO
from meadow_py.architectures.families.gpt_neox import GPT_NEOX
from meadow_py.architectures.families.llama import LLAMA
from meadow_py.architectures.families.mistral import MISTRAL, MIXTRAL
from meadow_py.architectures.families.opt import OPT
from meadow_py.architectures.families.phi3 import PHI3
from meadow_py.architectures.families.qwen import QWEN, QWEN2, QWEN2_MOE, QWEN3, QWEN3_MOE
from meadow_py.architectures.families.vit import VIT
from meadow_py.architectures.family import Family

FAMILIES: tuple[Family, ...] = (
    OPT,
    GPT2,
    GPT2_LINEAR,
    GPT_NEO,
    GPT_NEOX,
    MIXTRAL,
    GEMMA3,
    GEMMA2,
    QWEN3,
    QWEN2,
    PHI3,
    LLAMA,
    # Named as Llama is: only a configuration tells these.
    GEMMA,
    MISTRAL,
    QWEN2_MOE,
    QWEN3_MOE,
    QWEN,
    ROBERTA,
    BERT,
    DISTILBERT,
    VIT,
)
UNKNOWN = Family(name="unknown", expected=False)

__all__ = ["FAMILIES", "UNKNOWN", "gguf_naming", "is_gguf"]
