"""Count what makes the code easy or hard to change: files, names, circles, lengths, and traces.

    python tools/house.py
    python tools/house.py --json
    python tools/house.py --before REV

Everything but the traces is read from the sources. Imports inside functions count as arrows
between files. Not counted are imports under ``if TYPE_CHECKING`` and those of `views` inside
methods, by which results show themselves. The traces run verbs on the demo and collect the files of
the package whose functions are called; they need a built core.
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import shutil
import subprocess
import tempfile
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verb_traces import traced

THIN, LONG_FILE, LONG_FUNCTION = 60, 350, 35
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_SILENT = (
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
    tokenize.ENDMARKER, tokenize.ENCODING,
)  # fmt: skip


@dataclass(frozen=True)
class Module:
    """A file of Python and what is counted in it.

    Attributes
    ----------
    name : str
        As it is imported, such as ``meadow_py.run.model``.
    lines : int
        All lines.
    code : int
        Lines that are neither blank, nor comments, nor docstrings.
    classes : tuple of str
        Names of classes at the top of the file.
    functions : tuple of (str, int)
        Names of functions, and their lines without docstrings.
    imports : frozenset of str
        What it imports: modules, and names in them as ``module.name``.
    """

    name: str
    lines: int
    code: int
    classes: tuple[str, ...]
    functions: tuple[tuple[str, int], ...]
    imports: frozenset[str]


def read_package(folder: Path) -> dict[str, Module]:
    """Every module of a package, by name."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = [folder.name, *path.relative_to(folder).with_suffix("").parts]
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = read_module(name, path.read_text(encoding="utf-8"))
    return found


def read_module(name: str, text: str) -> Module:
    """What is counted in one file."""
    tree = ast.parse(text)
    functions = [node for node in ast.walk(tree) if isinstance(node, _Function)]
    return Module(
        name,
        len(text.splitlines()),
        len(_code_lines(text) - _docstring_lines(tree)),
        tuple(node.name for node in tree.body if isinstance(node, ast.ClassDef)),
        tuple((node.name, _length(node)) for node in functions),
        frozenset(_imports(tree, name.split(".", maxsplit=1)[0])),
    )


def _code_lines(text: str) -> set[int]:
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _SILENT:
            lines.update(range(token.start[0], token.end[0] + 1))
    return lines


def _docstring(node: ast.AST) -> ast.Expr | None:
    body = getattr(node, "body", None)
    if not isinstance(body, list) or not body or not isinstance(body[0], ast.Expr):
        return None
    value = body[0].value
    return body[0] if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def _docstring_lines(tree: ast.Module) -> set[int]:
    found = [_docstring(node) for node in ast.walk(tree)]
    return {n for one in found if one for n in range(one.lineno, (one.end_lineno or 0) + 1)}


def _length(node: _Function) -> int:
    docstring = _docstring(node)
    hidden = (
        docstring.end_lineno - docstring.lineno + 1 if docstring and docstring.end_lineno else 0
    )
    return (node.end_lineno or node.lineno) - node.lineno + 1 - hidden


def _imports(tree: ast.AST, package: str, inside: str = "") -> Iterator[str]:
    """Names that are imported; `inside` is "class" in one and "method" in a function of one."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for other in node.orelse:
                yield from _imports(ast.Module([other], []), package, inside)
            continue
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            found = []
        views = f"{package}.views"
        for name in found:
            is_arrow_to_views = inside == "method" and f"{name}.".startswith(f"{views}.")
            if not is_arrow_to_views:
                yield name
        deeper = inside
        if isinstance(node, ast.ClassDef):
            deeper = "class"
        elif isinstance(node, _Function) and inside:
            deeper = "method"
        yield from _imports(node, package, deeper)


def arrows(modules: Mapping[str, Module]) -> dict[str, set[str]]:
    """For every module those that it imports; a name in a module counts for the module."""
    found: dict[str, set[str]] = {}
    for module in modules.values():
        targets = {_home(name, modules) for name in module.imports}
        found[module.name] = {one for one in targets if one and one != module.name}
    return found


def _home(name: str, modules: Mapping[str, Module]) -> str | None:
    if name in modules:
        return name
    before = name.rpartition(".")[0]
    return before if before in modules else None


def room_of(module: str) -> str:
    """The room of a module: the first name below the package."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else parts[0]


def circles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Strongly connected components of two or more, the largest first."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:  # Tarjan, SIAM Journal on Computing 1(2), 1972
        order[node] = low[node] = len(order)
        stack.append(node)
        for other in sorted(graph.get(node, ())):
            if other not in order:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], order[other])
        if low[node] == order[node]:
            members = stack[stack.index(node) :]
            del stack[-len(members) :]
            if len(members) > 1:
                found.append(sorted(members))

    for node in sorted(graph):
        if node not in order:
            visit(node)
    return sorted(found, key=lambda members: (-len(members), members))


def counted(folder: Path) -> dict[str, Any]:
    """Everything that is counted from the sources of a package."""
    modules = read_package(folder)
    graph = arrows(modules)
    rooms: dict[str, set[str]] = {}
    for name, targets in graph.items():
        room = rooms.setdefault(room_of(name), set())
        room.update(room_of(other) for other in targets if room_of(other) != room_of(name))
    homes: dict[str, list[str]] = {}
    for module in modules.values():
        for name in module.classes:
            homes.setdefault(name, []).append(module.name)
    lengths = [(n, f"{m.name}.{f}") for m in modules.values() for f, n in m.functions]
    short = sum(n < LONG_FUNCTION for n, _ in lengths)
    return {
        "files": len(modules),
        "lines of code": sum(m.code for m in modules.values()),
        f"files of {THIN} lines or fewer": sum(m.lines <= THIN for m in modules.values()),
        f"files over {LONG_FILE} lines": sorted(
            m.name for m in modules.values() if m.lines > LONG_FILE
        ),
        "class names defined twice or more": {
            name: where for name, where in sorted(homes.items()) if len(where) > 1
        },
        "circles between files": circles(graph),
        "circles between rooms": circles(rooms),
        "functions": len(lengths),
        f"functions under {LONG_FUNCTION} lines, %": round(100 * short / max(len(lengths), 1), 1),
        "longest function": list(max(lengths, default=(0, ""))),
    }


def counted_cpp(folder: Path) -> dict[str, Any]:
    """Files of C++ and their lines."""
    paths = [p for p in sorted(folder.rglob("*")) if p.suffix in (".h", ".cpp")]
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)
    return {"C++ files": len(paths), "C++ lines": lines}


def measured(root: Path) -> dict[str, Any]:
    """All figures of a source tree."""
    return counted(root / "meadow_py") | counted_cpp(root / "csrc") | traced(root)


def measured_before(root: Path, revision: str) -> dict[str, Any]:
    """All figures of another revision, checked out beside and with the core that is built here."""
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name).resolve() / "tree"
        git = ["git", "-C", str(root), "worktree"]
        subprocess.run([*git, "add", "--detach", "-q", str(tree), revision], check=True)
        try:
            for core in (root / "meadow_py").glob("_core*.so"):
                shutil.copy(core, tree / "meadow_py")
            return measured(tree)
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)


def _cell(value: Any) -> str:
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], int):
        return f"{value[0]} ({value[1]})"
    return str(len(value)) if isinstance(value, list | dict) else str(value)


def table(columns: Mapping[str, Mapping[str, Any]]) -> str:
    """Figures side by side; of lists how many they have."""
    first = next(iter(columns.values()))
    rows = [["", *columns]]
    rows += [[name, *(_cell(column[name]) for column in columns.values())] for name in first]
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    lines = [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join(lines) + "\n"


def details(found: Mapping[str, Any]) -> str:
    """The members of circles, classes of one name, and files that are too long."""
    lines = []
    for kind in ("circles between files", "circles between rooms"):
        lines += [f"{kind}: {len(one)}: {', '.join(one)}" for one in found[kind]]
    for name, where in found["class names defined twice or more"].items():
        lines.append(f"class {name}: {', '.join(where)}")
    lines += [f"over {LONG_FILE} lines: {one}" for one in found[f"files over {LONG_FILE} lines"]]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--json", action="store_true", help="everything, as JSON")
    parser.add_argument("--before", metavar="REV", help="a revision to show beside")
    arguments = parser.parse_args()
    root = Path(__file__).resolve().parents[1]
    columns = {"now": measured(root)}
    if arguments.before:
        columns = {arguments.before: measured_before(root, arguments.before), **columns}
    if arguments.json:
        print(json.dumps(columns, indent=1))
    else:
        print(table(columns))
        print(details(columns["now"]), end="")


if __name__ == "__main__":
    main()
