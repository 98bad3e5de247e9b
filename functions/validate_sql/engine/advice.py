"""What to write instead, for the things that BigQuery most often says of an analyst's query."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches

from functions.validate_sql.engine.signatures import MADE, mismatch

_Advice = Callable[[re.Match[str]], str]

_LITERALS = {
    "DATE": "DATE '2026-01-31'",
    "DATETIME": "DATETIME '2026-01-31 10:00:00'",
    "TIMESTAMP": "TIMESTAMP '2026-01-31 10:00:00+00'",
    "TIME": "TIME '10:00:00'",
}

_KNOWN: tuple[tuple[str, _Advice], ...] = (
    (r"Did you mean ([\w.`]+)", lambda m: f"Write {m[1]}"),
    (
        r"expression references column (\w+) which is neither grouped nor aggregated",
        lambda m: f"Add {m[1]} to GROUP BY, or take one value of it: ANY_VALUE({m[1]}) AS {m[1]}",
    ),
    (
        r"Column name (\w+) is ambiguous",
        lambda m: f"Say whose it is: o.{m[1]}, where o is the alias of its table",
    ),
    (
        r"Cannot access field (\w+) on a value with type ARRAY",
        lambda m: f"(SELECT item.{m[1]} FROM UNNEST(array_column) AS item LIMIT 1)",
    ),
    (
        r"(?i)No matching signature for operator [\s\S]*types: (?:STRING, .*DATE|DATE, .*STRING)",
        lambda m: (
            "A text is compared with a date: FORMAT_DATE('%Y%m%d', @start_date) for _TABLE_SUFFIX, "
            "PARSE_DATE('%Y-%m-%d', column) for a column of texts"
        ),
    ),
    (
        r"No matching signature for operator \S+ for argument types: (?:TIMESTAMP|DATETIME), DATE",
        lambda m: (
            "A moment is compared with a day. Take the day that it has where the shop is: "
            "DATE(column, 'Europe/Berlin') BETWEEN @start_date AND @end_date"
        ),
    ),
    (
        r"Could not cast literal .* to type (DATE|DATETIME|TIMESTAMP|TIME)\b",
        lambda m: f"Write it as {_LITERALS[m[1]]}",
    ),
    (
        r"does not support the (\w+) date part when the argument is TIMESTAMP",
        lambda m: f"Go by the calendar: TIMESTAMP(DATETIME_ADD(DATETIME(a), INTERVAL 1 {m[1]}))",
    ),
    (r"Invalid cast from (\w+)\S* to (\w+)", lambda m: _recast(m[1], m[2])),
    (
        r"EXTRACT from DATE does not support the (\w+) date part",
        lambda m: f"A day has no {m[1]}: take it from the column that holds the moment",
    ),
    (
        r"HAVING clause requires GROUP BY",
        lambda m: "Rows are kept by WHERE, groups by HAVING: write WHERE, or add a GROUP BY",
    ),
    (
        r"clause should return type BOOL",
        lambda m: "Write a condition: a > 0, a = 'x' or a IS NOT NULL",
    ),
    (
        r"Aggregations of aggregations are not allowed",
        lambda m: (
            "Make the inner one a step: WITH sums AS (SELECT SUM(total) AS total FROM ... GROUP BY "
            "client_id) SELECT MAX(total) AS value FROM sums"
        ),
    ),
    (
        r"Column (\w+) in SELECT \* (?:EXCEPT|REPLACE) list does not exist",
        lambda m: f"Remove {m[1]} from the list, or check its name",
    ),
    (
        r"Column (\w+) in USING clause not found",
        lambda m: f"Tie the tables by what each of them has: ON a.{m[1]} = b.id",
    ),
    (
        r"is out of SELECT column number range",
        lambda m: "Name the column in place of its number",
    ),
    (
        r"LIMIT expects a",
        lambda m: "Write a whole number, or best no LIMIT: a conversion needs all its rows",
    ),
    (
        r"Cannot access field (\w+) on a value with type STRING",
        lambda m: f"A text has no fields: JSON_VALUE(column, '$.{m[1]}') reads a document",
    ),
    (
        r"Operands of \S+ cannot be literal NULL",
        lambda m: "Nothing is equal to NULL: write a IS NULL, or a IS NOT NULL",
    ),
    (
        r"(?i)aggregate function \w+ not allowed in WHERE",
        lambda m: "Move the condition behind GROUP BY: HAVING COUNT(*) > 1",
    ),
    (
        r"(?i)(?:analytic|window) function not allowed in WHERE",
        lambda m: "Use QUALIFY: QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY created) = 1",
    ),
    (
        r"Values referenced in UNNEST must be arrays",
        lambda m: "UNNEST takes a REPEATED column; a single struct is read as column.field",
    ),
    (
        r"(?:Column|Queries in) .*(?:incompatible types|mismatched column count)",
        lambda m: "Let both sides of UNION ALL return the same columns: CAST(NULL AS STRING) AS x",
    ),
    (
        r"(?:Field name|Name) (\w+) (?:does not exist|not found inside)",
        lambda m: f"Check the path to {m[1]}; a repeated field needs UNNEST first",
    ),
    (
        r"Expected .* but got|Unexpected|Syntax error",
        lambda m: (
            "Look at the word named here and at the one before it: a comma, a bracket or an "
            "alias is missing or too much"
        ),
    ),
)


def _recast(source: str, wanted: str) -> str:
    by_text = f"CAST(CAST(a AS STRING) AS {wanted})"
    return f"Write {MADE.get((source, wanted), by_text)} for the column a"


def advice(message: str, columns: Iterable[str], written: Mapping[str, str] | None = None) -> str:
    """The text to write, or where to look, after what BigQuery says; `columns` are known names.

    `written` is what the query writes for each column of its output, by its name in lower case.
    """
    unknown = re.search(r"(Unrecognized name:|Field name) `?(\w+)", message)
    # WHERE is worked out before SELECT, so an alias of the output is unknown there
    if unknown and (text := (written or {}).get(unknown[2].lower())):
        return f"{unknown[2]} is named in SELECT, behind WHERE and JOIN: write {text} in its place"
    if unknown and "Did you mean" not in message:
        close = get_close_matches(unknown[2], sorted(set(columns)), n=1, cutoff=0.6)
        # the same name means that another table has it, which is no slip of the keys
        if close and close[0].lower() != unknown[2].lower():
            return f"Write {close[0]}"
        if unknown[1] != "Field name":
            return f"The tables have no column {unknown[2]}; check its name, or quote it as a text"
    # from the most special to the most general, as several patterns may fit
    for pattern, shown in _KNOWN:
        if match := re.search(pattern, message):
            return shown(match)
    return mismatch(message) or "Mend what BigQuery names here and send the query again"
