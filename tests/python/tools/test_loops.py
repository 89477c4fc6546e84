"""Tests that assert only inside loops would pass on empty ones, so they first assert otherwise."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
LOOPS = (ast.For, ast.While)
CHECKS = ("raises", "warns", "assert_")  # of pytest and numpy
NEVER_EMPTY = {"_core.isa_available()", "blobs.CODECS"}
PASSING_ON = {"array", "enumerate", "list", "map", "product", "reversed", "sorted", "tuple", "zip"}


def unguarded(source: str) -> list[str]:
    """The tests of a module that assert only in loops which may be empty."""
    module = ast.parse(source)
    known = _constants(module)
    return [
        f"{function.name}, line {function.lineno}"
        for function in ast.walk(module)
        if isinstance(function, ast.FunctionDef) and function.name.startswith("test")
        if _only_in_loops(function, known | _constants(function))
    ]


def _constants(scope: ast.AST) -> dict[str, ast.expr]:
    """The values of names that are assigned outside of loops."""
    found: dict[str, ast.expr] = {}
    for node in _statements(scope):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = getattr(node, "value", None)
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(value, ast.expr):
            found |= {target.id: value for target in targets if isinstance(target, ast.Name)}
    return found


def _only_in_loops(function: ast.FunctionDef, known: dict[str, ast.expr]) -> bool:
    outside, loops = False, []
    for node in _statements(function):
        if isinstance(node, LOOPS):
            if any(_checks(inner) for inner in ast.walk(node)):
                loops.append(node)
        else:
            outside |= _checks(node)
    return bool(loops) and not outside and not any(_is_filled(loop, known) for loop in loops)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below `node`, but none inside loops, functions or classes."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            continue
        yield child
        if not isinstance(child, LOOPS):
            yield from _statements(child)


def _checks(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        called = node.func
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        return name.startswith(CHECKS)
    return isinstance(node, ast.Assert)


def _is_filled(loop: ast.AST, known: dict[str, ast.expr]) -> bool:
    """Whether a loop evidently runs, and a check in it too."""
    if not isinstance(loop, ast.For) or not _has_elements(loop.iter, known):
        return False
    inner = [node for node in _statements(loop) if isinstance(node, LOOPS)]
    direct = any(_checks(node) for node in _statements(loop) if not isinstance(node, LOOPS))
    return direct or any(_is_filled(one, known) for one in inner)


def _has_elements(node: ast.expr | None, known: dict[str, ast.expr]) -> bool:
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return any(
            not isinstance(one, ast.Starred) or _has_elements(one.value, known) for one in node.elts
        )
    if isinstance(node, ast.Dict):
        return bool(node.keys)
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and bool(node.value)
    if isinstance(node, ast.Name):
        value = known.get(node.id)
        return value is not None and _has_elements(value, {})
    if isinstance(node, ast.ListComp | ast.GeneratorExp):
        return all(not of.ifs and _has_elements(of.iter, known) for of in node.generators)
    if isinstance(node, ast.Call | ast.Attribute) and ast.unparse(node) in NEVER_EMPTY:
        return True
    return isinstance(node, ast.Call) and _call_has_elements(node, known)


def _call_has_elements(node: ast.Call, known: dict[str, ast.expr]) -> bool:
    called = node.func
    if isinstance(called, ast.Attribute) and called.attr in ("items", "values"):
        return _has_elements(called.value, known)
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    if name == "range":
        return all(isinstance(one, ast.Constant) and one.value != 0 for one in node.args[-1:])
    filled = [_has_elements(one, known) for one in node.args]
    if name == "zip" and any(key.arg == "strict" for key in node.keywords):
        return any(filled)
    if name == "map":
        return all(filled[1:])
    return name in PASSING_ON and all(filled[: None if name in ("zip", "product") else 1])


@pytest.mark.parametrize(
    "path", [pytest.param(path, id=path.stem) for path in sorted(TESTS.rglob("test_*.py"))]
)
def test_loops_that_assert_are_not_empty(path: Path) -> None:
    assert unguarded(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("for x in made:\n  assert x", True),
        ("for x in made.items():\n  assert x", True),
        ("assert made\n for x in made:\n  assert x", False),
        ("for x in (1, 2):\n  assert x", False),
        ("for x in ():\n  assert x", True),
        ("for x in (1, 2):\n  for y in made:\n   assert y", True),
        ("for x in WORDS:\n  assert x", False),
        ("for x in enumerate(zip(made, 'ab', strict=True)):\n  assert x", False),
        ("for x in range(3):\n  np.testing.assert_array_equal(x, x)", False),
        ("for x in range(n):\n  np.testing.assert_array_equal(x, x)", True),
        ("with pytest.raises(ValueError):\n  f()\n for x in made:\n  assert x", False),
        ("while f():\n  assert g()", True),
        ("f()", False),
    ],
)
def test_what_counts_as_filled(body: str, found: bool) -> None:
    assert bool(unguarded(f"WORDS = ('a',)\ndef test_it(made):\n {body}\n")) == found
