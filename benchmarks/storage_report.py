"""A table and a plot of what `storage.py` measured; they compute nothing but ratios."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

COLUMNS = (
    ("encode_gb_s_1t", "encode, 1 thread"),
    ("encode_gb_s_2t", "2 threads"),
    ("decode_gb_s_1t", "decode, 1 thread"),
    ("decode_gb_s_2t", "2 threads"),
)


def markdown(figures: dict[str, Any]) -> str:
    told = ", ".join(f"{k} {v}" for k, v in {**figures["machine"], **figures["versions"]}.items())
    lines = [told, ""]
    if "headline" in figures:
        lines += [*_headline(figures["headline"]), ""]
    for name, found in figures["sets"].items():
        lines += [*_table(name, found), ""]
    return "\n".join(lines)


def _table(name: str, found: dict[str, Any]) -> list[str]:
    lines = [
        f"**{name}**, {found['nbytes'] / 1e6:.0f} MB",
        "",
        "| coder | of the original | " + " | ".join(f"{t}, GB/s" for _, t in COLUMNS) + " |",
        "|---" * (2 + len(COLUMNS)) + "|",
    ]
    for coder, row in found["coders"].items():
        speeds = " | ".join(f"{row[key]:.2f}" for key, _ in COLUMNS)
        lines.append(f"| {coder} | {100 * row['share']:.2f} % | {speeds} |")
    above = found.get("above_symbol_floor_bits")
    if above:
        lines += ["", f"Above the `symbol` floor: {above[0]:.4f} to {above[1]:.4f} b/w."]
    if found.get("one_tile_us"):
        lines += [
            "",
            f"One tile alone: {found['one_tile_us']:.0f} us; the index of tiles takes "
            f"{100 * found['tile_index_share']:.3f} % of a blob.",
        ]
    return lines


def _headline(processes: list[dict[str, Any]]) -> list[str]:
    lines = [f"Real BF16 against ZipNN, {len(processes)} processes, medians (smallest to largest):"]
    for coder in ("meadow auto", "meadow fast"):
        for what in ("encode", "decode"):
            parts = []
            for threads in (1, 2):
                key = f"{what}_gb_s_{threads}t"
                ratios = [p[coder][key] / p["ZipNN"][key] for p in processes]
                parts.append(
                    f"{threads} thread{'s' * (threads > 1)} {statistics.median(ratios):.2f}x "
                    f"({min(ratios):.2f}x to {max(ratios):.2f}x)"
                )
            lines.append(f"- {coder}, {what}: {', '.join(parts)}")
        gains = [p[coder]["decode_gb_s_2t"] / p[coder]["decode_gb_s_1t"] for p in processes]
        lines.append(f"- {coder}: the second core makes decoding {statistics.median(gains):.2f}x")
    return lines


def plot(figures: dict[str, Any], path: Path) -> None:
    """Size against decoding speed, one panel for each set."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt
    from matplotlib.lines import Line2D

    sets = figures["sets"]
    rows = -(-len(sets) // 2)
    figure, axes = plt.subplots(rows, 2, figsize=(11, 3.1 * rows), layout="constrained")
    colours = {name: f"C{n}" for n, name in enumerate(_names(sets))}
    for axis, (name, found) in zip(axes.flat, sets.items(), strict=False):
        for coder, row in found["coders"].items():
            ours = coder.startswith("meadow")
            axis.scatter(
                row["decode_gb_s_1t"],
                100 * row["share"],
                s=70 if ours else 40,
                marker="o" if ours else "s",
                color=colours[coder],
                zorder=3,
            )
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_locator(mpl.ticker.NullLocator())
        axis.set_title(name, loc="left", fontsize=10)
        axis.set_xlabel("decode, GB/s on one thread")
        axis.set_ylabel("% of the original")
        axis.grid(alpha=0.3, which="both")
    for axis in axes.flat[len(sets) :]:
        axis.axis("off")
    handles = [
        Line2D(
            [],
            [],
            linestyle="",
            color=colour,
            label=name,
            marker="o" if name.startswith("meadow") else "s",
        )
        for name, colour in colours.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=5, fontsize=9)
    figure.savefig(path, dpi=110)


def _names(sets: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(name for found in sets.values() for name in found["coders"]))
