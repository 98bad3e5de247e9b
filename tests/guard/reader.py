"""What GoogleSQL itself reads in a text: the other side of the differential test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service

from common.local.analyzer.analysis import language
from common.local.analyzer.service import Rejected, call

__all__ = ["Reading", "Rejected", "query_of_table", "read", "shape", "statement_kinds"]

_LOCATION = re.compile(
    r"parse_location_range \{\s*filename: \"\"\s*(start: \d+\s*)?(end: \d+\s*)?\}"
)
_QUOTING = re.compile(r"is_quoted: (true|false) ")
# Constructs that only read and yet are judged to be refused, and those that do more than read.
_FORBIDDEN = re.compile(
    r"ast_(tvf|pipe_(call|export|insert|create|fork|tee|if|assert|log|static|describe|recursive"
    r"|tablesample|match)|system_variable|hint|table_clause|model_clause|connection_clause"
    r"|for_system_time|sample_clause|graph|into_alias|lock_mode|aliased_query_modifiers)\w*|"
    r"\b(for_system_time|sample|lock_mode|hint) \{|recursive: true"
)


@dataclass(frozen=True)
class Reading:
    """One statement as GoogleSQL parses it."""

    kind: str
    tables: frozenset[str]
    functions: frozenset[str]
    parameters: frozenset[str]
    forbidden: frozenset[str]
    shape: str


def read(sql: str) -> Reading:
    """The reading of one statement; raises Rejected when GoogleSQL cannot parse it."""
    statement = _parsed(sql)
    formed = _shape(statement)
    calls: set[str] = set()
    parameters: set[str] = set()
    for node in _messages(statement):
        name = node.DESCRIPTOR.name
        if name == "ASTFunctionCallProto":
            calls.add(".".join(part.id_string for part in node.function.names).upper())
        elif name == "ASTParameterExprProto":
            parameters.add(node.name.id_string.lower() if node.HasField("name") else "?")
    return Reading(
        kind=str(statement.WhichOneof("node")),
        tables=_tables(sql),
        functions=frozenset(calls),
        parameters=frozenset(parameters),
        forbidden=frozenset(match[0] for match in _FORBIDDEN.finditer(formed)),
        shape=formed,
    )


def shape(sql: str) -> str:
    """The form of one statement, the same for texts that mean the same; raises Rejected."""
    return _shape(_parsed(sql))


def statement_kinds(script: str) -> list[str]:
    """The kind of every statement of a script; raises Rejected."""
    request = service.ParseRequest(sql_statement=script, options=language(), allow_script=True)
    parsed = call("Parse", request, service.ParseResponse).parsed_script
    listed = parsed.statement_list_node.statement_list
    return [str(statement.WhichOneof("node")) for statement in listed]


def query_of_table(sql: str) -> str:
    """The shape of the query of CREATE TABLE ... AS, in the form of a statement of its own."""
    parsed = _parsed(sql)
    ddl = parsed.ast_ddl_statement_node.ast_create_statement_node
    table = ddl.ast_create_table_stmt_base_node.ast_create_table_statement_node
    alone = type(parsed)()
    alone.ast_query_statement_node.parent.parent.SetInParent()
    alone.ast_query_statement_node.query.CopyFrom(table.query)
    return _shape(alone)


def _parsed(sql: str) -> Any:
    request = service.ParseRequest(sql_statement=sql, options=language())
    return call("Parse", request, service.ParseResponse).parsed_statement


def _shape(statement: Any) -> str:
    text = re.sub(r"\s+", " ", _LOCATION.sub("", str(statement)))
    return _QUOTING.sub("", text).replace(r"\r\n", r"\n")


def _tables(sql: str) -> frozenset[str]:
    request = service.ExtractTableNamesFromStatementRequest(
        sql_statement=sql, options=language(), allow_script=False
    )
    answer = call(
        "ExtractTableNamesFromStatement", request, service.ExtractTableNamesFromStatementResponse
    )
    return frozenset(".".join(name.table_name_segment) for name in answer.table_name)


def _messages(message: Any) -> Iterator[Any]:
    pending = [message]
    while pending:
        node = pending.pop()
        yield node
        for field, value in node.ListFields():
            if field.type == field.TYPE_MESSAGE and field.name != "parse_location_range":
                pending.extend(value if field.is_repeated else [value])
