"""Rooms of export lie along the way of a row, and each imports only those before it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOMS = (
    "transport payload contract destinations reconcile ledger services send frontend main".split()
)
HERE = Path(__file__).parents[2] / "functions" / "export"


def room_of(path: Path) -> str:
    return path.relative_to(HERE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_lies_before_it(room: str) -> None:
    allowed = set(ROOMS[: ROOMS.index(room) + 1])
    for path in HERE.rglob("*.py"):
        if room_of(path) == room:
            assert imported(path) <= allowed, path


def imported(path: Path) -> set[str]:
    """The rooms of export that this module imports from."""
    names = [
        node.module or ""
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
    ]
    inside = [name.split(".") for name in names if name.startswith("functions.export")]
    return {parts[2] for parts in inside if len(parts) > 2}
