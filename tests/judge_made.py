"""Which columns a table has that a statement makes, as GoogleSQL's analyzer sees them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.public import type_pb2

from common.bigquery.sql import Sql
from common.local.analyzer import analysis
from common.local.analyzer.service import call
from functions.materialize.paper.statements import Step
from tests.judge import Schema

PATH = re.compile(r"`([\w-]+\.\w+\.[\w*-]+)`")
_MADE = re.compile(r"CREATE OR REPLACE TABLE `([^`]+)`")
_COLUMNS: dict[str, Schema] = {}

Answer = TypeVar("Answer")
Tables = Mapping[str, Schema]
Ask = Callable[[Sql, Tables], Answer]


def with_tables(
    steps: Iterable[Step], schema_of: Callable[[str], Schema | None]
) -> Iterator[tuple[Step, dict[str, Schema]]]:
    """Each step with the columns of the tables that it names.

    Those that an earlier step made come from the analyzer, all others from `schema_of`.
    """
    made: dict[str, Schema] = {}
    for step in steps:
        named = set(PATH.findall(step.sql.text))
        found = {path: made.get(path) or schema_of(path) for path in named}
        known = {path: schema for path, schema in found.items() if schema is not None}
        table = _MADE.match(step.sql.text)
        # of a user's own tables nothing is known
        if table and named - {table[1]} <= known.keys():
            made[table[1]] = known[table[1]] = once(_COLUMNS, _made_by, step.sql, known)
        yield step, known


def once(answers: dict[str, Answer], ask: Ask[Answer], sql: Sql, tables: Tables) -> Answer:
    """What `ask` says of the statement: runs of several definitions share most of theirs, and each
    is judged once over the same tables."""
    types = {name: bound.type for name, bound in sql.parameters.items()}
    key = json.dumps([sql.text, types, tables], sort_keys=True, default=str)
    if key not in answers:
        answers[key] = ask(sql, tables)
    return answers[key]


def _made_by(sql: Sql, tables: Tables) -> Schema:
    """The columns of the table that CREATE TABLE ... AS makes; raises Rejected."""
    parameters = {name: it.type for name, it in sql.parameters.items() if f"@{name}" in sql.text}
    paths = tuple((path, tables[".".join(path)]) for path in analysis.paths(sql.text, tables))
    request = service.AnalyzeRequest(
        options=analysis.options(parameters),
        registered_catalog_id=analysis.catalog(paths),
        sql_statement=sql.text,
    )
    answer = call("Analyze", request, service.AnalyzeResponse)
    base = answer.resolved_statement.resolved_create_statement_node
    node = base.resolved_create_table_stmt_base_node.resolved_create_table_as_select_stmt_node
    return [_field(column.name, column.column.type) for column in node.output_column_list]


def _field(name: str, type_: type_pb2.TypeProto) -> dict[str, Any]:
    """The column in the form of BigQuery's API."""
    kind: str = type_pb2.TypeKind.Name(type_.type_kind).removeprefix("TYPE_")
    if kind == "ARRAY":
        return {**_field(name, type_.array_type.element_type), "mode": "REPEATED"}
    if kind == "STRUCT":
        fields = [_field(part.field_name, part.field_type) for part in type_.struct_type.field]
        return {"name": name, "type": "RECORD", "mode": "NULLABLE", "fields": fields}
    return {"name": name, "type": {"DOUBLE": "FLOAT64"}.get(kind, kind), "mode": "NULLABLE"}
