"""GoogleSQL's own analyzer and reference evaluator, as judge over SQL that we write.

`analyze` says what BigQuery would say to a statement, or raises Rejected with its message and
place; `evaluate` runs a query over rows given as literals, with BigQuery's exact semantics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.public import value_pb2

from common.local.analyzer.analysis import (
    Column,
    Schema,
    analyze,
    catalog,
    names,
    options,
    struct_type,
    type_of,
)
from common.local.analyzer.service import Rejected, call
from tests.judge_values import literal, python

__all__ = ["Column", "Rejected", "Rows", "Schema", "analyze", "evaluate", "struct_type"]


@dataclass(frozen=True)
class Rows:
    """A table with its contents, for `evaluate`; a missing field of a row is NULL."""

    schema: Schema
    rows: Sequence[Mapping[str, Any]] = ()


def evaluate(
    sql: str,
    tables: Mapping[str, Rows] | None = None,
    parameters: Mapping[str, tuple[str, Any]] | None = None,
) -> list[dict[str, Any]]:
    """The rows of one query, as the BigQuery client would return them; raises Rejected.

    `parameters` maps names to (GoogleSQL type, value). Order is only defined by ORDER BY.
    """
    text = _with_tables(sql, tables or {})
    bound = parameters or {}
    types = {name: type_ for name, (type_, _) in bound.items()}
    answer = _evaluated(
        service.EvaluateQueryRequest(
            sql=text,
            options=options(types),
            registered_catalog_id=catalog(()),
            params=[
                service.Parameter(name=name, value=_constant(literal(value, type_of(type_))))
                for name, (type_, value) in bound.items()
            ],
        )
    )
    columns = answer.prepared.columns
    labels = names(column.name for column in columns)
    return [
        {
            name: python(cell, column.type)
            for name, column, cell in zip(labels, columns, row.cell, strict=True)
        }
        for row in answer.content.table_data.row
    ]


def _evaluated(request: service.EvaluateQueryRequest) -> Any:
    return call("EvaluateQuery", request, service.EvaluateQueryResponse)


@cache
def _constant(expression: str) -> value_pb2.ValueProto:
    request = service.EvaluateQueryRequest(
        sql=f"SELECT {expression} AS it", options=options({}), registered_catalog_id=catalog(())
    )
    return _evaluated(request).content.table_data.row[0].cell[0]


def _with_tables(sql: str, tables: Mapping[str, Rows]) -> str:
    if not tables:
        return sql
    steps = ", ".join(f"`{path}` AS ({_contents(table)})" for path, table in tables.items())
    return f"WITH {steps} SELECT * FROM ({sql}\n)"


def _contents(table: Rows) -> str:
    rows = literal(table.rows, type_of(f"ARRAY<{struct_type(table.schema)}>"))
    return f"SELECT * FROM UNNEST({rows})"
