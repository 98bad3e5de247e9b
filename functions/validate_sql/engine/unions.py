"""Columns that a UNION puts into one another: it ties them by their place, not by their name.

Source: cloud.google.com/bigquery/docs/reference/standard-sql/query-syntax#set_operators.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import count

from sqlglot import exp

from common.guard.judge import Query
from common.guard.names import outputs
from common.guard.reading.mask import Masked
from common.model.findings import Finding, found
from functions.validate_sql.engine.explain import outermost


def check(query: Query, wanted: Collection[str]) -> list[Finding]:
    """A finding for each UNION of the outermost query that gives a wanted column another's values.

    `wanted` are names in lower case.
    """
    tokens = query.masked.tokens
    places = [at for at in outermost(tokens) if tokens[at].has("UNION")]
    sides = [_names(query.masked, side) for side in outputs.selects(query.tree)]
    # with INTERSECT or nested unions it is unclear which SELECT stands behind which word
    if len(sides) != len(places) + 1 or query.masked.has_pipes:
        return []
    return [
        _finding(query, place, *crossed, sides[0], side)
        for place, side in zip(places, sides[1:], strict=True)
        if not tokens[place + 2].has("BY", "CORRESPONDING", "STRICT")
        and (crossed := _crossed(sides[0], side, wanted))
    ]


def _names(masked: Masked, select: exp.Select) -> list[str]:
    """The names of its columns in lower case, "" where there is none; [] behind a star."""
    if any(column.is_star for column in select.expressions):
        return []
    return [masked.name(column.output_name).lower() for column in select.expressions]


def _crossed(
    first: Sequence[str], side: Sequence[str], wanted: Collection[str]
) -> tuple[str, str] | None:
    """A wanted column, and the name of the one whose values it is given."""
    for place, wants, gets in zip(count(), first, side, strict=False):
        # only where the side has the column too: another name alone may be how the author calls it
        if wants in wanted and wants != gets and wants in side and side[place]:
            return wants, gets
    return None


def _finding(
    query: Query, place: int, wants: str, gets: str, first: Sequence[str], side: Sequence[str]
) -> Finding:
    tokens = query.masked.tokens
    operator, kind = tokens[place], tokens[place + 1]
    is_same = len(first) == len(side) and set(first) == set(side) and len(set(first)) == len(first)
    text = f"{operator.text} {kind.text} BY NAME"
    return found(
        "crossed_columns",
        f"{operator.text} ties columns by their place, so {gets} of the SELECT behind it becomes "
        f"{wants}.",
        text if is_same else f"Select the columns in this order: {', '.join(filter(None, first))}",
        at=query.source.position(operator.offset, kind.offset + len(kind.text)),
        replacement=text if is_same else None,
        field=wants,
    )
