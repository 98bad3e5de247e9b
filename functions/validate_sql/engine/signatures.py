"""What to write where no operator or function takes values of these types.

BigQuery lists each signature with the first argument that does not fit it. Source of the words:
GoogleSQL's analyzer, zetasql/analyzer/function_signature_matcher.cc.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_NAMED = re.compile(r"No matching signature for (operator|(?:\w+ )?function) (.+?)(?=;|\s|$)")
_TYPES = re.compile(r"(?i)argument types:?\s+([^\n\[]+)")
_MISFIT = re.compile(r"Argument (\d+): Unable to coerce type (\w+)\S* to expected type (\w+)")
_NUMBERS = frozenset("INT64 FLOAT64 FLOAT32 NUMERIC BIGNUMERIC".split())
_MOMENTS = frozenset({"TIMESTAMP", "DATETIME"})
_SUMS = frozenset("SUM AVG ROUND ABS MIN MAX STDDEV".split())

MADE = {
    ("DATE", "STRING"): "FORMAT_DATE('%Y-%m-%d', a)",
    ("TIMESTAMP", "STRING"): "FORMAT_TIMESTAMP('%F %T', a, 'Europe/Berlin')",
    ("BYTES", "STRING"): "TO_HEX(a)",
    ("TIMESTAMP", "DATE"): "DATE(a, 'Europe/Berlin')",
    ("DATETIME", "DATE"): "DATE(a)",
    ("STRING", "DATE"): "PARSE_DATE('%Y-%m-%d', a)",
    ("DATE", "TIMESTAMP"): "TIMESTAMP(a, 'Europe/Berlin')",
    ("DATETIME", "TIMESTAMP"): "TIMESTAMP(a, 'Europe/Berlin')",
    ("STRING", "TIMESTAMP"): "TIMESTAMP(a)",
    ("INT64", "TIMESTAMP"): "TIMESTAMP_MICROS(a)",
    ("TIMESTAMP", "DATETIME"): "DATETIME(a, 'Europe/Berlin')",
    ("DATE", "DATETIME"): "DATETIME(a)",
    ("STRING", "BYTES"): "CAST(a AS BYTES)",
    ("STRING", "INT64"): "SAFE_CAST(a AS INT64)",
    ("STRING", "FLOAT64"): "SAFE_CAST(a AS FLOAT64)",
    ("STRING", "BOOL"): "a = 'yes'",
    ("INT64", "BOOL"): "a > 0",
    ("FLOAT64", "BOOL"): "a > 0",
    ("FLOAT64", "INT64"): "CAST(a AS INT64)",
    ("DATE", "INT64"): "UNIX_DATE(a)",
    ("TIMESTAMP", "INT64"): "UNIX_SECONDS(a)",
    ("INT64", "STRING"): "CAST(a AS STRING)",
    ("FLOAT64", "STRING"): "CAST(a AS STRING)",
    ("BOOL", "STRING"): "CAST(a AS STRING)",
}
"""From one type to another: the expression for a column a."""


def mismatch(message: str) -> str:
    """What to write, "" where BigQuery says something else than that no signature matches."""
    named = _NAMED.search(message)
    if not named:
        return ""
    found = _TYPES.search(message)
    types = _parted(found[1].partition(". ")[0]) if found else []
    if named[1] == "operator":
        return _of_operator(named[2], types)
    return _of_function(named[2], types, message)


def _of_operator(name: str, types: Sequence[str]) -> str:
    kinds = {re.split("[<(]", type_)[0] for type_ in types}
    if name in ("AND", "OR", "NOT"):
        return "Write conditions on both sides: a > 0, a = 'x' or a IS NOT NULL"
    if name == "CASE":
        return "Give each THEN and ELSE one type: CAST(a AS STRING)"
    if "ARRAY" in kinds:
        return "An array holds many values: 'x' IN UNNEST(column)"
    if name == "IN" or name.startswith("IN "):
        return "Let the list have the type of the column: IN ('1', '2') where it holds texts"
    if name == "LIKE":
        return "LIKE compares texts: CAST(a AS STRING) LIKE '5%'"
    if name == "||":
        return "Texts are joined: CAST(a AS STRING) || b"
    if name in ("+", "-", "*", "/"):
        if kinds & {"DATE", *_MOMENTS}:
            return (
                "DATE_ADD(day, INTERVAL 1 DAY) moves a day; DATE_DIFF(a, b, DAY) counts between two"
            )
        return f"Make numbers of texts: SAFE_CAST(a AS FLOAT64) {name} b"
    return _compared(name, types, kinds)


def _compared(name: str, types: Sequence[str], kinds: set[str]) -> str:
    if "DATE" in kinds and kinds & _NUMBERS:
        return f"A day is written in quotes: a {name} DATE '2026-01-31'"
    if kinds & _MOMENTS and kinds & _NUMBERS:
        return (
            f"A number becomes a moment by its unit: a {name} TIMESTAMP_SECONDS(b), _MILLIS or "
            "_MICROS"
        )
    if numbers := sorted(kinds & _NUMBERS):
        return f"Compare equal types: SAFE_CAST(a AS {numbers[0]}) {name} b"
    return f"Compare equal types: CAST(a AS {types[-1]}) {name} b" if types else ""


def _of_function(name: str, types: Sequence[str], message: str) -> str:
    if "expected array type" in message:
        return f"{name} takes an array: SPLIT(a, ',') makes one of a text"
    if "accepts at most" in message:
        one = "TO_JSON_STRING(STRUCT(a, b))"
        return (
            f"Make one value of several: COUNT(DISTINCT {one})"
            if name == "COUNT"
            else (f"{name} takes fewer values than it is given here")
        )
    if "common supertype" in message:
        return f"Give all values of {name} one type: CAST(a AS STRING)"
    misfits = _MISFIT.findall(message)
    if misfits:
        place, is_, _ = misfits[0]
        # each signature wants a type of its own in that place; 12.50 must not become a whole number
        wanted = [to for at, _, to in misfits if at == place]
        to = "FLOAT64" if "FLOAT64" in wanted else wanted[0]
        made = MADE.get((is_, to), f"CAST(a AS {to})")
        return f"{name} takes {to} where it is given {is_}: {made}"
    if name in _SUMS:
        return f"Cast the argument to a number: {name}(SAFE_CAST(a AS FLOAT64))"
    given = f" {', '.join(types)}" if types else " these types"
    return f"{name} does not take{given}: cast what does not fit, as in CAST(a AS STRING)"


def _parted(types: str) -> list[str]:
    """The types of a list; those of a struct stand between <> and are not parted."""
    found, depth = [""], 0
    for letter in types.strip():
        depth += (letter == "<") - (letter == ">")
        if letter == "," and not depth:
            found.append("")
        else:
            found[-1] += letter
    return [it.strip() for it in found if it.strip()]
