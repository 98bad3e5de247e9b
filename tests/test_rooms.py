"""The law of the house: who may import whom, how large a room is, where a shared act lives.

A function imports itself and common; functions meet in tables and messages. Rooms that lie side by
side never import one another in a circle.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {"sklearn", "pandas", "pyarrow", "duckdb", "zetasql", "bqemulator"}
MODULES = sorted(
    path.relative_to(ROOT)
    for room in ("common", "functions")
    for path in (ROOT / room).rglob("*.py")
)

FUNCTIONS = sorted(
    f"functions/{path.name}" for path in (ROOT / "functions").iterdir() if path.is_dir()
)


@cache
def imports(path: Path) -> tuple[str, ...]:
    return tuple(imported(path))


def imported(path: Path) -> Iterator[str]:
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


MOST_MODULES = 14
"""A room with more has two purposes."""
HOMES = {
    "builds a client": (
        r"bigquery\.Client\(|PublisherClient\(|CloudSchedulerClient\(",
        ("common/clients/", "common/local/"),
    ),
    "takes the identity that runs users' SQL": (
        r"impersonated_credentials|credentials_of_runner\(",
        ("common/bigquery/runner.py", "common/clients/"),
    ),
    "judges users' SQL": (
        r"guard\.judge import (?:\w+, )*judge\b",
        ("common/guard/", "common/user_query.py", "functions/validate_sql/"),
    ),
    "sends a statement as the runner of users' SQL": (
        r"\brunner\.(?:execute|rows|dry_run|append)\(",
        ("common/user_query.py",),
    ),
    "writes an incident": (r'append\(\s*"incidents"', ("common/incidents/",)),
    "answers problem details": (
        r"application/problem\+json",
        ("common/http/", "common/local/"),
    ),
    "knows a status of a run": (r"class RunStatus", ("common/model/",)),
}
"""Shared acts: what gives one away in the code, and the rooms that may hold it."""


@pytest.mark.parametrize("act", HOMES)
def test_a_shared_act_has_one_home(act: str) -> None:
    pattern, homes = HOMES[act]
    strays = [
        str(path)
        for path in MODULES
        if not str(path).startswith(homes) and re.search(pattern, (ROOT / path).read_text())
    ]
    assert strays == [], f"{act}: use {homes[0]}"


def packages() -> list[Path]:
    return sorted({path.parent for path in MODULES if path.name != "__init__.py"})


@pytest.mark.parametrize("folder", packages(), ids=str)
def test_a_room_says_what_it_is_for_and_stays_small(folder: Path) -> None:
    files = [path for path in MODULES if path.parent == folder and path.name != "__init__.py"]
    assert len(files) <= MOST_MODULES, "split it by what its modules are for"
    if len(folder.parts) > 2 or folder.parts[0] == "common" != folder.name:
        opening = ast.get_docstring(ast.parse((ROOT / folder / "__init__.py").read_text()))
        assert opening, f"{folder}/__init__.py: one line says what the room is for"


@pytest.mark.parametrize("house", ["common", "common/local", *FUNCTIONS])
def test_rooms_side_by_side_have_no_circle(house: str) -> None:
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for path in MODULES:
        here = place(path, house)
        for name in imports(path):
            there = place(module_path(name), house)
            if here and there and here != there:
                sorter.add(here, there)
    sorter.prepare()


def place(path: Path, house: str) -> str:
    """The room of the module inside the house; "" when it lies elsewhere."""
    inside = house.split("/")
    if path.parts[: len(inside)] != tuple(inside) or len(path.parts) <= len(inside):
        return ""
    return path.parts[len(inside)].removesuffix(".py")


def module_path(name: str) -> Path:
    return Path(*name.split("."))
