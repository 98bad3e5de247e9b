"""What to write instead, for the things that BigQuery most often says of an analyst's query."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches

_Advice = Callable[[re.Match[str]], str]

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
        r"No matching signature for operator (\S+) for argument types: (\w+), (\w+)",
        lambda m: f"Compare equal types: CAST(a AS {m[3]}) {m[1]} b",
    ),
    (
        r"No matching signature for (?:aggregate )?function (\w+)",
        lambda m: f"Cast the argument to a type that {m[1]} takes: {m[1]}(SAFE_CAST(a AS FLOAT64))",
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
    return "Mend what BigQuery names here and send the query again"
