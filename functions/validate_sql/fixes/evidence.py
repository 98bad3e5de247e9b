"""Which reading of a column holds for every value, seen in the rows that are staged already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from common.bigquery.sql import Sql, identifier, join, template
from common.bigquery.warehouse import Warehouse
from common.errors import ProductError
from common.untyped import Row
from functions.validate_sql.fixes.candidates import Candidate
from functions.validate_sql.profile.profile import Answer


def reading(
    own: Warehouse, kept: Answer, column: str, candidates: Sequence[Candidate]
) -> Candidate | None:
    """The one reading that every value fits and none is lost by; None when none or several do."""
    if column not in kept.types or not candidates:
        return None
    held = _held(own, kept, column, candidates)
    sure = next((candidate for candidate in held if candidate.is_sure), None)
    families = {candidate.family or candidate.expression for candidate in held}
    return sure or (held[0] if len(families) == 1 else None)


def _held(
    own: Warehouse, kept: Answer, column: str, candidates: Sequence[Candidate]
) -> list[Candidate]:
    """The readings that keep every value; one that the engine cannot work out proves nothing."""
    is_text = kept.types[column] == "STRING"
    counts = [
        Sql(f"{count} AS {name}_{index}")
        for index, candidate in enumerate(candidates)
        for name, count in _counts(f"answer.{identifier(column)}", is_text, candidate)
    ]
    # all in one job, as each takes BigQuery about a second
    sql = template(__file__, counts=join(",\n  ", counts), answer=kept.table)
    try:
        row = next(iter(own.rows(sql, labels={"purpose": "validate"})))
    except ProductError:
        # one that fails hides what the others would have shown
        alone = [[candidate] for candidate in candidates] if len(candidates) > 1 else []
        return [held for one in alone for held in _held(own, kept, column, one)]
    return [
        candidate
        for index, candidate in enumerate(candidates)
        if _keeps(candidate, {name: row.get(f"{name}_{index}") for name in _COUNTED})
    ]


_COUNTED = ("present", "misfits", "lost", "before", "after", "drifts")


def _counts(value: str, is_text: bool, candidate: Candidate) -> Iterator[tuple[str, str]]:
    """What is counted of a reading, each with its name."""
    is_there = f"{value} IS NOT NULL"
    if is_text:
        # an empty cell of a sheet is no value
        is_there += f" AND TRIM({value}) != ''"
    # GROUP BY and DISTINCT take no array and no struct, but any value as a text
    distinct = f"TRIM({value})" if is_text else f"TO_JSON_STRING({value})"
    fits, excused = (text.replace("{}", value) for text in (candidate.fits, candidate.excused))
    read = f"IF({is_there} AND IFNULL({fits}, FALSE), {candidate.of(value)}, NULL)"
    lost = f"({candidate.of(value)}) IS NULL AND NOT IFNULL({excused}, FALSE)"
    yield "present", f"COUNTIF({is_there})"
    yield "misfits", f"COUNTIF({is_there} AND NOT IFNULL({fits}, FALSE))"
    # what does not fit is not worked out: it may make the expression fail
    yield "lost", f"COUNTIF({is_there} AND IF(IFNULL({fits}, FALSE), {lost}, FALSE))"
    yield "before", f"COUNT(DISTINCT IF({is_there}, {distinct}, NULL))"
    yield "after", f"COUNT(DISTINCT {read})"
    if candidate.keeps_sum:
        # by how much the sum of numbers would drift, rounding aside
        before, after = f"SUM(CAST({value} AS FLOAT64))", f"SUM({read})"
        yield "drifts", f"ABS({before} - IFNULL({after}, 0)) > 1e-9 * ABS({before})"


def _keeps(candidate: Candidate, counted: Row) -> bool:
    is_merged = candidate.keeps_apart and counted["after"] < counted["before"]
    is_whole = not counted["misfits"] and not counted["lost"] and not counted["drifts"]
    # of no values every reading holds, and tells nothing
    return bool(counted["present"]) and is_whole and not is_merged
