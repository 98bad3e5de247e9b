"""A script that begins with DECLARE, written as the one SELECT that it is meant to be."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from common.guard.reading import lexer, text
from common.guard.reading.lexer import NOTHING, Token
from common.guard.reading.text import Source
from common.guard.rules import statement

_START = re.compile(r"start|from|begin|since|first|min", re.IGNORECASE)
_END = re.compile(r"end|until|last|max|(^|_)to($|_)", re.IGNORECASE)
_COMPACT = re.compile(r"^['\"]\d{8}['\"]$")
_DASHED = re.compile(r"^['\"]\d{4}-\d\d-\d\d['\"]$")


@dataclass(frozen=True)
class Variable:
    """A declared name, its type in capitals ("" when inferred) and its first value."""

    name: str
    type: str
    value: str


class _TooLongError(ValueError):
    """The query would be longer than any that is judged."""


def without_declare(sql: str) -> str:
    """The script's query with its variables replaced, line for line where it stood; "" if unclear.

    A start and an end date become @start_date and @end_date; every other variable becomes its
    default value.
    """
    source, faults = text.read(sql)
    tokens, unread = lexer.tokens(source)
    if faults or unread:
        return ""
    try:
        return _rewritten(source, _statements(tokens))
    except _TooLongError:
        return ""


def _rewritten(source: Source, parts: Sequence[Sequence[Token]]) -> str:
    declared = [part for part in parts if part[0].has("DECLARE", "SET")]
    queries = [part for part in parts if part[0].has(*statement.QUERY_STARTS)]
    if len(queries) != 1 or len(declared) + 1 != len(parts):
        return ""
    types: dict[str, str] = {}
    written: dict[str, str] = {}
    for part in declared:
        read = _declaration if part[0].has("DECLARE") else _assignment
        for variable in read(source.text, part, types, written):
            types[variable.name] = variable.type
            written[variable.name] = _replacement(variable)
    named = {token.text.lower() for token in queries[0] if token.kind == "name"}
    fields = {token.text.lower() for token, after in pairwise(queries[0]) if after.has(".")}
    if any(name in fields or (name in named and not value) for name, value in written.items()):
        return ""
    lines_before = source.text.count("\n", 0, queries[0][0].offset)
    return "\n" * lines_before + _replaced(source.text, queries[0], written)


def _statements(tokens: Sequence[Token]) -> list[list[Token]]:
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if token.has(";"):
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def _declaration(
    source: str, part: Sequence[Token], types: Mapping[str, str], written: Mapping[str, str]
) -> list[Variable]:
    """DECLARE name [, name] [type] [DEFAULT expression]; earlier variables may stand in it."""
    default = next((i for i, token in enumerate(part) if token.has("DEFAULT")), len(part))
    head = part[1:default]
    listed = (i for i, token in enumerate(head) if i == 0 or head[i - 1].has(","))
    last = max(listed, default=-1)
    names = [token.text.lower() for token in head[: last + 1] if token.kind == "name"]
    value = _replaced(source, part[default + 1 :], written)
    kind = lexer.canonical(head[last + 1 :]).upper()
    return [Variable(name, kind or _kind(value), value) for name in names]


def _assignment(
    source: str, part: Sequence[Token], types: Mapping[str, str], written: Mapping[str, str]
) -> list[Variable]:
    """SET name = expression."""
    if len(part) < 4 or not part[2].has("="):
        return []
    name = part[1].text.lower()
    return [Variable(name, types.get(name, ""), _replaced(source, part[3:], written))]


def _kind(value: str) -> str:
    word = value.upper()
    starts = ("DATE", "CURRENT_DATE", "PARSE_DATE")
    return "DATE" if word.startswith(starts) else "STRING" if word[:1] in "'\"" else ""


def _replacement(variable: Variable) -> str:
    is_start, is_end = bool(_START.search(variable.name)), bool(_END.search(variable.name))
    if is_start == is_end or not _is_date(variable):
        return f"({variable.value})" if " " in variable.value else variable.value
    day = "@start_date" if is_start else "@end_date"
    if variable.type == "STRING":
        style = "%Y-%m-%d" if _DASHED.match(variable.value) else "%Y%m%d"
        return f"FORMAT_DATE('{style}', {day})"
    if variable.type == "DATE":
        return day
    after = day if is_start else f"DATE_ADD({day}, INTERVAL 1 DAY)"
    return f"{variable.type}({after})"


def _is_date(variable: Variable) -> bool:
    if variable.type in ("DATE", "TIMESTAMP", "DATETIME"):
        return True
    value = variable.value
    is_text = variable.type == "STRING"
    return is_text and bool(
        _COMPACT.match(value) or _DASHED.match(value) or "FORMAT_DATE" in value.upper()
    )


def _replaced(source: str, query: Sequence[Token], written: Mapping[str, str]) -> str:
    """The text with each variable's value in its place, all else as it was.

    Raises _TooLongError: SET a = CONCAT(a, a) doubles a value, and the next one doubles it again.
    """
    if not query:
        return ""
    pieces: list[str] = []
    offset, size = query[0].offset, 0
    for before, token, after in zip([NOTHING, *query], query, [*query[1:], NOTHING], strict=False):
        is_variable = token.kind == "name" and token.text.lower() in written
        if is_variable and not before.has(".", "AS") and not after.has("(", "."):
            pieces += [source[offset : token.offset], written[token.text.lower()]]
            offset = token.offset + len(token.text)
            size += len(pieces[-2]) + len(pieces[-1])
            if size > text.MAXIMUM_BYTES:
                raise _TooLongError
    last = query[-1]
    return "".join([*pieces, source[offset : last.offset + len(last.text)]])
