"""The columns that a query returns, as it writes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlglot import exp

from common.guard.reading.lexer import Token, canonical
from common.guard.reading.mask import Masked
from common.guard.reading.text import Source
from common.model.contract import Output
from common.model.findings import Position

_LIST_ENDS = tuple(
    "FROM WHERE GROUP HAVING QUALIFY WINDOW ORDER LIMIT UNION EXCEPT INTERSECT |> )".split()
)


def outputs(source: Source, masked: Masked, tree: exp.Query) -> list[Output]:
    """Name, text and place of each output column; [] where a star hides them."""
    sides = list(selects(tree))
    # of a union's output GoogleSQL takes the names of the first SELECT
    first = sides[0]
    if not first.expressions or any(column.is_star for column in first.expressions):
        return []
    items = _written(masked, first)
    columns = [_output(masked, column) for column in first.expressions]
    # sqlglot may read one column as two; a text at the wrong column is worse than none
    if len(items) == len(columns):
        columns = [
            replace(column, text=_without_alias(item), at=_place(source, item))
            for column, item in zip(columns, items, strict=True)
        ]
    return [
        replace(
            column,
            is_null=all(_is_null_at(side, index) for side in sides),
            # a pipe behind it may rename or compute the column anew
            is_only=len(sides) == 1 and not masked.has_pipes,
        )
        for index, column in enumerate(columns)
    ]


def selects(query: exp.Expr) -> Iterator[exp.Select]:
    """The SELECTs whose rows a query returns, from left to right: several for a union."""
    pending = [query]
    while pending:
        node = pending.pop()
        if isinstance(node, exp.Select):
            yield node
        elif isinstance(node, exp.SetOperation):
            # the left side last, as the list is taken from its end; a chain of unions leans left
            pending += [node.expression, node.this]
        elif isinstance(node.this, exp.Expr):
            pending.append(node.this)


def _output(masked: Masked, column: exp.Expr) -> Output:
    return Output(masked.name(column.output_name))


def _is_null_at(select: exp.Select, index: int) -> bool:
    if index >= len(select.expressions):
        return False
    value = select.expressions[index].unalias()
    # CAST(NULL AS STRING) is how a missing column gets its type
    while isinstance(value, (exp.Cast, exp.Paren)):
        value = value.this
    return isinstance(value, exp.Null)


def _written(masked: Masked, select: exp.Select) -> list[list[Token]]:
    """The tokens of each column, alias included."""
    # only names and literals know their line, and COUNT(*) has neither
    lines = [part.meta["line"] for part in select.expressions[0].walk() if "line" in part.meta]
    if not lines:
        return []
    start = _list_start(masked.tokens, min(lines) - 1)
    return [item for item in _items(masked.tokens[start:]) if item]


def _place(source: Source, item: Sequence[Token]) -> Position:
    return source.position(item[0].offset, item[-1].offset + len(item[-1].text))


def _list_start(tokens: Sequence[Token], index: int) -> int:
    """The index after the SELECT whose list holds the token."""
    depth = 0
    while index > 0:
        token = tokens[index]
        depth += token.has(")", "]") - token.has("(", "[")
        if depth <= 0 and token.has("SELECT"):
            break
        index -= 1
    # else DISTINCT would be the beginning of the first column's text
    while index + 1 < len(tokens) and tokens[index + 1].has("DISTINCT", "ALL"):
        index += 1
    return index + 1


def _items(tokens: Sequence[Token]) -> list[list[Token]]:
    items: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        if depth == 0 and token.has(*_LIST_ENDS):
            break
        depth += token.has("(", "[", "CASE") - token.has(")", "]", "END")
        if depth == 0 and token.has(","):
            items.append([])
        else:
            items[-1].append(token)
    return items


def _without_alias(item: list[Token]) -> str:
    # the text is offered in WHERE and in casts, where an alias cannot stand
    if len(item) > 2 and item[-2].has("AS"):
        item = item[:-2]
    elif len(item) > 1 and item[-1].kind in ("name", "quoted") and _is_bare_alias(item[-2]):
        item = item[:-1]
    return canonical(item)


def _is_bare_alias(before: Token) -> bool:
    return before.kind != "symbol" or before.has(")", "]")
