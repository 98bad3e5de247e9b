"""What a statement is and which tables it names, found with one parse that everybody shares.

bqemulator 1.4.0 parses a statement again for each such question, nine to fourteen times in all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlglot
from bqemulator.catalog import ddl_sync
from bqemulator.domain.errors import DomainError, InvalidQueryError
from bqemulator.jobs import ddl_result, executor, routine_ddl
from bqemulator.scripting.ast import Script, SqlStmt
from bqemulator.scripting.parser import parse_script
from bqemulator.sql.errors import sql_parse_error
from sqlglot import exp

from common.local.analyzer import standins
from common.local.emulator_patches.expressions import literals
from common.local.emulator_patches.patch import private, replace
from common.local.emulator_patches.statements import transactions

Path = tuple[str, str, str]
"""(project or "", dataset, table) as written."""


@dataclass(frozen=True)
class Statement:
    """One statement, read; `tree` is shared and must be copied before it is changed.

    Its class, target and clauses are those of the statement; what a query or a long DML statement
    has in it stands there under stand-ins, or not at all: `parsed` has it.
    """

    tree: exp.Expr
    tables: frozenset[Path]

    @property
    def is_query(self) -> bool:
        """Whether it only reads."""
        return isinstance(self.tree, exp.Query)


@lru_cache(maxsize=1024)
def read(sql: str) -> Statement:
    """The statement; raises InvalidQueryError when it is none."""
    general, names = standins.replaced(literals.plain(sql))
    try:
        head, tables = _shape(general)
    except InvalidQueryError:
        parsed(sql)  # the error names the tables
        raise
    known = ((project, dataset, names.get(name, name)) for project, dataset, name in tables)
    return Statement(_named(head, names), frozenset(known))


def parsed(sql: str) -> exp.Expr:
    """The whole tree, shared; raises InvalidQueryError when there is none."""
    return _parsed(literals.plain(sql))


@lru_cache(maxsize=512)
def _parsed(sql: str) -> exp.Expr:
    try:
        return sqlglot.parse_one(sql, read="bigquery")
    except sqlglot.errors.SqlglotError as error:
        raise sql_parse_error(str(error)) from error


@lru_cache(maxsize=512)
def _shape(general: str) -> tuple[exp.Expr, frozenset[Path]]:
    """What is asked of a tree again and again, and its tables."""
    tree = _parsed(general)
    tables = ((it.catalog, it.db, it.name) for it in tree.find_all(exp.Table) if it.db)
    return _head(tree), frozenset(tables)


def _head(tree: exp.Expr) -> exp.Expr:
    """The tree without what would only be copied."""
    head = tree if isinstance(tree, exp.Query) else tree.copy()
    if isinstance(head, exp.Insert) or (isinstance(head, exp.Create) and head.kind == "TABLE"):
        if isinstance(head.expression, exp.Query):
            head.set("expression", exp.select("NULL"))
    elif isinstance(head, exp.Merge):
        for part in ("using", "on", "whens"):
            head.set(part, None)
    return head


def _named(head: exp.Expr, names: Mapping[str, str]) -> exp.Expr:
    """The tree with the names that belong there; of a query nobody asks them."""
    if not names or isinstance(head, exp.Query):
        return head
    head = head.copy()
    for node in head.walk():
        if isinstance(node.this, str) and "standin_" in node.this:
            node.set("this", standins.restored(node.this, names))
    return head


def path(target: exp.Expr, project: str) -> Path:
    """The table that a CREATE or ALTER is about, in full."""
    table: exp.Table = target.this if isinstance(target, exp.Schema) else target  # type: ignore[assignment]
    return (table.catalog or project, table.db, table.name)


class _Shared:
    """What the emulator's modules see as sqlglot: they read each statement anew, eight times."""

    errors = sqlglot.errors

    @staticmethod
    def parse_one(sql: str, read: str) -> exp.Expr:
        """The shared tree; raises as the real one does."""
        tree = _tree(sql) if read == "bigquery" else None
        return sqlglot.parse_one(sql, read=read) if tree is None else tree


def install() -> None:
    """The emulator's questions about a statement are answered from the shared tree."""
    for asking in (ddl_sync, ddl_result, routine_ddl):
        replace(asking, "sqlglot", _Shared)
    classify = replace(executor, "_classify_parsed_tree", None)
    replace(executor, "_classify_parsed_tree", lambda tree: _kind(tree) or classify(tree))
    replace(executor, "_parse_for_classification", _tree)
    parse = replace(executor, "_parse_script_or_raise", None)
    replace(executor, "_parse_script_or_raise", lambda sql: _single(sql) or parse(sql))
    # snapshots and materialized views are no part of the product
    replace(executor, "_reject_dml_on_immutable", _nothing)
    replace(executor, "_capture_dml_snapshots", _nothing_later)
    for module, name in (
        (executor, "sync_created_schema"),
        (executor, "sync_created_table"),
        (executor, "sync_created_view"),
        (executor, "sync_dropped_object"),
        (executor, "_guard_and_resolve_single_ddl"),
        (ddl_sync, "_detect_plain_create_table"),
    ):
        replace(module, name, _only_for_definitions(private(module, name)))


def _tree(sql: str) -> exp.Expr | None:
    try:
        return read(sql).tree
    except InvalidQueryError:
        return None


def _single(sql: str) -> Any:
    """The script that is one statement, or one transaction; None for every other text."""
    if transactions.parts(sql):
        return Script((SqlStmt(sql),))
    general, _ = standins.replaced(literals.plain(sql))
    return _single_shape(general)


@lru_cache(maxsize=512)
def _single_shape(general: str) -> Any:
    try:
        script = parse_script(general)
    except DomainError:
        return None
    single = len(script.statements) == 1 and isinstance(script.statements[0], SqlStmt)
    return script if single else None


def _kind(tree: exp.Expr) -> str:
    if isinstance(tree, exp.Transaction):
        return "SCRIPT"
    return "SELECT" if isinstance(tree, exp.Query) else ""


def _only_for_definitions(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Asked of anything but CREATE and DROP, these parse it only to find nothing."""

    def answered(sql: str, *rest: Any) -> Any:
        defines = isinstance(_tree(sql), exp.Create | exp.Drop)
        return answer(literals.plain(sql), *rest) if defines else None

    return answered


def _nothing(*_: object) -> None:
    """Done."""


async def _nothing_later(*_: object) -> None:
    """Done as well."""
