"""A script of variables and temporary tables, written as the one SELECT that it is meant to be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from common.guard.reading import lexer, text
from common.guard.reading.lexer import NOTHING, Token
from common.guard.reading.text import Source
from common.guard.rules import statement
from functions.validate_sql.fixes.apply import Edit, Edited

_START = re.compile(r"start|from|begin|since|first|min", re.IGNORECASE)
# "to" as a word of its own, or it would be found in total and store
_END = re.compile(r"end|until|last|max|(^|_)to($|_)", re.IGNORECASE)
_COMPACT = re.compile(r"^['\"]\d{8}['\"]$")
_DASHED = re.compile(r"^['\"]\d{4}-\d\d-\d\d['\"]$")

_CLOSED = re.compile(
    r"""\w*|'[^'\\]*'|"[^"\\]*"|[\w.]+\([^()]*\)|\[[^\[\]()]*\]|\([^()]*\)""", re.DOTALL
)
"""Values that mean the same wherever they stand: a word or none, a text, a call, a list."""


@dataclass(frozen=True)
class Variable:
    """A declared name, its type in capitals ("" when inferred) and its first value."""

    name: str
    type: str
    value: str


class _TooLongError(ValueError):
    """The query would be longer than any that is judged."""


def as_query(sql: str) -> Edited | None:
    """The script as one query, each part on the lines where it stood; None if that is unclear.

    A start and an end date become @start_date and @end_date, every other variable its value; a
    temporary table becomes a step of WITH, and CREATE TABLE or VIEW ... AS the query behind it.
    """
    source, faults = text.read(sql)
    tokens, unread = lexer.tokens(source)
    if faults or unread:
        return None
    try:
        return _rewritten(source, _statements(tokens))
    except _TooLongError:
        return None


def _rewritten(source: Source, parts: Sequence[Sequence[Token]]) -> Edited | None:
    declared = [part for part in parts if part[0].has("DECLARE", "SET")]
    steps = [part for part in parts if _is_step(part)]
    names = {part[_name_index(part)].name.lower() for part in steps}
    dropped = [part for part in parts if part[0].has("DROP") and part[-1].name.lower() in names]
    queries = [part for part in parts if part[0].has(*statement.QUERY_STARTS)]
    if len(parts) == 1 and not queries and (behind := _query_behind(parts[0])):
        return Edited(source, tuple(_before(source, parts[0][0], behind, "")))
    known = len(declared) + len(steps) + len(dropped) + 1
    # a loop, an IF or a second query has no form as one SELECT
    if len(queries) != 1 or known != len(parts) or not (declared or steps):
        return None
    written = _variables(source, declared)
    read = [*steps, queries[0]]
    if any(_is_unclear(part, written) for part in read):
        return None
    edits = [edit for part in read for edit in _values(part, written)]
    edits += _of_statements(source, parts, steps, queries[0])
    if sum(len(edit.text) for edit in edits) > text.MAXIMUM_BYTES:
        raise _TooLongError
    return Edited(source, tuple(sorted(edits, key=lambda edit: (edit.start, edit.end))))


def _variables(source: Source, declared: Sequence[Sequence[Token]]) -> dict[str, str]:
    """What to write for each variable of DECLARE and SET."""
    types: dict[str, str] = {}
    written: dict[str, str] = {}
    for part in declared:
        read = _declaration if part[0].has("DECLARE") else _assignment
        for variable in read(source.text, part, types, written):
            types[variable.name] = variable.type
            written[variable.name] = _replacement(variable)
    return written


def _is_unclear(part: Sequence[Token], written: Mapping[str, str]) -> bool:
    """Whether a variable without a value, or a field of one, is read; or a table of the session."""
    named = {token.text.lower() for token in part if token.kind == "name"}
    fields = {token.text.lower() for token, after in pairwise(part) if after.has(".")}
    has_gap = any(name in fields or (name in named and not it) for name, it in written.items())
    return has_gap or "_session" in named


def _is_step(part: Sequence[Token]) -> bool:
    """Whether a statement is CREATE TEMP TABLE name AS query."""
    is_temporary = part[0].has("CREATE") and any(
        token.has("TEMP", "TEMPORARY") for token in part[1:4]
    )
    return is_temporary and bool(_query_behind(part)) and _name_index(part) > 0


def _name_index(part: Sequence[Token]) -> int:
    """Where the name of CREATE ... TABLE name AS stands; 0 for a path, or anything else."""
    behind = next((i for i, token in enumerate(part) if token.has("AS")), 0)
    is_plain = behind > 2 and part[behind - 2].has("TABLE", "EXISTS")
    return behind - 1 if is_plain else 0


def _query_behind(part: Sequence[Token]) -> Token | None:
    """The first token of the query of CREATE ... AS query."""
    is_made = part[0].has("CREATE") and any(token.has("TABLE", "VIEW") for token in part[1:5])
    found = (
        after
        for before, after in pairwise(part)
        if before.has("AS") and after.has(*statement.QUERY_STARTS)
    )
    return next(found, None) if is_made else None


def _of_statements(
    source: Source,
    parts: Sequence[Sequence[Token]],
    steps: Sequence[Sequence[Token]],
    query: Sequence[Token],
) -> Iterator[Edit]:
    """What takes the place of heads and ends of statements."""
    for part, after in zip(parts, [*parts[1:], None], strict=True):
        end = after[0].offset if after else len(source.text)
        last = part[-1].offset + len(part[-1].text)
        if part in steps:
            opening = "WITH" if part is steps[0] else ","
            name = part[_name_index(part)].text
            behind = _query_behind(part)
            assert behind
            yield from _before(source, part[0], behind, f"{opening} {name} AS (")
            yield Edit(last, end, ")" + _lines(source, last, end))
        elif part is query:
            if steps and part[0].has("WITH"):
                yield Edit(part[0].offset, part[0].offset + len(part[0].text), ",")
            elif steps:
                yield Edit(part[0].offset, part[0].offset, " ")
            yield Edit(last, len(source.text), "")
            return
        else:
            yield Edit(part[0].offset, end, _lines(source, part[0].offset, end))


def _before(source: Source, first: Token, query: Token, opening: str) -> Iterator[Edit]:
    """The head of a statement, from its first word to its query, replaced."""
    gone = _lines(source, first.offset, query.offset)
    yield Edit(first.offset, query.offset, gone + opening)


def _lines(source: Source, start: int, end: int) -> str:
    return "\n" * source.text.count("\n", start, end)


def _values(query: Sequence[Token], written: Mapping[str, str]) -> Iterator[Edit]:
    """Each variable of a query replaced by what is written for it."""
    for before, token, after in zip([NOTHING, *query], query, [*query[1:], NOTHING], strict=False):
        is_variable = token.kind == "name" and token.text.lower() in written
        # o.day is a column, and AS day an alias of the same name
        if is_variable and not before.has(".", "AS") and not after.has("(", "."):
            end = token.offset + len(token.text)
            yield Edit(token.offset, end, written[token.text.lower()])


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
    # neither or both, as in last_30_days_start: it is not clear which end of the period it is
    if is_start == is_end or not _is_date(variable):
        # total -d with -7 for d would begin a comment, and 1+2 for n in n*3 be another number
        return variable.value if _CLOSED.fullmatch(variable.value) else f"({variable.value})"
    day = "@start_date" if is_start else "@end_date"
    if variable.type == "STRING":
        style = "%Y-%m-%d" if _DASHED.match(variable.value) else "%Y%m%d"
        return f"FORMAT_DATE('{style}', {day})"
    if variable.type == "DATE":
        return day
    # the period of a TIMESTAMP ends at the midnight after its last day
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
    """The text of an expression with each variable's value in its place.

    Raises _TooLongError: SET a = CONCAT(a, a) doubles a value, and the next one doubles it again.
    """
    if not query:
        return ""
    pieces: list[str] = []
    offset = query[0].offset
    for edit in _values(query, written):
        pieces += [source[offset : edit.start], edit.text]
        offset = edit.end
    found = "".join([*pieces, source[offset : query[-1].offset + len(query[-1].text)]])
    if len(found) > text.MAXIMUM_BYTES:
        raise _TooLongError
    return found
