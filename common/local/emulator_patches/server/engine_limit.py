"""What DuckDB cannot run although BigQuery can gets the answer of BigQuery: 501, notImplemented.

Seen in 1.4.0: a function of GoogleSQL that DuckDB lacks, or a translation that DuckDB cannot read,
comes back as invalidQuery, as if the author of the query had made a mistake.
"""

from __future__ import annotations

import re

import duckdb
from bqemulator.domain.errors import UnsupportedFeatureError

from common.guard.rules.calls import allowed

_UNREADABLE = (duckdb.ParserException, duckdb.NotImplementedException, duckdb.InternalException)
_NO_FUNCTION = re.compile(r"Function with name \"?(\w+)\"? does not exist")
_NO_FORMAT = re.compile(
    "Failed to parse format specifier|Unimplemented type for cast"
    "|extract specifier .* not recognized"
)
_NO_SIGNATURE = re.compile(r"No function matches the given name and argument types '(\w+)\(")


def found(error: Exception) -> UnsupportedFeatureError | None:
    """The error as a limit of the engine, or None when the query may be at fault."""
    raw = str(error)
    function = _NO_FUNCTION.search(raw)
    signature = _NO_SIGNATURE.search(raw)
    if isinstance(error, _UNREADABLE) and "TimeZone" not in raw:
        what = "a construct that DuckDB cannot read"
    elif _NO_FORMAT.search(raw):
        what = "a format or a part of a date that DuckDB lacks"
    elif function and function[1].upper() in allowed():
        what = f"{function[1].upper()}, which DuckDB lacks"
    elif signature:
        what = f"{signature[1].upper()} in a form that DuckDB lacks"
    else:
        return None
    return UnsupportedFeatureError(f"The query uses {what}.", location="query")
