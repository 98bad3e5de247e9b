"""Faults in BigQuery's words, with the place in the statement as it was sent.

Seen in 1.4.0: messages speak of DuckDB's binder, of columns nearby and of a statement that nobody
wrote; only syntax errors say where they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import duckdb
from bqemulator.domain.errors import DomainError, InvalidQueryError
from bqemulator.jobs.error_mapper import translate_runtime_error

from common.local.emulator_patches.server import engine_limit

_Match = re.Match[str]
_GOOGLESQL = {"VARCHAR": "STRING", "DATE": "DATE"}
_WORDS: tuple[tuple[str, Callable[[_Match, str], str]], ...] = (
    (
        r'Referenced (?:column|table) "([^"]+)" (?:was )?not found',
        lambda match, sql: f"Unrecognized name: {match[1]}{_place(match[1], sql)}",
    ),
    (
        r'Table "[^"]+" does not have a column (?:with name|named) "([^"]+)"',
        lambda match, sql: f"Unrecognized name: {match[1]}{_place(match[1], sql)}",
    ),
    (
        r'Could not find key "([^"]+)" in struct',
        lambda match, sql: f"Field name {match[1]} does not exist{_place(match[1], sql)}",
    ),
    (
        r"Could not convert string "
        r"'((?:division by zero|Bad \w+ value|Invalid date|Array index).*)' to",
        lambda match, sql: match[1],
    ),
    (
        r"Cannot (?:mix|compare) values of type (VARCHAR|DATE) and (?:type )?(VARCHAR|DATE)\b",
        lambda match, sql: (
            "No matching signature for operator for argument types: "
            f"{_GOOGLESQL[match[1]]}, {_GOOGLESQL[match[2]]}"
        ),
    ),
    (
        r"Values were not provided for the following prepared statement parameters: (\w+)",
        lambda match, sql: f"Query parameter '{match[1]}' not found{_place(f'@{match[1]}', sql)}",
    ),
    (
        r'(?s)column "?([^"\s]+)"? must appear in the GROUP BY clause',
        lambda match, sql: (
            f"SELECT list expression references column {match[1].rpartition('.')[2]} which is"
            f" neither grouped nor aggregated{_place(match[1].rpartition('.')[2], sql)}"
        ),
    ),
)


@contextmanager
def as_bigquery_errors(sql: str, text: str, seconds: float | None = None) -> Iterator[None]:
    """Raises the emulator's errors for whatever goes wrong with DuckDB's text of a statement."""
    try:
        yield
    except DomainError:
        raise
    except duckdb.InterruptException as error:
        raise InvalidQueryError(f"Job timed out after {seconds:g} s.", location="query") from error
    except Exception as error:
        found = _in_words(error, sql) or engine_limit.found(error) or _shortened(error, text)
        raise found from error


def _in_words(error: Exception, sql: str) -> DomainError | None:
    for pattern, words in _WORDS:
        match = re.search(pattern, str(error))
        if match:
            return InvalidQueryError(words(match, sql), location="query")
    return None


def _shortened(error: Exception, text: str) -> DomainError:
    known: DomainError = translate_runtime_error(error, duckdb_sql=text)
    message = known.message.removeprefix("Query execution failed: ").partition("\nLINE ")[0].strip()
    known.message = message.partition("\n\n")[0]
    known.args = (known.message,)
    return known


def _place(name: str, sql: str) -> str:
    """Where the name first stands, as " at [line:column]"."""
    found = re.search(rf"(?<![\w`.])`?{re.escape(name)}`?(?!\w)", sql, re.IGNORECASE)
    found = found or re.search(rf"\b{re.escape(name)}\b", sql, re.IGNORECASE)
    if found is None:
        return ""
    before = sql[: found.start()]
    return f" at [{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}]"
