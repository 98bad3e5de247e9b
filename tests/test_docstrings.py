"""Whatever is public says what it is; a method may leave that to the one it overrides."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
Public = ast.FunctionDef | ast.ClassDef


def public(node: ast.AST, before: str = "") -> Iterator[tuple[str, Public]]:
    """Classes, functions and methods without an underscore, by qualified name."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Public) and not child.name.startswith("_"):
            yield f"{before}{child.name}", child
            if isinstance(child, ast.ClassDef):
                yield from public(child, f"{before}{child.name}.")


def test_public_things_say_what_they_are() -> None:
    found = [
        (path.relative_to(ROOT), name, node)
        for room in ("common", "functions")
        for path in (ROOT / room).rglob("*.py")
        for name, node in public(ast.parse(path.read_text(encoding="utf-8")))
    ]
    said = {node.name for _, _, node in found if ast.get_docstring(node)}
    # the services that stand in for Google's answer the calls of Google's own documents
    calls = {node.name for path, name, node in found if "Server." in name}
    silent = [
        f"{path}: {name}"
        for path, name, node in found
        if not ast.get_docstring(node)
        and not ("." in name and node.name in said)
        and node.name not in calls
    ]
    assert not silent
