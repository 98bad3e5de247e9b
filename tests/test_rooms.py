"""Imports flow one way: a function imports itself and common; rooms meet in tables and messages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {"sklearn", "pandas", "pyarrow", "duckdb", "zetasql", "bqemulator", "matplotlib"}
MODULES = sorted(
    path.relative_to(ROOT)
    for room in ("common", "functions")
    for path in (ROOT / room).rglob("*.py")
)


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield (
                f"{node.module}.{node.names[0].name}"
                if node.module == "common"
                else node.module or ""
            )
            if node.module == "common":
                yield from (f"common.{alias.name}" for alias in node.names)


def room(name: str) -> str:
    parts = name.split(".")
    return ".".join(parts[:2]) if parts[0] in ("functions", "common") else parts[0]


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_module_imports_only_what_its_room_may(path: Path) -> None:
    own = ".".join(path.parts[:2]) if path.parts[0] == "functions" else "common"
    local = path.parts[:2] == ("common", "local")
    for name in imports(path):
        there = room(name)
        if there == "common.local":
            assert local, f"{path} reaches into the local engine: {name}"
        elif there.startswith("functions."):
            assert there == own, f"{path} imports another room: {name}"
        assert there != "tests", f"{path} imports tests: {name}"
        if there in HEAVY and not local:
            allowed = there == "sklearn" and own == "functions.score_leads"
            assert allowed, f"{path} imports {there}, which no deployed function may carry"


def test_only_one_room_builds_google_clients() -> None:
    builders = {"bigquery.Client(", "PublisherClient(", "CloudSchedulerClient("}
    for path in MODULES:
        if path.parts[:2] == ("common", "local") or path.parts[:2] == ("common", "clients"):
            continue
        text = (ROOT / path).read_text()
        for builder in builders:
            assert builder not in text, f"{path} builds a client: {builder}"


def test_only_one_door_sends_statements_as_the_runner_of_users_sql() -> None:
    """The runner may read what users may; what it runs is judged in common/user_query.py."""
    statements = re.compile(r"\brunner\.(?:execute|rows|dry_run|append)\(")
    for path in MODULES:
        if path != Path("common/user_query.py"):
            found = statements.search((ROOT / path).read_text())
            assert not found, f"{path} runs a statement as the runner: {found[0] if found else ''}"
