"""Which expression of a query fails on rows, on how many of them, and what their values look like.

BigQuery says only that a statement failed on some row. So each expression that may fail is worked
out by itself, over the rows that it is given, with everything else in its safe form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from common.bigquery.warehouse import Warehouse
from common.errors import ProductError
from common.guard.judge import Query
from common.model.findings import Finding, Position, found
from common.model.placeholders import something
from common.model.window import Window
from common.untyped import Row
from functions.validate_sql.profile.filters import asked
from functions.validate_sql.profile.pieces import Anatomy, Losses, Piece, Select, failing

MAXIMUM_PIECES = 12
"""Expressions that are worked out at most."""
MAXIMUM_SUSPECTS = 5
_SHAPES = 3
_SHAPE_LENGTH = 40
_EPOCHS = {"9" * 10: "SECONDS", "9" * 13: "MILLIS", "9" * 16: "MICROS"}
_NO_DAY = r"r'^\s*0+(?:[-/.: T]+0+)+Z?\s*$'"
"""What MySQL, and whatever exports it, writes for no date: 0000-00-00 00:00:00."""

Ask = Callable[[str], list[Row]]


class Rows(NamedTuple):
    """A query of the rows that an expression is given, without its columns."""

    before: str
    after: str
    given: str = ""
    """The author's columns, where GROUP BY 1 or QUALIFY may name them."""

    def of(self, columns: str) -> str:
        """The query of these columns."""
        return f"{self.before} SELECT {self.given}{columns} {self.after}".strip()


def check(
    query: Query,
    runner: Warehouse,
    own: Warehouse,
    window: Window,
    is_over: Callable[[], bool],
) -> list[Finding]:
    """A finding for each expression that fails on rows of the window; [] when none is found.

    Reads the rows of the window once for each SELECT with such expressions, and once for each
    finding.
    """

    ask = _asking(runner, own, window, is_over)
    anatomy = Anatomy(query.masked.tokens)
    counted = islice(_counted(anatomy, failing, ask), MAXIMUM_PIECES)
    return [_finding(query, anatomy, *it, ask) for it in counted]


def lost(
    query: Query,
    runner: Warehouse,
    own: Warehouse,
    window: Window,
    is_over: Callable[[], bool],
) -> list[Finding]:
    """A finding for each column whose safe form makes NULL of values that stand for something.

    Reads the rows of the window as `check` does, and only of queries with such columns.
    """
    ask = _asking(runner, own, window, is_over)
    anatomy = Losses(query.masked.tokens)
    counted = islice(_counted(anatomy, losing, ask), MAXIMUM_PIECES)
    # one text over the same rows loses the same values, however often it is written
    once = {(_written(anatomy, it[0].start, it[0].end), it[1]): it for it in [*counted][::-1]}
    return [_lost(query, anatomy, *it, ask) for it in [*once.values()][::-1]]


def _asking(runner: Warehouse, own: Warehouse, window: Window, is_over: Callable[[], bool]) -> Ask:
    def ask(sql: str) -> list[Row]:
        try:
            return [] if is_over() else asked(sql, runner, own, window)
        except ProductError:
            return []  # the engine lacks a function, or a part reads a row of the query outside

    return ask


def losing(piece: Piece, anatomy: Anatomy) -> str:
    """The condition under which a safe form makes NULL of what is no text for nothing."""
    value = f"CAST(({anatomy.text(*piece.operands[0])}) AS STRING)"
    is_there = f"{something(value).text} IS NOT NULL"
    return f"{failing(piece, anatomy)} AND {is_there} AND NOT REGEXP_CONTAINS({value}, {_NO_DAY})"


def suspected(failed: Finding, query: Query) -> Finding:
    """The finding of a failed row where no expression could be worked out alone: which may fail."""
    anatomy = Anatomy(query.masked.tokens)
    if not anatomy.pieces:
        return failed
    first = anatomy.pieces[0]
    start, last = anatomy.tokens[first.start], anatomy.tokens[first.end - 1]
    at = query.source.position(start.offset, last.offset + len(last.text))
    texts = [_written(anatomy, it.start, it.end) for it in anatomy.pieces[:MAXIMUM_SUSPECTS]]
    message = f"{failed.message} What can fail in the query: {'; '.join(dict.fromkeys(texts))}."
    fix = _fix(first, anatomy, ())
    return found("failing_row", message, fix if len(anatomy.pieces) == 1 else failed.fix, at=at)


def _counted(
    anatomy: Anatomy, condition: Callable[[Piece, Anatomy], str], ask: Ask
) -> Iterator[tuple[Piece, Rows, int, int]]:
    """Each piece of which the condition holds, the query of its rows, of how many of them it does,
    and how many there are.

    A piece within one that fails is the cause, and is reported alone.
    """
    causes: list[Piece] = []
    for rows, pieces in _groups(anatomy):
        conditions = {f"fails_{index}": condition(it, anatomy) for index, it in enumerate(pieces)}
        for name, total, number in _numbers(rows, conditions, ask):
            piece = pieces[int(name.rpartition("_")[2])]
            if not any(piece.start <= it.start and it.end <= piece.end for it in causes):
                causes.append(piece)
                yield piece, rows, number, total


def _groups(anatomy: Anatomy) -> Iterator[tuple[Rows, list[Piece]]]:
    """The pieces, innermost first, that are worked out over the same rows, with their query."""
    groups: dict[Rows, list[Piece]] = {}
    # the innermost is the cause, and there may not be time for all
    inner_first = sorted(anatomy.pieces, key=lambda it: it.end - it.start)
    for piece in inner_first[:MAXIMUM_PIECES]:
        select = anatomy.select_of(piece)
        if select is not None and (rows := _rows(piece, select, anatomy)) is not None:
            groups.setdefault(rows, []).append(piece)
    yield from groups.items()


def _rows(piece: Piece, select: Select, anatomy: Anatomy) -> Rows | None:
    """The rows that the piece is given; None when they are unclear."""
    clause = select.clause_of(piece.start)
    start, end = select.part("FROM")
    # a join's condition is worked out over rows that no SELECT returns
    if clause == "FROM" or not end:
        return None
    if isinstance(anatomy, Losses) and (outer := _outer(select, anatomy)):
        return _unnested(select, outer, anatomy)
    conditions = anatomy.conditions(select)
    # its own condition would hide the rows on which it fails; those of the days keep it cheap
    if clause == "WHERE":
        conditions = [
            (first, last)
            for first, last in conditions
            if not first <= piece.start < last
            and any(token.kind == "parameter" for token in anatomy.tokens[first:last])
        ]
    kept = " AND ".join(f"({_condition(it, anatomy)})" for it in conditions)
    after = f"{anatomy.text(start, end)} WHERE {kept or 'TRUE'}"
    clauses = _clauses(piece, select, anatomy)
    after += "".join(f" {anatomy.text(*select.part(word))}" for word in clauses)
    listed = anatomy.text(select.start + 1, start).rstrip(", ")
    return Rows(anatomy.prefix(select), after, f"{listed}, " if clauses else "")


def _clauses(piece: Piece, select: Select, anatomy: Anatomy) -> list[str]:
    """The clauses behind WHERE that decide which rows the piece is given."""
    words: tuple[str, ...] = ()
    if anatomy.is_of_groups(piece):
        words = ("GROUP", "HAVING")
    # a row fails whether it is kept or not, but one that is not kept loses nothing
    elif isinstance(anatomy, Losses) and "GROUP" not in select.clauses:
        words = ("QUALIFY",)
    return [word for word in words if word in select.clauses]


def _outer(select: Select, anatomy: Anatomy) -> Select | None:
    """The SELECT of whose rows this one reads an array, such as event_params, or None."""
    outer = anatomy.around(select)
    is_array = anatomy.tokens[select.part("FROM")[0] + 1].has("UNNEST")
    return outer if is_array and outer and outer.part("FROM")[1] else None


def _unnested(select: Select, outer: Select, anatomy: Anatomy) -> Rows:
    """The elements of the arrays of the rows of another SELECT."""
    conditions = [*anatomy.conditions(outer), *anatomy.conditions(select)]
    kept = " AND ".join(f"({_condition(it, anatomy)})" for it in conditions)
    start, end = select.part("FROM")
    array = anatomy.text(start + 1, end)
    from_ = anatomy.text(*outer.part("FROM"))
    return Rows(anatomy.prefix(outer), f"{from_} CROSS JOIN {array} WHERE {kept or 'TRUE'}")


def _condition(part: tuple[int, int], anatomy: Anatomy) -> str:
    of_days = any(token.kind == "parameter" for token in anatomy.tokens[slice(*part)])
    return anatomy.text(*part, keeps_days=of_days)


def _numbers(rows: Rows, conditions: dict[str, str], ask: Ask) -> Iterator[tuple[str, int, int]]:
    """For each condition that holds for any row: its name, all rows, and those for which it does.

    All at once; where the engine cannot say, one after the other.
    """
    answers = list(_counts(rows, conditions, ask))
    # one that the engine cannot work out fails the whole statement
    if not answers and len(conditions) > 1:
        for name, condition in conditions.items():
            answers += _counts(rows, {name: condition}, ask)
    yield from (it for it in answers if it[2])


def _counts(rows: Rows, conditions: dict[str, str], ask: Ask) -> Iterator[tuple[str, int, int]]:
    columns = ", ".join(f"({condition}) AS {name}" for name, condition in conditions.items())
    counted = ", ".join(f"COUNTIF({name}) AS {name}" for name in conditions)
    sql = f"SELECT COUNT(*) AS total, {counted} FROM ({rows.of(columns)})"
    for row in ask(sql):
        yield from ((name, row["total"], row[name]) for name in conditions)


def _finding(
    query: Query, anatomy: Anatomy, piece: Piece, rows: Rows, number: int, total: int, ask: Ask
) -> Finding:
    at, text = _at(query, anatomy, piece), _written(anatomy, piece.start, piece.end)
    shapes = _shapes(piece, anatomy, failing, rows, ask)
    message = f"{text} {_deed(piece)} in {number:,} of {total:,} rows of the last 30 days"
    return found("failing_row", message + _like(shapes), _fix(piece, anatomy, shapes), at=at)


def _lost(
    query: Query, anatomy: Anatomy, piece: Piece, rows: Rows, number: int, total: int, ask: Ask
) -> Finding:
    at, text = _at(query, anatomy, piece), _written(anatomy, piece.start, piece.end)
    shapes = _shapes(piece, anatomy, losing, rows, ask)
    select = anatomy.select_of(piece)
    is_inner = select is not None and anatomy.is_inner(select)
    rows_read = "rows of the last 30 days" + " that its SELECT reads" * is_inner
    message = f"{text} makes NULL of a value in {number:,} of {total:,} {rows_read}"
    value = _written(anatomy, *piece.operands[0])
    fix = f"Read these forms of {value} as well, or leave such rows out in WHERE"
    return found("lost_values", message + _like(shapes), fix, at=at)


def _at(query: Query, anatomy: Anatomy, piece: Piece) -> Position:
    first, last = anatomy.tokens[piece.start], anatomy.tokens[piece.end - 1]
    return query.source.position(first.offset, last.offset + len(last.text))


def _like(shapes: Sequence[str]) -> str:
    if not shapes:
        return "."
    return f", for values like {', '.join(shapes)} (a is a letter, 9 a digit)."


def _deed(piece: Piece) -> str:
    if piece.kind in ("divide", "DIV", "MOD"):
        return "divides by 0"
    return "reaches outside the array" if piece.kind == "index" else "fails"


def _shapes(
    piece: Piece,
    anatomy: Anatomy,
    condition: Callable[[Piece, Anatomy], str],
    rows: Rows,
    ask: Ask,
) -> list[str]:
    """The most frequent shapes of the values of which it holds, letters and digits masked."""
    if piece.kind in ("divide", "DIV", "MOD", "index"):
        return []
    value = anatomy.text(*piece.operands[0])
    text = f"LEFT(CAST(({value}) AS STRING), {_SHAPE_LENGTH})"
    shape = (
        rf"REGEXP_REPLACE(REGEXP_REPLACE({text}, r'\pL', 'a'), r'\pN', '9') AS shape, "
        f"({condition(piece, anatomy)}) AS fails"
    )
    sql = (
        f"SELECT shape, COUNT(*) AS number FROM ({rows.of(shape)}) "
        f"WHERE fails GROUP BY shape ORDER BY number DESC, shape LIMIT {_SHAPES}"
    )
    # the answer was staged, and a table has no order
    found = sorted(ask(sql), key=lambda row: (-row["number"], str(row["shape"])))
    return [f"'{row['shape']}'" for row in found]


def _fix(piece: Piece, anatomy: Anatomy, shapes: Sequence[str]) -> str:
    operands = [_written(anatomy, *part) for part in piece.operands]
    text = _written(anatomy, piece.start, piece.end)
    if piece.kind == "cast":
        return f"SAFE_CAST({operands[0]} AS {piece.type}) makes NULL of them"
    if piece.kind == "divide":
        return f"SAFE_DIVIDE({operands[0] or '...'}, {operands[1]}) makes NULL of them"
    if piece.kind in ("DIV", "MOD"):
        return f"Write NULLIF({operands[0]}, 0) for the divisor, which makes NULL of them"
    if piece.kind == "index":
        return f"{operands[0]}[SAFE_{piece.type}({operands[1]})] makes NULL of them"
    unit = next((_EPOCHS[shape.strip("'")] for shape in shapes if shape.strip("'") in _EPOCHS), "")
    if piece.kind.startswith("TIMESTAMP_") and unit:
        return f"TIMESTAMP_{unit}({operands[0]}): so many digits are {unit.lower()} since 1970"
    return f"SAFE.{text} makes NULL of them"


def _written(anatomy: Anatomy, start: int, end: int) -> str:
    """The tokens as their author wrote them, on one line."""
    parts = (f"{' ' * token.after_gap}{token.text}" for token in anatomy.tokens[start:end])
    return " ".join("".join(parts).split())
