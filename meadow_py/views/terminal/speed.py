"""The speed of generating a text, in three lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meadow_py.spelling import byte_size
from meadow_py.views.model import form_notes, one_line
from meadow_py.views.verdicts import plural

if TYPE_CHECKING:
    from meadow_py.run import Generation, Model
    from meadow_py.run.speed import Speed

_REASONS = {
    "stop": "ended by a stop string",
    "eos": "ended by the model",
    "length": "ended by --max-tokens",
    "context": "ended by the model's context",
    None: "interrupted",
}
_CACHED = {
    None: "",
    "all": ": the weights stay in its caches",
    "part": ": part of the weights stays in its caches",
    "unknown": ": other work must have slowed the measurement of the memory",
}


def speed_lines(model: Model, generation: Generation, speed: Speed, sampled: bool) -> str:
    """The model; prompt and text with their rates; bytes beside the bandwidth of this host."""
    lines = [one_line(model), *form_notes(model), _rates(generation, speed, sampled), _bytes(speed)]
    return "".join(f"{line}\n" for line in lines)


def _rates(generation: Generation, speed: Speed, sampled: bool) -> str:
    prompt = plural(speed.prompt_tokens, "prompt token")
    if speed.first_token_seconds is None:
        return f"{prompt}, no token generated, {_REASONS[generation.finish_reason]}"
    first = f"{prompt}, first token after {_seconds(speed.first_token_seconds)}"
    read = f"({_rate(speed.prompt_tokens_per_second)} prompt tokens/s)"
    made = plural(speed.tokens, "token")
    rate = (
        "" if speed.tokens_per_second is None else f" at {_rate(speed.tokens_per_second)} tokens/s"
    )
    seed = f", seed {generation.seed}" if sampled else ""
    return f"{first} {read}; {made}{rate}, {_REASONS[generation.finish_reason]}{seed}"


def _bytes(speed: Speed) -> str:
    read = f"{byte_size(speed.bytes_per_token)} of weights read for a token"
    if speed.bytes_per_second is None:
        return read
    read += f", {byte_size(round(speed.bytes_per_second))}/s"
    if speed.read_bandwidth is None or speed.bandwidth_fraction is None:
        return read
    share = f"{100 * speed.bandwidth_fraction:.3g} %"
    host = f"{byte_size(round(speed.read_bandwidth))}/s that this host reads from memory"
    return f"{read}: {share} of the {host}{_CACHED[speed.cached]}"


def _rate(value: float | None) -> str:
    """9.87, 85.3, 11,540."""
    if value is None:
        return "-"
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def _seconds(value: float) -> str:
    """0.0123 s as 12.3 ms."""
    return f"{value * 1e3:.3g} ms" if value < 1 else f"{value:.3g} s"
