"""GoogleSQL's own analyzer and reference evaluator, as judge over SQL that we write.

`analyze` says what BigQuery would say to a statement, or raises Rejected with its message and
place; `evaluate` runs a query over rows given as literals, with BigQuery's exact semantics.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.proto import options_pb2, simple_catalog_pb2
from zetasql.wasi._pb2.zetasql.public import options_pb2 as language
from zetasql.wasi._pb2.zetasql.public import simple_table_pb2, type_pb2, value_pb2

from tests.judge_service import Rejected, call, generation
from tests.judge_values import literal, python, spelled

__all__ = ["Column", "Rejected", "Rows", "Schema", "analyze", "evaluate", "struct_type"]

Schema = Sequence[Mapping[str, Any]]
"""A BigQuery schema as in its JSON: name, type, mode and, for a RECORD, fields."""

_NOT_IN_BIGQUERY = (
    "AGGREGATE_FILTERING",
    "ARRAY_AGGREGATION_FUNCTIONS",
    "ARRAY_ELEMENTS_WITH_SET",
    "ARRAY_EQUALITY",
    "ARRAY_FIND_FUNCTIONS",
    "ARRAY_GREATEST_LEAST",
    "ARRAY_ORDERING",
    "ARRAY_ZIP",
    "CONCAT_MIXED_TYPES",
    "DML_RETURNING",
    "DOT_PRODUCT",
    "ENABLE_MEASURES",
    "FIRST_AND_LAST_N",
    "FOR_UPDATE",
    "INLINE_LAMBDA_ARGUMENT",
    "INSERT_ON_CONFLICT_CLAUSE",
    "L1_NORM",
    "L2_NORM",
    "LATERAL_JOIN",
    "LIMIT_OFFSET_EXPRESSIONS",
    "MANHATTAN_DISTANCE",
    "MULTILEVEL_AGGREGATION",
    "MULTILEVEL_AGGREGATION_ON_UDAS",
    "MULTIWAY_UNNEST",
    "NULLIFZERO_ZEROIFNULL",
    "PI_FUNCTIONS",
    "STRUCT_POSITIONAL_ACCESSOR",
    "TIMESTAMP_NANOS",
    "TIMESTAMP_PICOS",
    "TOKENIZED_SEARCH",
    "TYPEOF_FUNCTION",
    "UNNEST_AND_FLATTEN_ARRAYS",
    "UUID_TYPE",
    "WITH_RECURSIVE_DEPTH_MODIFIER",
)
"""Where a feature's state in BigQuery is in doubt, the judge is the stricter of the two."""


@dataclass(frozen=True)
class Column:
    """One output column; the type is spelled in GoogleSQL, such as ARRAY<STRUCT<key STRING>>."""

    name: str
    type: str


@dataclass(frozen=True)
class Rows:
    """A table with its contents, for `evaluate`; a missing field of a row is NULL."""

    schema: Schema
    rows: Sequence[Mapping[str, Any]] = ()


def analyze(
    sql: str,
    tables: Mapping[str, Schema] | None = None,
    parameters: Mapping[str, str] | None = None,
) -> list[Column]:
    """The output columns of one statement, none for DML and DDL; raises Rejected.

    `tables` maps `project.dataset.table` to its schema; a name ending in * has _TABLE_SUFFIX.
    `parameters` maps names to GoogleSQL types; one that is not declared has its type inferred.
    """
    known = tables or {}
    catalog = _catalog(tuple((path, known[".".join(path)]) for path in _paths(sql, known)))
    request = service.AnalyzeRequest(
        options=_options(parameters or {}), registered_catalog_id=catalog, sql_statement=sql
    )
    answer = call("Analyze", request, service.AnalyzeResponse)
    columns = answer.resolved_statement.resolved_query_stmt_node.output_column_list
    names = _names(column.name for column in columns)
    return [
        Column(name, spelled(column.column.type))
        for name, column in zip(names, columns, strict=True)
    ]


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
            options=_options(types),
            registered_catalog_id=_catalog(()),
            params=[
                service.Parameter(name=name, value=_constant(literal(value, _type(type_))))
                for name, (type_, value) in bound.items()
            ],
        )
    )
    columns = answer.prepared.columns
    names = _names(column.name for column in columns)
    return [
        {
            name: python(cell, column.type)
            for name, column, cell in zip(names, columns, row.cell, strict=True)
        }
        for row in answer.content.table_data.row
    ]


def struct_type(schema: Schema) -> str:
    """The GoogleSQL type of one row of a schema."""
    fields = (f"`{field['name']}` {_column_type(field)}" for field in schema)
    return f"STRUCT<{', '.join(fields)}>"


def _names(given: Iterable[str]) -> list[str]:
    """The names that BigQuery gives: f0_, f1_ and so on where there is none."""
    counted = count()
    return [name if name and name[0] != "$" else f"f{next(counted)}_" for name in given]


def _paths(sql: str, tables: Mapping[str, Schema]) -> list[tuple[str, ...]]:
    request = service.ExtractTableNamesFromStatementRequest(
        sql_statement=sql, options=_language(), allow_script=False
    )
    answer = call(
        "ExtractTableNamesFromStatement", request, service.ExtractTableNamesFromStatementResponse
    )
    paths = (tuple(name.table_name_segment) for name in answer.table_name)
    return sorted({path for path in paths if ".".join(path) in tables})


_registered: dict[str, int] = {}


def _catalog(tables: Sequence[tuple[tuple[str, ...], Schema]]) -> int:
    key = json.dumps([generation(), [[path, struct_type(schema)] for path, schema in tables]])
    if key not in _registered:
        catalog = simple_catalog_pb2.SimpleCatalogProto(
            builtin_function_options=options_pb2.ZetaSQLBuiltinFunctionOptionsProto(
                language_options=_language()
            )
        )
        for path, schema in tables:
            _add_table(catalog, path, schema)
        request = service.RegisterCatalogRequest(simple_catalog=catalog)
        answer = call("RegisterCatalog", request, service.RegisterResponse)
        _registered[key] = answer.registered_id
    return _registered[key]


def _add_table(
    catalog: simple_catalog_pb2.SimpleCatalogProto, path: tuple[str, ...], schema: Schema
) -> None:
    for part in path[:-1]:
        inner = next((child for child in catalog.catalog if child.name == part), None)
        catalog = inner or catalog.catalog.add(name=part)
    columns = [
        simple_table_pb2.SimpleColumnProto(
            name=field["name"], type=_type(_column_type(field)), is_writable_column=True
        )
        for field in schema
    ]
    if path[-1].endswith("*"):
        suffix = simple_table_pb2.SimpleColumnProto(
            name="_TABLE_SUFFIX", type=_type("STRING"), is_pseudo_column=True
        )
        columns.append(suffix)
    catalog.table.add(name=path[-1], column=columns)


def _column_type(field: Mapping[str, Any]) -> str:
    type_ = field["type"].upper()
    if type_ in ("RECORD", "STRUCT"):
        type_ = struct_type(field["fields"])
    type_ = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}.get(type_, type_)
    return f"ARRAY<{type_}>" if field.get("mode") == "REPEATED" else type_


@cache
def _type(text: str) -> type_pb2.TypeProto:
    request = service.AnalyzeRequest(
        options=options_pb2.AnalyzerOptionsProto(language_options=_language()),
        registered_catalog_id=_catalog(()),
        sql_statement=f"SELECT CAST(NULL AS {text}) AS it",
    )
    answer = call("Analyze", request, service.AnalyzeResponse)
    return answer.resolved_statement.resolved_query_stmt_node.output_column_list[0].column.type


@cache
def _language() -> options_pb2.LanguageOptionsProto:
    options: options_pb2.LanguageOptionsProto = call(
        "GetLanguageOptions",
        service.LanguageOptionsRequest(maximum_features=True),
        options_pb2.LanguageOptionsProto,
    )
    missing = {language.LanguageFeature.Value(f"FEATURE_{name}") for name in _NOT_IN_BIGQUERY}
    features = [it for it in options.enabled_language_features if it not in missing]
    options.ClearField("enabled_language_features")
    options.enabled_language_features.extend(features)
    options.ClearField("supported_statement_kinds")
    options.product_mode = language.PRODUCT_EXTERNAL
    # Without it QUALIFY needs a WHERE, which BigQuery does not ask for.
    options.reserved_keywords.append("QUALIFY")
    return options


def _options(parameters: Mapping[str, str]) -> options_pb2.AnalyzerOptionsProto:
    declared = [
        options_pb2.AnalyzerOptionsProto.QueryParameterProto(name=name, type=_type(type_))
        for name, type_ in parameters.items()
    ]
    return options_pb2.AnalyzerOptionsProto(
        language_options=_language(),
        query_parameters=declared,
        error_message_mode=language.ERROR_MESSAGE_ONE_LINE,
        allow_undeclared_parameters=not declared,
        default_timezone="UTC",
    )


def _evaluated(request: service.EvaluateQueryRequest) -> Any:
    return call("EvaluateQuery", request, service.EvaluateQueryResponse)


@cache
def _constant(expression: str) -> value_pb2.ValueProto:
    request = service.EvaluateQueryRequest(
        sql=f"SELECT {expression} AS it", options=_options({}), registered_catalog_id=_catalog(())
    )
    return _evaluated(request).content.table_data.row[0].cell[0]


def _with_tables(sql: str, tables: Mapping[str, Rows]) -> str:
    if not tables:
        return sql
    steps = ", ".join(f"`{path}` AS ({_contents(table)})" for path, table in tables.items())
    return f"WITH {steps} SELECT * FROM ({sql}\n)"


def _contents(table: Rows) -> str:
    rows = literal(table.rows, _type(f"ARRAY<{struct_type(table.schema)}>"))
    return f"SELECT * FROM UNNEST({rows})"
