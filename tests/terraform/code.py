"""What the product's code says of itself, read from its syntax trees."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from common import schemas
from common.bigquery.leases.lease import table_of
from common.logs import FIELDS
from tests.terraform.offline import REPOSITORY

WRITES = re.compile(r"\b(?:INSERT INTO|MERGE INTO|UPDATE|DELETE FROM)\s+\{\{ (\w+) \}\}")
"""A statement that changes the table in its slot."""
REPORTS = ("incident", "raised")
"""How the names of what reports an incident end."""
PARTS = {
    "common.bigquery.leases.lease": "leases",
    "common.catalog.exclusive": table_of("catalog:conversion"),
    "common.incidents.incidents": "incidents",
}
"""Shared modules that write a table of their own for whoever imports them."""


def entry_points(source: str) -> set[str]:
    """Functions of the source's main.py that the platform can call over HTTP, pushes included."""
    return {
        node.name
        for node in _tree(REPOSITORY / "functions" / source / "main.py").body
        if isinstance(node, ast.FunctionDef)
        and "functions_framework.http" in map(ast.unparse, node.decorator_list)
    }


@cache
def called(source: str) -> frozenset[str]:
    """Names that a function's code calls: among them the messages that it makes."""
    return frozenset(
        call.func.id
        for file in files(source)
        for call in _calls(file)
        if isinstance(call.func, ast.Name)
    )


@cache
def logged() -> dict[str, set[str]]:
    """Event → fields, over every call of log() in the product."""
    found: dict[str, set[str]] = {}
    for file in (f for room in ("common", "functions") for f in (REPOSITORY / room).rglob("*.py")):
        for call in _calls(file):
            if ast.unparse(call.func) == "log" and (event := _text(call.args[0])):
                fields = {name for word in call.keywords for name in _named(word)}
                found.setdefault(event, set()).update(fields)
    return found


def _named(word: ast.keyword) -> Iterable[str]:
    """The fields that an argument of log() names; all of them where it does not spell them out."""
    if word.arg:
        return [word.arg]
    names = word.value.generators[0].iter if isinstance(word.value, ast.DictComp) else None
    return map(_text, names.elts) if isinstance(names, ast.Tuple) else FIELDS


@cache
def reported() -> frozenset[str]:
    """Codes of the incidents that the product spells out where it reports them."""
    rooms = (REPOSITORY / "functions").rglob("*.py")
    calls = (call for file in rooms for call in _calls(file))
    said = (call for call in calls if ast.unparse(call.func).lower().endswith(REPORTS))
    # where a shared function reports, whoever asks for it comes first
    return frozenset(_text(argument) for call in said for argument in call.args[:2])


@cache
def written(source: str) -> frozenset[str]:
    """Fixed tables that a function's own code changes."""
    return frozenset(table for file in files(source) for table in _written(file))


def files(source: str) -> list[Path]:
    """A function's Python files."""
    return sorted((REPOSITORY / "functions" / source).rglob("*.py"))


def _written(file: Path) -> Iterator[str]:
    tables = set(schemas.fixed_tables())
    for call in _calls(file):
        method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if method == "append" and call.args and _text(call.args[0]) in tables:
            yield _text(call.args[0])
        if method == "save" and "catalog" in ast.unparse(call.func).lower():
            yield "definitions"
        if ast.unparse(call.func) == "template":
            yield from _slots_written(file, call)
    for module in _imported(file):
        if module in PARTS:
            yield PARTS[module]


def _slots_written(file: Path, call: ast.Call) -> Iterator[str]:
    """Tables bound to slots that the template's statement changes."""
    name = _text(call.args[1]) if len(call.args) > 1 else file.stem
    statement = file.with_name(f"{name}.sql")
    changed = set(WRITES.findall(statement.read_text())) if statement.exists() else set()
    for word in call.keywords:
        table = re.search(r"\.table\('(\w+)'\)", ast.unparse(word.value))
        if word.arg in changed and table:
            yield table[1]


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _calls(file: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(_tree(file)) if isinstance(node, ast.Call))


def _text(node: ast.expr) -> str:
    """The text that the expression spells out, or ''."""
    spelt = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return str(node.value) if spelt else ""  # type: ignore[attr-defined]


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text())
