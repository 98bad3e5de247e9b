"""What GoogleSQL's own analyzer says of a statement over tables of given schemas."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count

from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.proto import options_pb2, simple_catalog_pb2
from zetasql.wasi._pb2.zetasql.public import options_pb2 as features
from zetasql.wasi._pb2.zetasql.public import simple_table_pb2, type_pb2

from common.local.analyzer.service import Rejected, call, generation
from common.untyped import Row

__all__ = ["Column", "Rejected", "Schema", "analyze"]

Schema = Sequence[Row]
"""A BigQuery schema as in its JSON: name, type, mode and, for a RECORD, fields.

The mode PSEUDO, which is ours, is that of _PARTITIONTIME: no star shows such a column."""

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

_NAMES_OF_INT64 = ("INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT")
"""BigQuery's other names of a type that GoogleSQL itself has under one.
Source: cloud.google.com/bigquery/docs/reference/standard-sql/data-types, "Integer type"."""


@dataclass(frozen=True)
class Column:
    """One output column; the type is spelled in GoogleSQL, such as ARRAY<STRUCT<key STRING>>."""

    name: str
    type: str


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
    known_tables = catalog(tuple((path, known[".".join(path)]) for path in paths(sql, known)))
    request = service.AnalyzeRequest(
        options=options(parameters or {}), registered_catalog_id=known_tables, sql_statement=sql
    )
    answer = call("Analyze", request, service.AnalyzeResponse)
    columns = answer.resolved_statement.resolved_query_stmt_node.output_column_list
    labels = names(column.name for column in columns)
    return [
        Column(name, spelled(column.column.type))
        for name, column in zip(labels, columns, strict=True)
    ]


def struct_type(schema: Schema) -> str:
    """The GoogleSQL type of one row of a schema."""
    fields = (f"`{field['name']}` {_column_type(field)}" for field in schema)
    return f"STRUCT<{', '.join(fields)}>"


def names(given: Iterable[str]) -> list[str]:
    """The names that BigQuery gives: f0_, f1_ and so on where there is none."""
    counted = count()
    return [name if name and name[0] != "$" else f"f{next(counted)}_" for name in given]


def paths(sql: str, tables: Mapping[str, Schema]) -> list[tuple[str, ...]]:
    """Which of the tables the statement names, each as its parts."""
    request = service.ExtractTableNamesFromStatementRequest(
        sql_statement=sql, options=language(), allow_script=False
    )
    answer = call(
        "ExtractTableNamesFromStatement", request, service.ExtractTableNamesFromStatementResponse
    )
    named = (tuple(name.table_name_segment) for name in answer.table_name)
    return sorted({path for path in named if ".".join(path) in tables})


_registered: dict[str, int] = {}


def catalog(tables: Sequence[tuple[tuple[str, ...], Schema]]) -> int:
    """The id under which the analyzer knows these tables."""
    key = json.dumps([generation(), [[path, struct_type(schema)] for path, schema in tables]])
    if key not in _registered:
        made = simple_catalog_pb2.SimpleCatalogProto(
            builtin_function_options=options_pb2.ZetaSQLBuiltinFunctionOptionsProto(
                language_options=language()
            )
        )
        for name in _NAMES_OF_INT64:
            made.named_type.add(name=name, type=type_pb2.TypeProto(type_kind=type_pb2.TYPE_INT64))
        for path, schema in tables:
            _add_table(made, path, schema)
        request = service.RegisterCatalogRequest(simple_catalog=made)
        answer = call("RegisterCatalog", request, service.RegisterResponse)
        _registered[key] = answer.registered_id
    return _registered[key]


def _add_table(
    inside: simple_catalog_pb2.SimpleCatalogProto, path: tuple[str, ...], schema: Schema
) -> None:
    for part in path[:-1]:
        inner = next((child for child in inside.catalog if child.name == part), None)
        inside = inner or inside.catalog.add(name=part)
    columns = [
        simple_table_pb2.SimpleColumnProto(
            name=field["name"],
            type=type_of(_column_type(field)),
            is_writable_column=True,
            is_pseudo_column=field.get("mode") == "PSEUDO",
        )
        for field in schema
    ]
    if path[-1].endswith("*"):
        suffix = simple_table_pb2.SimpleColumnProto(
            name="_TABLE_SUFFIX", type=type_of("STRING"), is_pseudo_column=True
        )
        columns.append(suffix)
    inside.table.add(name=path[-1], column=columns)


def _column_type(field: Row) -> str:
    type_ = field["type"].upper()
    if type_ in ("RECORD", "STRUCT"):
        type_ = struct_type(field["fields"])
    type_ = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}.get(type_, type_)
    return f"ARRAY<{type_}>" if field.get("mode") == "REPEATED" else type_


@cache
def type_of(text: str) -> type_pb2.TypeProto:
    """The analyzer's form of a GoogleSQL type."""
    request = service.AnalyzeRequest(
        options=options_pb2.AnalyzerOptionsProto(language_options=language()),
        registered_catalog_id=catalog(()),
        sql_statement=f"SELECT CAST(NULL AS {text}) AS it",
    )
    answer = call("Analyze", request, service.AnalyzeResponse)
    return answer.resolved_statement.resolved_query_stmt_node.output_column_list[0].column.type


@cache
def language() -> options_pb2.LanguageOptionsProto:
    """GoogleSQL with the features that BigQuery has."""
    spoken: options_pb2.LanguageOptionsProto = call(
        "GetLanguageOptions",
        service.LanguageOptionsRequest(maximum_features=True),
        options_pb2.LanguageOptionsProto,
    )
    missing = {features.LanguageFeature.Value(f"FEATURE_{name}") for name in _NOT_IN_BIGQUERY}
    kept = [it for it in spoken.enabled_language_features if it not in missing]
    spoken.ClearField("enabled_language_features")
    spoken.enabled_language_features.extend(kept)
    spoken.ClearField("supported_statement_kinds")
    spoken.product_mode = features.PRODUCT_EXTERNAL
    # Without it QUALIFY needs a WHERE, which BigQuery does not ask for.
    spoken.reserved_keywords.append("QUALIFY")
    return spoken


def options(parameters: Mapping[str, str]) -> options_pb2.AnalyzerOptionsProto:
    """The analyzer\'s options; without parameters, undeclared ones have their type inferred."""
    declared = [
        options_pb2.AnalyzerOptionsProto.QueryParameterProto(name=name, type=type_of(type_))
        for name, type_ in parameters.items()
    ]
    return options_pb2.AnalyzerOptionsProto(
        language_options=language(),
        query_parameters=declared,
        error_message_mode=features.ERROR_MESSAGE_ONE_LINE,
        allow_undeclared_parameters=not declared,
        default_timezone="UTC",
    )


def spelled(type_: type_pb2.TypeProto) -> str:
    """A type as GoogleSQL writes it."""
    kind: str = type_pb2.TypeKind.Name(type_.type_kind).removeprefix("TYPE_")
    if kind == "ARRAY":
        return f"ARRAY<{spelled(type_.array_type.element_type)}>"
    if kind == "STRUCT":
        fields = (f"{f.field_name} {spelled(f.field_type)}" for f in type_.struct_type.field)
        return f"STRUCT<{', '.join(field.strip() for field in fields)}>"
    return {"DOUBLE": "FLOAT64"}.get(kind, kind)
