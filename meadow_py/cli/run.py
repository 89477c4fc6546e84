"""``meadow run``."""

from __future__ import annotations

import os
import select
import stat
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from meadow_py import forms
from meadow_py.cli import options
from meadow_py.cli.failures import reports_failures
from meadow_py.cli.interrupts import INTERRUPTED
from meadow_py.cli.output import check_stdout, write

if TYPE_CHECKING:
    from meadow_py import Model
    from meadow_py.run import Generation
    from meadow_py.run.speed import Speed

_PROMPT = "The history of the"
# Imported before Ctrl-C raises an exception.
_NEEDS = (
    "meadow_py._core",
    "meadow_py.measure",
    "meadow_py.run",
    "meadow_py.run.speed",
    "meadow_py.views.terminal.speed",
    "tokenizers",
)
_STDIN = "-"
_PATIENCE = 2.0  # seconds without data after which a waiting command says so


@reports_failures(*_NEEDS)
def run(
    model: options.Model = None,
    prompt: Annotated[
        str | None,
        typer.Option(
            "--prompt",
            "-p",
            help="The text to continue; - reads it from stdin. Default: stdin if that is a pipe or "
            f'a file, else "{_PROMPT}".',
            show_default=False,
        ),
    ] = None,
    max_tokens: Annotated[
        int, typer.Option("--max-tokens", "-n", min=0, help="Generate at most this many tokens.")
    ] = 128,
    greedy: Annotated[
        bool,
        typer.Option(
            "--greedy", help="Always take the most probable token, as --temperature 0 does."
        ),
    ] = False,
    temperature: Annotated[
        float, typer.Option(min=0.0, help="Divide logits by this before sampling.")
    ] = 0.8,
    top_k: Annotated[
        int, typer.Option(min=0, help="Sample from the k most probable tokens only; 0 means all.")
    ] = 0,
    top_p: Annotated[
        float,
        typer.Option(
            min=0.0,
            max=1.0,
            help="Sample from the fewest tokens whose probabilities add up to this.",
        ),
    ] = 0.95,
    min_p: Annotated[
        float,
        typer.Option(
            min=0.0,
            max=1.0,
            help="Drop tokens less probable than this share of the most probable one.",
        ),
    ] = 0.0,
    repetition_penalty: Annotated[
        float, typer.Option(help="Make tokens that occurred before less probable; 1: no change.")
    ] = 1.0,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Seed of the sampling: the same seed gives the same text.",
            show_default=False,
        ),
    ] = None,
    stop: Annotated[
        list[str] | None,
        typer.Option(help="End the text before this string; may be repeated.", show_default=False),
    ] = None,
    form: Annotated[
        str,
        typer.Option(
            help=f"How weights are kept in memory: {', '.join(forms.requests(lossless=True))}; "
            f"with loss: {', '.join(forms.requests(lossless=False))}."
        ),
    ] = "auto",
    activations: options.Activations = "F32",
    bandwidth: Annotated[
        bool,
        typer.Option(
            "--bandwidth",
            help="Measure how fast this host reads memory after the text, and compare with it. "
            "This fills memory of four times the last-level cache.",
        ),
    ] = False,
    as_json: options.Json = False,
    threads: options.Threads = None,
    revision: options.Revision = None,
    token: options.Token = None,
    cache_dir: options.CacheDir = None,
    offline: options.Offline = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Write only the text.")] = False,
) -> None:
    """Continue a text with a model, dense or packed.

    The text is written to stdout while it is generated. Then stderr shows the time to the first
    token, the tokens per second, and the bytes of weights that each token reads. Ctrl-C ends the
    text. Neither torch nor transformers is needed.

    Example: meadow run packed --prompt "Once upon a time" --max-tokens 200 --greedy
    """
    import meadow_py

    check_stdout()
    text = _prompt(prompt)
    with meadow_py.load(
        model,
        form=form,
        activations=activations,
        threads=threads or 0,
        revision=revision,
        token=token,
        cache_dir=cache_dir,
        local_files_only=offline,
    ) as loaded:
        generation = loaded.generate(
            text,
            max_tokens=max_tokens,
            temperature=0.0 if greedy else temperature,
            top_k=top_k,
            top_p=top_p,
            min_p=min_p,
            repetition_penalty=repetition_penalty,
            seed=seed,
            stop=stop or (),
        )
        interrupted = _stream(generation, shown=not as_json)
        sampled = not greedy and temperature > 0
        if as_json or not quiet:
            speed = _speed(loaded, generation, bandwidth)
            _report(loaded, text, generation, speed, sampled=sampled, as_json=as_json)
    if interrupted:
        raise typer.Exit(INTERRUPTED)


def _prompt(given: str | None) -> str:
    """The text to continue: the one given, that of stdin, or a default."""
    if given is None:
        piped = _piped_stdin()
        return (_from_stdin() or _PROMPT) if piped else _PROMPT
    if given == _STDIN:
        if sys.stdin is None:
            raise OSError(
                "standard input is closed: expected the prompt there because of --prompt -"
            )
        return _from_stdin()
    return given


def _piped_stdin() -> bool:
    """Whether stdin is a pipe, a socket or a file, so that somebody may have put a prompt there."""
    if sys.stdin is None:
        return False
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError):  # replaced by an object without a file, as in notebooks
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


def _from_stdin() -> str:
    """All of stdin, without the line feed at its end that echo writes."""
    if _piped_stdin() and not _has_data(_PATIENCE):
        typer.echo("meadow: waiting for a prompt on standard input", err=True)
    return sys.stdin.read().removesuffix("\n")


def _has_data(seconds: float) -> bool:
    if sys.platform == "win32":  # where select takes only sockets
        return True
    return bool(select.select([sys.stdin], [], [], seconds)[0])


def _stream(generation: Generation, shown: bool) -> bool:
    """Write the text while it is generated; return whether Ctrl-C ended it."""
    try:
        for token in generation:
            if shown and token.text:
                write(token.text)
    except KeyboardInterrupt:
        return True
    finally:
        if shown:
            write("\n")
    return False


def _speed(model: Model, generation: Generation, with_bandwidth: bool) -> Speed:
    from meadow_py.run.speed import host_bandwidth, speed_of

    if not with_bandwidth or generation.timing.tokens_per_second is None:
        return speed_of(generation, model, None)
    bandwidth = host_bandwidth(model.threads)
    if bandwidth is None:
        typer.echo("meadow: too little free memory to measure the read bandwidth", err=True)
    return speed_of(generation, model, bandwidth)


def _report(
    model: Model, prompt: str, generation: Generation, speed: Speed, *, sampled: bool, as_json: bool
) -> None:
    if as_json:
        import json

        made = _as_json(model, prompt, generation, speed, sampled)
        write(json.dumps(made) + "\n")
        return
    from meadow_py.views.terminal.speed import speed_lines

    typer.echo(speed_lines(model, generation, speed, sampled), err=True, nl=False)


def _as_json(
    model: Model, prompt: str, generation: Generation, speed: Speed, sampled: bool
) -> dict[str, Any]:
    return {
        "version": 1,
        "kind": "run",
        "model": model.source,
        "family": model.family,
        "parameters": model.parameters,
        "form": model.loaded.form,
        "stored": dict(model.loaded.stored),
        "forms": model.forms,
        "threads": model.threads,
        "prompt": prompt,
        "text": generation.text,
        "prompt_ids": list(generation.prompt),
        "ids": generation.ids,
        "finish_reason": generation.finish_reason or "interrupted",
        "seed": generation.seed if sampled else None,
        **speed.to_dict(),
    }
