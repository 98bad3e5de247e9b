"""From GoogleSQL to DuckDB with one parse of each.

bqemulator 1.4.0 parses a statement nine to fourteen times and rewrites its text with regular
expressions in between, which costs 50 to 200 ms and loses what does not fit them. Here the patches
that rewrite GoogleSQL share one tree, then the emulator's own rules and the rest share another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import sqlglot
from bqemulator.domain.errors import InvalidQueryError
from bqemulator.sql import table_rewriter
from bqemulator.sql.errors import sql_parse_error
from bqemulator.sql.rewriter import datetime_helpers, json_helpers, safe_helpers, string_helpers
from bqemulator.sql.rules import get_all_rules
from sqlglot import exp

from common.local.analyzer import standins
from common.local.emulator_patches.expressions import (
    aggregates,
    documents,
    functions,
    lists,
    literals,
    numbers,
    structs,
    texts,
    times,
    unknown,
    unnest,
    windows,
)
from common.local.emulator_patches.patch import private
from common.local.emulator_patches.statements import (
    arrivals,
    names,
    parameters,
    statements,
    wildcards,
)

PASSES = (
    *(names.rewrite, structs.rewrite, lists.rewrite, aggregates.rewrite, texts.rewrite),
    windows.rewrite,
)
"""Patches that look at whole statements, in their order."""
REWRITES = {
    **numbers.REWRITES,
    **texts.REWRITES,
    **times.REWRITES,
    **documents.REWRITES,
    **lists.REWRITES,
}
"""Patches that look at one function or operator: what each class of node becomes."""
OUR_OWN = {
    "CONCAT_STRING_TYPE",
    "COUNTIF_EMPTY_ZERO",
    "DATE_TRUNC_WEEK",
    "FORMAT_DATE_YEAR_PAD",
    "FORMAT_PRINTF",
    "PARSE_DATETIME",
    "PARSE_TIMESTAMP_UTC",
    "TIMESTAMP_TRUNC_WEEK_ZONE_SUNDAY",
    "UPPER_UNICODE",
}
"""Rules of the emulator whose work the patches do."""


@dataclass(frozen=True)
class Translation:
    """DuckDB's statement, the tables still to be put into it, and the names of its parameters.

    What is only asked of wildcards, to find their shards, stands in the text no more.
    """

    text: str
    wildcards: tuple[wildcards.Wildcard, ...]
    arrivals: tuple[arrivals.Reference, ...]
    parameters: frozenset[str]
    left: frozenset[str]
    """Those of the parameters that stand in the text."""


@lru_cache(maxsize=512)
def translate(sql: str, project: str, declared: tuple[tuple[str, str], ...]) -> Translation:
    """The statement for DuckDB; raises InvalidQueryError when it cannot be read."""
    general, names = standins.replaced(literals.plain(sql))
    types = {name.lower(): kind for name, kind in declared}
    known = tuple(
        (standin, types[name.lower()]) for standin, name in names.items() if name.lower() in types
    )
    try:
        translated = _translate(general, project, known)
    except InvalidQueryError:
        return _translate(sql, project, declared)  # the error names the tables
    return replace(
        translated,
        text=standins.restored(translated.text, names),
        wildcards=tuple(
            replace(
                it,
                condition=standins.restored(it.condition, names),
                parameters=frozenset(names.get(used, used) for used in it.parameters),
            )
            for it in translated.wildcards
        ),
        arrivals=tuple(
            replace(it, table=standins.restored(it.table, names)) for it in translated.arrivals
        ),
        parameters=frozenset(names.get(used, used) for used in translated.parameters),
        left=frozenset(names.get(used, used) for used in translated.left),
    )


@lru_cache(maxsize=512)
def _translate(sql: str, project: str, declared: tuple[tuple[str, str], ...]) -> Translation:
    google = _rewritten(_placeless(statements.parsed(sql).copy()), declared)
    text = google.sql("duckdb", copy=False, unsupported_level=sqlglot.ErrorLevel.IGNORE)
    try:
        duck = _ruled(sqlglot.parse_one(text, read="duckdb"))
    except sqlglot.errors.SqlglotError as error:
        raise sql_parse_error(str(error)) from error
    found = wildcards.take_out(duck, project)
    timed = arrivals.take_out(duck, project)
    for table in list(duck.find_all(exp.Table)):
        _qualify(table, project)
    _qualify_calls(duck, project)
    left = wildcards.parameter_names(duck)
    used = left.union(*(it.parameters for it in found))
    return Translation(duck.sql("duckdb", copy=False), tuple(found), tuple(timed), used, left)


def _placeless(tree: exp.Expr) -> exp.Expr:
    """The tree without where each name stood in the text: nobody asks, and every copy has it."""
    for node in tree.walk():
        node._meta = None
    return tree


def _rewritten(tree: exp.Expr, declared: tuple[tuple[str, str], ...]) -> exp.Expr:
    unknown.refuse(tree)
    for rewrite in (*PASSES, *_STOCK):
        rewrite(tree)
    tree = functions.rewrite(tree, REWRITES)
    unnest.rewrite(tree)
    return parameters.declare(tree, declared)


_qualify = private(table_rewriter, "_rewrite_table_node")
_qualify_calls = private(table_rewriter, "_rewrite_schema_qualified_calls")
_STOCK = (
    private(datetime_helpers, "_rewrite_last_day_week"),
    private(datetime_helpers, "_rewrite_date_function_results"),
    private(json_helpers, "_rewrite_to_json_typed"),
    private(safe_helpers, "_rewrite_safe_funcs"),
    private(string_helpers, "_rewrite_normalize_calls"),
    private(string_helpers, "_rewrite_instr_4arg_calls"),
)
"""Rewrites of the emulator that work on a tree and are right."""


_RULES: list[Any] = [
    it for it in get_all_rules() if it.name not in OUR_OWN and "ST_" not in it.name
]


_UNRULED = (
    *(exp.Identifier, exp.Column, exp.Literal, exp.Alias, exp.TableAlias, exp.Table, exp.Star),
    *(exp.Select, exp.From, exp.Where, exp.Join, exp.Ordered, exp.Paren, exp.EQ, exp.And, exp.Or),
    *(exp.If, exp.Case, exp.Null, exp.Boolean, exp.Coalesce, exp.DPipe, exp.Lambda, exp.Is),
    *(exp.PropertyEQ, exp.RegexpLike, exp.Not, exp.In, exp.Placeholder, exp.Array, exp.Struct),
)
"""Nine of ten nodes, of which no rule is: each is about a function, a type or an operator."""


def _is_unruled(node: exp.Expr) -> bool:
    if isinstance(node, exp.Anonymous):
        return node.name.lower().startswith("googlesql_")  # a macro of ours
    if isinstance(node, exp.Dot):
        return isinstance(node.expression, exp.Identifier)  # a field, no function
    return isinstance(node, _UNRULED)


def _ruled(tree: exp.Expr) -> exp.Expr:
    for node in reversed(list(tree.walk())):
        if _is_unruled(node):
            continue
        rule = next((it for it in _RULES if it.applies_to(node)), None)
        if rule is not None:
            replacement = rule.rewrite(node)
            if node is tree:
                tree = replacement
            elif replacement is not node:
                node.replace(replacement)
    return tree
