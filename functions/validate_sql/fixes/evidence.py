"""Which reading of a column holds for every value, seen in the rows that are staged already."""

from __future__ import annotations

from collections.abc import Sequence

from common.bigquery.sql import Sql, identifier, join, template
from common.bigquery.warehouse import Warehouse
from common.errors import ProductError
from functions.validate_sql.fixes.candidates import Candidate
from functions.validate_sql.profile.profile import Answer


def reading(
    own: Warehouse, kept: Answer, column: str, candidates: Sequence[Candidate]
) -> Candidate | None:
    """The one reading that every value fits and none is lost by; None when none or several do."""
    if column not in kept.types or not candidates:
        return None
    held = [candidate for candidate in candidates if _holds(own, kept, column, candidate)]
    sure = next((candidate for candidate in held if candidate.is_sure), None)
    families = {candidate.family or candidate.expression for candidate in held}
    return sure or (held[0] if len(families) == 1 else None)


def _holds(own: Warehouse, kept: Answer, column: str, candidate: Candidate) -> bool:
    """Whether the reading keeps every value; one that the engine cannot work out proves nothing."""
    value = f"answer.{identifier(column)}"
    is_text = kept.types[column] == "STRING"
    is_there = f"{value} IS NOT NULL"
    if is_text:
        is_there += f" AND TRIM({value}) != ''"
    told_apart = f"TRIM({value})" if is_text else f"TO_JSON_STRING({value})"
    fits, excused = (text.replace("{}", value) for text in (candidate.fits, candidate.excused))
    read = f"IF({is_there} AND IFNULL({fits}, FALSE), {candidate.of(value)}, NULL)"
    lost = f"({candidate.of(value)}) IS NULL AND NOT IFNULL({excused}, FALSE)"
    counts = [
        Sql(f"COUNTIF({is_there}) AS present"),
        Sql(f"COUNTIF({is_there} AND NOT IFNULL({fits}, FALSE)) AS misfits"),
        # what does not fit is not worked out: it may make the expression fail
        Sql(f"COUNTIF({is_there} AND IF(IFNULL({fits}, FALSE), {lost}, FALSE)) AS lost"),
        Sql(f"COUNT(DISTINCT IF({is_there}, {told_apart}, NULL)) AS before"),
        Sql(f"COUNT(DISTINCT {read}) AS after"),
        *_sums(value, read, candidate),
    ]
    sql = template(__file__, counts=join(",\n  ", counts), answer=kept.table)
    try:
        row = next(iter(own.rows(sql, labels={"purpose": "validate"})))
    except ProductError:
        return False
    is_merged = candidate.keeps_apart and row["after"] < row["before"]
    is_whole = not row["misfits"] and not row["lost"] and not row.get("drift")
    return bool(row["present"]) and is_whole and not is_merged


def _sums(value: str, read: str, candidate: Candidate) -> list[Sql]:
    """By how much the sum of numbers would drift, rounding aside."""
    if not candidate.keeps_sum:
        return []
    before, after = f"SUM(CAST({value} AS FLOAT64))", f"SUM({read})"
    return [Sql(f"ABS({before} - IFNULL({after}, 0)) > 1e-9 * ABS({before}) AS drift")]
