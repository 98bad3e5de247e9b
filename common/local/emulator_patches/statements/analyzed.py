"""What GoogleSQL's own analyzer says of a query, before DuckDB plans it.

Seen in 1.4.0: DuckDB lets pass what BigQuery refuses, such as the alias of a column in WHERE, a
TIMESTAMP between DATEs, and a UNION of both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from typing import Any

from bqemulator.domain.errors import InvalidQueryError, UnsupportedFeatureError

from common.local.analyzer import standins
from common.local.emulator_patches.column_types import Field
from common.local.emulator_patches.expressions import literals
from common.local.emulator_patches.statements import arrivals, parameters, statements
from common.untyped import JsonObject

_PLACE = re.compile(r"\[at (\d+:\d+)\]")
_REMEMBERED = 1024
_accepted: set[str] = set()
"""Shapes of statements that were accepted before, over tables with the same columns."""
# BigQuery has functions that the analyzer lacks; the guard says which of them may be called
_UNJUDGED = ("Function not found", "Table not found", "Type not found", "Unimplemented")


def check(sql: str, project: str, wire: list[JsonObject] | None, ctx: Any) -> None:
    """Raises the emulator's InvalidQueryError with BigQuery's words, if the analyzer refuses.

    Says nothing where the analyzer is not installed or lacks what BigQuery has.
    """
    if not _is_there():
        return
    from common.local.analyzer import analysis

    known = _schemas(statements.read(sql).tables, project, ctx)
    types = parameters.types(wire)
    shape = _shape(sql, known, types)
    if shape in _accepted:
        return
    columns = []
    try:
        columns = analysis.analyze(sql, known, dict(types))
    except analysis.Rejected as refusal:
        words = _in_one_line(str(refusal))
        if not words.startswith(_UNJUDGED):
            raise InvalidQueryError(words, location="query") from None
    for column in columns:
        if "INTERVAL" in column.type:
            raise UnsupportedFeatureError(
                f"The column {column.name} is an INTERVAL, which the local engine does not know; "
                "BigQuery does.",
                location="query",
            )
    if len(_accepted) >= _REMEMBERED:
        _accepted.clear()
    _accepted.add(shape)


def _shape(
    sql: str, known: Mapping[str, Sequence[Field]], types: tuple[tuple[str, str], ...]
) -> str:
    """The statement under stand-ins, with the columns of its tables and the types of its values."""
    general, names = standins.replaced(literals.plain(sql))
    by_name = {name: standin for standin, name in names.items()}
    tables = sorted(
        (path.rpartition(".")[0], by_name.get(path.rpartition(".")[2], path), list(columns))
        for path, columns in known.items()
    )
    return json.dumps([general, tables, sorted((by_name.get(n, n), kind) for n, kind in types)])


def _in_one_line(words: str) -> str:
    """As BigQuery says it: argument types behind the name, the place as at [line:column]."""
    first, _, rest = words.partition("\n")
    types = re.search(r"Argument types: ([^\n\[]*)", rest)
    place = _PLACE.search(rest)
    shown = first + (f" for argument types: {types[1].strip()}" if types else "")
    return _PLACE.sub(r"at [\1]", f"{shown} {place[0]}" if place else shown)


@cache
def _is_there() -> bool:
    """Whether the analyzer is installed and was compiled here, which takes half a minute once."""
    if not find_spec("zetasql") or not find_spec("wasmtime"):
        return False
    from common.local.analyzer import service

    return service.is_compiled()


def _schemas(
    paths: frozenset[statements.Path], project: str, ctx: Any
) -> Mapping[str, Sequence[Field]]:
    """The columns of each known table, under both names that a query may use."""
    known: dict[str, Sequence[Field]] = {}
    for path in paths:
        full = (path[0] or project, *path[1:])
        if columns := _columns(full, ctx):
            known |= {".".join(path[1:]): columns, ".".join(full): columns}
    return known


def _columns(path: statements.Path, ctx: Any) -> list[Field]:
    """The columns of a table, or of the newest shard of a wildcard; [] when there is none."""
    project, dataset, name = path
    if name.endswith("*"):
        shards = sorted(ctx.catalog.list_storage_tables(project, dataset))
        name = next((it for it in reversed(shards) if it.startswith(name[:-1])), "")
    table = ctx.catalog.get_table(project, dataset, name) if name else None
    if table is None:
        return []
    if table.view_query:
        return _of_view(table.view_query, project, ctx)
    pseudo = arrivals.PSEUDO if arrivals.has_times(table) else {}
    return [
        *(_field(it) for it in table.schema_.fields),
        *({"name": name, "type": kind, "mode": "PSEUDO"} for name, kind in pseudo.items()),
    ]


def _of_view(sql: str, project: str, ctx: Any) -> list[Field]:
    """The columns of a view, by its query; [] when the analyzer cannot tell."""
    from common.local.analyzer import analysis

    try:
        columns = analysis.analyze(sql, _schemas(statements.read(sql).tables, project, ctx))
    except analysis.Rejected:
        return []
    return [{"name": column.name, "type": column.type} for column in columns]


def _field(column: Any) -> Field:
    return {
        "name": column.name,
        "type": column.type,
        "mode": column.mode,
        "fields": [_field(it) for it in column.fields or ()],
    }
