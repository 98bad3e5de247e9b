"""The syntax tree of the masked query: only nodes and clauses on the list may occur in it."""

from __future__ import annotations

import logging

import sqlglot
from sqlglot import exp
from sqlglot.dialects.bigquery import BigQuery

from common.guard.reading.lexer import NOTHING, Token
from common.guard.reading.mask import Masked
from common.guard.reading.text import Source
from common.model.findings import Finding, Position, found

# It warns of what it cannot read, by printing the text; whoever asked reads it in a finding.
logging.getLogger("sqlglot").setLevel(logging.ERROR)


_NO_NAMES = frozenset(
    "SAFE_CAST OFFSET SAFE_OFFSET ORDINAL SAFE_ORDINAL MAX MIN ROW FIRST LAST".split()
)
"""Words of the grammar where they stand, for which sqlglot makes no node of their own."""


def parse(masked: Masked) -> exp.Query | str:
    """The tree of the one query, or sqlglot's reason for not reading it.

    sqlglot raises more kinds of exception than it documents (AttributeError, IndexError,
    RecursionError, ...): whatever it cannot read is refused alike.
    """
    try:
        trees = sqlglot.parse(masked.text, dialect=BigQuery)
    except Exception as error:
        # not BaseException: to end the process stays possible
        return f"{type(error).__name__}: {error}"
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        return "not one query"
    return trees[0]


def position(source: Source, masked: Masked, node: exp.Expr) -> Position | None:
    """Where the first name or literal in the node stands in the author's text."""
    lines = (part.meta.get("line") for part in node.walk() if part.meta)
    # the tree keeps clauses in an order of its own
    first = min((line for line in lines if line), default=None)
    return None if first is None else source.position(masked.token(first).offset)


def check(source: Source, masked: Masked, tree: exp.Query) -> list[Finding]:
    """The first node or clause that is not on the list, or the first name that is not in the tree.

    sqlglot drops what a pipe replaces, such as the list of a SELECT before it, tables included.
    """
    for node in tree.walk():
        if reason := _strange(node):
            return [
                found(
                    "unknown_form",
                    f"The query uses {reason}, which is not on the list of forms that a "
                    "conversion may use.",
                    "Write it as a plain SELECT with joins, filters, groups and window functions.",
                    at=position(source, masked, node),
                )
            ]
    lost = _lost(masked, tree)
    return [_lost_name(source, masked, lost)] if lost else []


def _lost_name(source: Source, masked: Masked, lost: Token) -> Finding:
    before = masked.tokens[masked.tokens.index(lost) - 1]
    if before.has("WINDOW"):
        message = f"{lost.text} names a window behind a pipe's SELECT, which is not read here."
        fix = "Write the window where it is used: SUM(total) OVER (PARTITION BY client_id)"
    else:
        message = f"{lost.text} is lost when the query is read, as a later clause takes its place."
        fix = "Put what stands before a pipe into brackets: FROM (SELECT ...) |> WHERE ..."
    return found("unknown_form", message, fix, at=source.position(lost.offset))


def _lost(masked: Masked, tree: exp.Query) -> Token | None:
    """The first name of the text that no node of the tree stands for."""
    # one token a line, so that a line that no node knows is a token that was dropped
    kept = {node.meta.get("line") for node in tree.walk()}
    names = (
        (line, masked.token(line))
        for line, seen in enumerate(masked.text.split("\n"), start=1)
        # names alone: keywords leave no node, and a name may be a table
        if seen.startswith("`") and line not in kept
    )
    following = [*masked.tokens[1:], NOTHING]
    return next(
        (
            token
            for line, token in names
            if token.word not in _NO_NAMES and not following[line - 1].has("=>")
        ),
        None,
    )


def _strange(node: exp.Expr) -> str:
    kind = type(node)
    if kind not in _NODES:
        return f"a form read as {kind.__name__}"
    clauses = _CLAUSES.get(kind)
    if clauses is None:
        return ""
    # an empty list or False stands there for a clause that is absent
    odd = [name for name, value in node.args.items() if value and name not in clauses]
    return f"the clause {odd[0].strip('_').upper()} here" if odd else ""


_CLAUSES: dict[type[exp.Expr], set[str]] = {
    exp.Select: set(
        "with_ kind expressions distinct from_ joins where group having qualify windows order "
        "limit offset pivots".split()
    ),
    exp.Table: {"this", "db", "catalog", "alias", "joins", "pivots"},
    exp.Subquery: {"this", "alias", "with_", "joins", "pivots", "order", "limit", "offset"},
    exp.Join: {"this", "on", "using", "kind", "side", "method"},
    exp.With: {"expressions"},
    exp.CTE: {"this", "alias"},
    # |> AS name |> PIVOT (...) hangs the pivot on the name
    exp.TableAlias: {"this", "columns", "pivots"},
    exp.Anonymous: {"this", "expressions"},
}

_NODES = frozenset(
    getattr(exp, name)
    for name in """
    Select Subquery Union Intersect Except With CTE From Join Table TableAlias Unnest Where Group
    Having Qualify Order Ordered Limit Offset Fetch Distinct Window WindowSpec Alias Aliases Star
    Column Identifier Literal Boolean Null Paren Parameter Var Dot Bracket Array Struct PropertyEQ
    Tuple And Or Not Neg BitwiseNot EQ NEQ GT GTE LT LTE Is In Between Like LikeAny LikeAll Any All
    Exists Add Sub Mul Div BitwiseAnd BitwiseOr BitwiseXor BitwiseLeftShift BitwiseRightShift DPipe
    Case If Cast TryCast DataType DataTypeParam ColumnDef Interval Extract AtTimeZone Anonymous
    IgnoreNulls RespectNulls HavingMax Rollup Cube GroupingSets Pivot PivotAlias PivotAny
    CurrentDate CurrentTimestamp CurrentTime CurrentDatetime WeekStart Lambda Kwarg Escape
    NullSafeEQ NullSafeNEQ Slice Collate Concat StrToDate StrToTime
    """.split()
    # what a version of sqlglot does not know is a form less that passes
    if hasattr(exp, name)
)
