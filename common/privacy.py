"""What of a person's data may leave a row: the one door to masking, for values and for messages.

`shown` masks a value before it is answered, `masked` a text in which people may be named, and
`without_values` the warehouse's own words, which quote the value on which a statement failed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from typing import Any

HIDDEN = "•••"

# Possessive, and begun only where no letter of an address precedes: a value of a megabyte without @
# takes its length in steps, not the square of it. An address in a link is written with %40.
_EMAIL = re.compile(
    r"(?:(?<![\w.%+'-])|(?<=%40))(?:[\w.+'-]|%(?!40))++(?:@|%40)[\w-]++(?:\.[\w-]++)+"
)
# Without + or a separator, digits are more often an order's number than a telephone's. North
# American numbers have neither + nor 0, and are known by their groups NXX-NXX-XXXX, N from 2 to 9
# (North American Numbering Plan, nanpa.com).
_PHONE = re.compile(
    r"(?<!\w)(?<!\d\.)(?:\+\d[\d ()./-]{6,}\d|\(?0\d+\)?[ /-][\d ()/-]{5,}\d"
    r"|(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[ .-])[2-9]\d{2}[ .-]\d{4})(?!\w|\.\d)"
)
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
    """A value of a row as JSON, masked; `name` is its column, with those of the records around it.

    A whole number beyond 2^53 is a text, as a browser would round it (RFC 8259, section 6).
    """
    if isinstance(value, Mapping):
        key = str(value["key"]) if {"key", "value"} <= set(value) else ""
        return {
            # the keys of a JSON value are data as well
            masked(str(field)): shown(part, f"{name}.{key if field == 'value' else ''}.{field}")
            for field, part in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [shown(part, name) for part in value]
    if value is None or isinstance(value, (bool, int, float)):
        return _shown_number(value, name)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    # JSON has no decimals
    if isinstance(value, Decimal):
        return float(value)
    # bytes cannot be searched for an address, and JSON has no form for them
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return HIDDEN if _PRIVATE_NAMES.search(name) and str(value) else masked(str(value))


def without_values(message: str) -> str:
    """What the warehouse says of a statement that failed on rows, without a value of any row.

    Only words that are known to be the warehouse's own are kept, so that a message of an unknown
    form tells no more than that the statement failed.
    """
    said = _PREAMBLE.sub("", message.strip(), count=1)
    for pattern, words in _known():
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
# a name that is no type may be a part of the value
_TYPE = (
    r"(?:BOOL(?:EAN)?|U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER|8|16|32|64)?|FLOAT(?:32|64)?|DOUBLE"
    r"|(?:BIG)?(?:NUMERIC|DECIMAL)|STRING|VARCHAR|BYTES|BLOB|DATE(?:TIME)?|TIME(?:STAMP(?:TZ)?)?"
    r"|INTERVAL|JSON|UUID|RANGE|GEOGRAPHY)"
)
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
    rf"({_TYPE} (?:overflow|out of range))\b",
    r"(Array index) .*(?:out of bounds)",
    r"(Array cannot have a null element)",
    r"(Scalar subquery produced more than one element)",
    r"(UPDATE/MERGE must match at most one source row)",
    r"(Floating point error in function)",
    # what our own statements refuse by ERROR: common/identity/keys.py
    r"(rows without person_key)\b",
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


@cache
def _known() -> tuple[tuple[re.Pattern[str], str], ...]:
    """What a message's words are known by, and what is shown of them; compiled where one fails."""
    # the kind that shows a type comes first: the opening alone would match it too
    of_types = (rf"(Could not (?:cast|convert)) .*['\"] to (?:type )?({_TYPE})\b",)
    return tuple(
        (re.compile(pattern, re.IGNORECASE), words)
        for words, patterns in (
            (rf"\1 {HIDDEN} to \2", of_types),
            (rf"\1 {HIDDEN}", _OF_VALUES),
            (r"\1", _OF_NONE),
        )
        for pattern in patterns
    )


def _shown_number(value: float | None, name: str) -> float | str | None:
    if value is not None and _PRIVATE_NAMES.search(name):
        return HIDDEN
    return str(value) if isinstance(value, int) and abs(value) > 2**53 else value


def _masked_email(match: re.Match[str]) -> str:
    local, domain = re.split("@|%40", match[0], maxsplit=1)
    return f"{local[0]}{HIDDEN}@{domain[0]}{HIDDEN}.{domain.rpartition('.')[2]}"
