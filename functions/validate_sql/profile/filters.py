"""Which share of the rows each filter of a query keeps, and what was meant where one keeps none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from pydantic import BaseModel, Field

from common.bigquery.sql import template
from common.bigquery.warehouse import Warehouse
from common.guard.judge import Query, Verdict, judge
from common.guard.names.scope import Scope
from common.guard.reading.lexer import Token, canonical
from common.model.findings import Finding, Position, found
from common.model.window import Window
from common.privacy import HIDDEN
from common.untyped import Row
from functions.validate_sql.engine.explain import outermost
from functions.validate_sql.profile import profile as profiles

# each is one more column of a statement, and one more line for a person to read
MAXIMUM_FILTERS = 20
_LISTED = 5
_AFTER_WHERE: tuple[str, ...] = (
    "GROUP",
    "HAVING",
    "QUALIFY",
    "WINDOW",
    "ORDER",
    "LIMIT",
    "UNION",
    "EXCEPT",
)
_AFTER_WHERE += ("INTERSECT", "|>", "OR")


class Filter(BaseModel):
    """One condition of WHERE, and the share of the profiled days' rows that it removes."""

    text: str = Field(description="As the query writes it.")
    removed_share: float = Field(description="Of the rows before any filter but that of the days.")


@dataclass(frozen=True)
class Parts:
    """A query whose last SELECT has conditions: all before it, its FROM, and each condition."""

    before: tuple[Token, ...]
    from_: tuple[Token, ...]
    days: tuple[tuple[Token, ...], ...]
    """Conditions that a parameter ties to the days of a run."""
    filters: tuple[tuple[Token, ...], ...]

    def asking(self, columns: str) -> str:
        """The query of these columns over the rows of the days, no other filter applied."""
        where = " AND ".join(canonical(condition) for condition in self.days) or "TRUE"
        return f"{canonical(self.before)} SELECT {columns} {canonical(self.from_)} WHERE {where}"


def parts(query: Query) -> Parts | None:
    """The conditions that AND ties in the one last SELECT; None where there is no such WHERE."""
    tokens = query.masked.tokens
    places = list(outermost(tokens))
    words = {index: tokens[index].word for index in places}
    selects = [index for index, word in words.items() if word == "SELECT"]
    where = next((index for index, word in words.items() if word == "WHERE"), 0)
    from_ = next((index for index, word in words.items() if word == "FROM"), 0)
    # with a union there is no one FROM over which a condition could be counted
    if len(selects) != 1 or not selects[0] < from_ < where:
        return None
    end = next((i for i in places if i > where and words[i] in _AFTER_WHERE), len(tokens))
    # under OR a condition that removes many rows may still remove none of the whole
    if end < len(tokens) and words[end] in ("OR", "|>", "UNION", "EXCEPT", "INTERSECT"):
        return None
    conditions = list(_conditions(tokens, places, where + 1, end))
    days = tuple(it for it in conditions if any(token.kind == "parameter" for token in it))
    filters = tuple(it for it in conditions if it not in days)[:MAXIMUM_FILTERS]
    before, source = tuple(tokens[: selects[0]]), tuple(tokens[from_:where])
    return Parts(before, source, days, filters) if filters else None


def check(
    verdict: Verdict,
    runner: Warehouse,
    own: Warehouse,
    window: Window,
    is_over: Callable[[], bool],
) -> tuple[list[Filter], list[Finding]]:
    """The filters with their shares, and a finding for each that no row passes.

    Raises ProductError. The rows of the days are read once more, and again for each such finding.
    """
    known = parts(verdict.query) if verdict.query else None
    if known is None or is_over():
        return [], []
    counted = ", ".join(
        f"COUNTIF({canonical(condition)}) AS kept_{index}"
        for index, condition in enumerate(known.filters)
    )
    rows = asked(known.asking(f"COUNT(*) AS total, {counted}"), runner, own, window)
    total = rows[0]["total"] if rows else 0
    # a share of no rows says nothing; another finding says that there are none
    if not total:
        return [], []
    kept = [rows[0][f"kept_{index}"] for index in range(len(known.filters))]
    given = [
        Filter(text=canonical(condition).strip(), removed_share=1 - count / total)
        for condition, count in zip(known.filters, kept, strict=True)
    ]
    idle = [it for it, count in zip(known.filters, kept, strict=True) if not count]
    findings = [] if is_over() else [_idle(it, known, verdict, runner, own, window) for it in idle]
    return given, findings


def asked(sql: str, runner: Warehouse, own: Warehouse, window: Window) -> list[Row]:
    """The first rows of a query made of parts of the user's, which is judged like any other."""
    # put together from judged parts, and still a text that nobody has judged
    verdict = judge(sql, Scope.of(runner.settings))
    if not verdict.ok:
        return []
    with profiles.answer(runner, own, verdict, "conversion", window) as kept:
        return list(own.rows(template(__file__, "profile_sample", answer=kept.table)))


def _idle(
    condition: Sequence[Token],
    known: Parts,
    verdict: Verdict,
    runner: Warehouse,
    own: Warehouse,
    window: Window,
) -> Finding:
    """The finding for a condition that is true of no row, with the text that was meant."""
    assert verdict.query
    path, text = _compared(condition)
    values = _values(path, known, runner, own, window) if path and text else {}
    at = _place(verdict.query, condition)
    message = f"No row of the last 30 days passes the filter {canonical(condition).strip()}."
    if not values or text is None:
        return found("idle_filter", message, "Look at the values of its columns.", at=at)
    listed = ", ".join(f"{value!r} ({count:,})" for value, count in [*values.items()][:_LISTED])
    written = text.text[1:-1]
    close = get_close_matches(written, values, n=1, cutoff=0.6)
    message += f" The values are {listed}."
    if not close:
        return found("idle_filter", message, f"Write one of them: {path} = '...'", at=at)
    fix = f"Did you mean {close[0]!r}?"
    place = _place(verdict.query, [text])
    quote = text.text[0]
    # a value with quotes or backslashes would have to be escaped in the author's own style, and one
    # that is masked is not the value
    is_plain = not any(part in close[0] for part in (quote, "\\", HIDDEN))
    mended = f"{quote}{close[0]}{quote}" if is_plain else None
    return found("idle_filter", message, fix, at=place, replacement=mended)


def _compared(condition: Sequence[Token]) -> tuple[str, Token | None]:
    """The column and the text of column = 'text'; ("", None) for any other condition."""
    # only there does a value that was misspelt have a nearest one
    if len(condition) < 3 or not condition[-2].has("=") or condition[-1].kind != "string":
        return "", None
    left = condition[:-2]
    is_path = all(token.kind in ("name", "quoted") or token.has(".") for token in left)
    is_plain = condition[-1].text[0] in "'\"" and condition[-1].text[:3] not in ("'''", '"""')
    return (canonical(left).strip(), condition[-1]) if is_path and is_plain else ("", None)


def _values(
    path: str, known: Parts, runner: Warehouse, own: Warehouse, window: Window
) -> dict[str, int]:
    """The most frequent values of a column, masked, with their numbers of rows."""
    columns = f"CAST({path} AS STRING) AS value, COUNT(*) AS number"
    sql = f"{known.asking(columns)} GROUP BY 1 ORDER BY 2 DESC LIMIT 20"
    rows = asked(sql, runner, own, window)
    there = [row for row in rows if row["value"] is not None]
    # the answer was staged, and a table has no order
    there.sort(key=lambda row: (-row["number"], row["value"]))
    return profiles.counted((row["value"], row["number"]) for row in there)


def _place(query: Query, tokens: Sequence[Token]) -> Position:
    return query.source.position(tokens[0].offset, tokens[-1].offset + len(tokens[-1].text))


def _conditions(
    tokens: Sequence[Token], places: Sequence[int], start: int, end: int
) -> Iterator[tuple[Token, ...]]:
    """The conditions between the outermost ANDs; that of BETWEEN parts none."""
    in_between = False
    for index in places:
        if not start <= index < end:
            continue
        if tokens[index].has("BETWEEN"):
            in_between = True
        elif tokens[index].has("AND") and in_between:
            in_between = False
        elif tokens[index].has("AND"):
            yield tuple(tokens[start:index])
            start = index + 1
    yield tuple(tokens[start:end])
