"""Texts that stand where nothing is known, and the SQL that reads them as NULL.

Source: support.google.com/analytics/answer/13504892 for GA4's own `(not set)`, `(none)` and
`(redacted)`; the others are what scripts and unfilled macros leave behind.
"""

from __future__ import annotations

import re

from common.bigquery.sql import Sql, fill

NOTHING = [
    "", "(not set)", "(none)", "(redacted)", "(data deleted)", "<other>", "(other)", "undefined",
    "null", "nan", "n/a", "none", "-",
]  # fmt: skip
"""No name of anything: a city, a page, a currency."""

NOBODY = [*NOTHING, "0", "anonymous"]
"""No id of anybody or anything either."""

UNKNOWN_SOURCE = [text for text in NOTHING if text not in ("(not set)", "(none)")]
"""No source, medium or campaign; `(not set)` and `(none)` are answers of GA4 there."""

_MACRO = r"\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__"
# macros that nobody filled, {gclid} or __CLICKID__, also as an address encodes them; ids have no
# length by which to know them
_NO_CLICK = r".*(?:[{}\[\]()<>\s]|%(?:7b|7d|5b|5d|28|29|3c|3e|25|%|20.)).*|__.*__"


def somebody(id: str | Sql) -> Sql:
    """The id without blanks around it, or NULL for a text that stands where an id should be."""
    return _unless(id, NOBODY, _MACRO)


def something(name: str | Sql) -> Sql:
    """The name without blanks around it, or NULL for a text that names nothing."""
    return _unless(name, NOTHING, _MACRO)


def source(name: str | Sql) -> Sql:
    """A source, medium or campaign, or NULL; GA4's own `(not set)` and `(none)` stay."""
    return _unless(name, UNKNOWN_SOURCE, _MACRO)


def click(id: str | Sql) -> Sql:
    """The decoded click id, its letters as they are, or NULL for a text that is no click id."""
    return _unless(fill("TRIM({{ id }})", id=id), NOBODY, _NO_CLICK)


def is_no_click(id: str | Sql) -> Sql:
    """Whether the text, as it stands in an address, is no click id."""
    return _is(id, NOBODY, _NO_CLICK)


def _unless(text: str | Sql, words: list[str], pattern: str) -> Sql:
    return fill(
        "IF({{ is_none }}, NULL, TRIM({{ text }}))", is_none=_is(text, words, pattern), text=text
    )


def _is(text: str | Sql, words: list[str], pattern: str) -> Sql:
    return fill(
        # one pass over the text and no comparison a word: it runs for many columns of each event
        "REGEXP_CONTAINS({{ text }},"
        " r'(?i)^{{ blanks }}(?:{{ listed }}|{{ pattern }}){{ blanks }}$')",
        text=text,
        blanks=r"[\s\p{Z}]*",
        listed="|".join(map(_escaped, words)),
        pattern=pattern,
    )


def _escaped(word: str) -> str:
    return re.sub(r"([()\[\]])", r"\\\1", word)
