"""What of a person's data may leave a row: the one door to masking, for values and for messages.

`shown` masks a value before it is answered, `masked` a text in which people may be named, and
`without_values` the warehouse's own words, which quote the value on which a statement failed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

HIDDEN = "•••"

_EMAIL = re.compile(r"[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
# Without + or a separator, digits are more often an order's number than a telephone's.
_PHONE = re.compile(r"(?<![\w.])(?:\+\d[\d ()./-]{6,}\d|\(?0\d+\)?[ /-][\d ()/-]{5,}\d)(?![\w.])")
_TOKEN = re.compile(
    r"""
    \beyJ[\w-]{8,}(?:\.[\w-]+){0,2}                                      # JSON Web Token, RFC 7519
    | \b(?:sk|pk|rk|pat|ghp|gho|ghs|glpat|xox[abprs]|shpat|ya29|AIza|AKIA)[-_.]?[A-Za-z0-9_-]{12,}
    | (?i:\bbearer)\s+[\w.~+/-]{8,}=*
    """,
    re.VERBOSE,
)
_PRIVATE_NAMES = re.compile(
    r"e?_?mail|phone|mobile|telephone|\btel\b|first_?name|last_?name|surname|full_?name|ip_address"
    r"|password|secret|api_?key|access_?token|refresh_?token",
    re.IGNORECASE,
)


def masked(text: str) -> str:
    """The text with every e-mail address, telephone number and access token in it hidden."""
    return _TOKEN.sub(HIDDEN, _PHONE.sub(HIDDEN, _EMAIL.sub(_masked_email, text)))


def shown(value: Any, name: str = "") -> Any:
    """A value of a row as JSON, masked; `name` is its column or the key of its parameter."""
    if isinstance(value, Mapping):
        key = str(value["key"]) if {"key", "value"} <= set(value) else ""
        return {
            field: shown(part, key if key and field == "value" else field)
            for field, part in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [shown(part, name) for part in value]
    if value is None or isinstance(value, (bool, int, float)):
        return _shown_number(value, name)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return HIDDEN if _PRIVATE_NAMES.search(name) and str(value) else masked(str(value))


def without_values(message: str) -> str:
    """What the warehouse says of a statement that failed on rows, without a value of any row.

    Only words that are known to be the warehouse's own are kept, so that a message of an unknown
    form tells no more than that the statement failed.
    """
    said = _PREAMBLE.sub("", message.strip(), count=1)
    for pattern, words in _KNOWN:
        if match := pattern.match(said):
            return masked(match.expand(words))
    return UNKNOWN


UNKNOWN = "BigQuery could not finish the statement on some row"

_PREAMBLE = re.compile(
    r"(?:\d{3} )?(?:(?:Query execution failed|Query error|Invalid Input Error|Conversion Error"
    r"|Out of Range Error|Error while reading data, error message): ?)*"
)
_NAME = r"`?[A-Za-z_][\w.-]{0,99}`?"
_PATH = r"[\w.:-]+(?:\.[\w$*-]+)*"
_PLACE = r"(?: at \[\d+:\d+\])?"
_OF_VALUES = (
    r"(Bad \w+ value)\b",
    r"(Invalid (?:timestamp|date|datetime|time|interval|json|range|time zone|base64|hex|UTF-?8))\b",
    r"(Invalid input to \w+)",
    r"(Could not (?:cast|convert|parse))\b",
    r"(Failed to parse input string)\b",
    r"(Cannot parse regular expression)\b",
    r"(Mismatch between format character '%\w' and string character)",
)
"""Openings of BigQuery's after which it quotes a value."""
_OF_NONE = (
    r"(division by zero)\b",
    r"(\w+ (?:overflow|out of range))\b",
    r"(Array index) .*(?:out of bounds)",
    r"(Array cannot have a null element)",
    r"(Scalar subquery produced more than one element)",
    r"(UPDATE/MERGE must match at most one source row)",
    r"(Floating point error in function)",
    rf"(Unrecognized name: {_NAME}{_PLACE})$",
    rf"(Field name {_NAME} does not exist[\w ]*{_PLACE})$",
    rf"(Not found: (?:Table|Dataset|Job|View) {_PATH})",
    rf"(Table {_PATH} (?:was not found|does not exist|has schema changes))",
    r"(Query exceeded limit for bytes billed: \d+\. \d+ or higher required)",
    r"(Resources exceeded during query execution: Too many DML statements outstanding against table"
    rf" {_PATH}, limit is \d+)",
    r"(Resources exceeded during query execution)",
    r"(Too many partitions produced by query, allowed \d+, query produces at least \d+ partitions)",
    r"(Too many query parameters: \d+; the limit is \d+)",
    r"(The query is too large\. The maximum standard SQL query length is [\d.]+K characters)",
    r"(The view query is too large: \d+ characters; the limit is \d+K characters)",
    r"((?:Job|Operation) timed out after [\d.]+ ?(?:seconds|minutes|hours|s)\b)",
    r"(The query uses [\w ,.()]+ that DuckDB (?:cannot read|lacks))",
    r"(The query uses \w+, which DuckDB lacks)",
    r"(Could not serialize access to table \S+ due to concurrent update)",
    r"(Too many DML statements|Exceeded rate limits|(?:Custom )?Quota exceeded)",
    r"(An internal error occurred|Backend error|Internal error|Service Unavailable)",
    r"(Duplicate column names in the result are not supported)",
    rf"(Syntax error){_PLACE}",
    r"(Cannot query over table '[\w.:*-]+' without a filter)",
    r"(JSON parsing error in row)",
)
"""What BigQuery says of names, sizes and time, in which no row's value stands."""
# the kind that shows a type comes first: the opening alone would match it too
_KNOWN = tuple(
    (re.compile(pattern, re.IGNORECASE), words)
    for words, patterns in (
        (rf"\1 {HIDDEN} to \2", (r"(Could not (?:cast|convert)) .*['\"] to (?:type )?(\w+)",)),
        (rf"\1 {HIDDEN}", _OF_VALUES),
        (r"\1", _OF_NONE),
    )
    for pattern in patterns
)


def _shown_number(value: float | None, name: str) -> float | str | None:
    return HIDDEN if value is not None and _PRIVATE_NAMES.search(name) else value


def _masked_email(match: re.Match[str]) -> str:
    local, _, domain = match[0].partition("@")
    return f"{local[0]}{HIDDEN}@{domain[0]}{HIDDEN}.{domain.rpartition('.')[2]}"
