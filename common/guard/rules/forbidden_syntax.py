"""Forms that the token stream alone gives away: parameters, time travel, samples, recursion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from common.guard.reading.lexer import NOTHING, Token
from common.guard.reading.text import Source
from common.model.findings import Finding, found

# the only two that a run binds: any other would fail in BigQuery with less clear words
PARAMETERS = ("start_date", "end_date")


class _Problem(NamedTuple):
    code: str
    token: Token
    message: str
    fix: str
    replacement: str | None = None


def parameters(tokens: Sequence[Token]) -> frozenset[str]:
    """Names of the parameters that the query uses, in lower case, without @."""
    return frozenset(token.text[1:].lower() for token in tokens if token.kind == "parameter")


def check(source: Source, tokens: Sequence[Token]) -> list[Finding]:
    """Every form that is refused wherever it stands; one finding of a kind."""
    checks = (
        _unknown_parameters,
        _quoted_parameters,
        _word_forms,
        _tops,
        _metadata,
        _bare_wildcards,
        _select_as,
    )
    faults = [fault for check in checks for fault in check(tokens)]
    # reversed twice, so that the first of each code is kept and all stay in their order
    first = {fault.code: fault for fault in reversed(faults)}
    return [
        found(
            fault.code,
            fault.message,
            fault.fix,
            at=source.position(fault.token.offset),
            replacement=fault.replacement,
        )
        for fault in reversed(first.values())
    ]


def _unknown_parameters(tokens: Sequence[Token]) -> list[_Problem]:
    return [
        _Problem(
            "parameter",
            token,
            f"Nothing is known of a parameter {token.text}; a query is given @start_date and "
            "@end_date, both of type DATE and both included.",
            "Use these two, or write the value itself.",
        )
        for token in tokens
        if token.kind == "parameter" and token.text[1:].lower() not in PARAMETERS
    ]


def _quoted_parameters(tokens: Sequence[Token]) -> list[_Problem]:
    """'@start_date', which is a text of eleven letters that no row holds."""
    return [
        _Problem(
            "parameter",
            token,
            f"{token.text} is a text: between quotes no parameter is filled in.",
            token.text[1:-1],
            token.text[1:-1],
        )
        for token in tokens
        if token.kind == "string" and token.text[1:-1].lower() in _IN_TEXTS
    ]


_IN_TEXTS = frozenset(f"@{name}" for name in PARAMETERS)


def _word_forms(tokens: Sequence[Token]) -> list[_Problem]:
    padded = [NOTHING, *tokens, NOTHING]
    return [
        _Problem(pair.code, word, pair.message, pair.fix)
        for before, word, after in zip(padded, tokens, padded[2:], strict=False)
        # behind a dot every word is a column
        if not before.has(".")
        for pair in _PAIRS.get(word.word, ())
        if pair.second in ("", after.word)
    ]


def _tops(tokens: Sequence[Token]) -> list[_Problem]:
    """SELECT TOP 10 and SELECT TOP (10); a column may be called top."""
    padded = [*tokens, NOTHING, NOTHING]
    return [
        _Problem(
            "other_dialect",
            top,
            "TOP is T-SQL.",
            "Write LIMIT at the end, or best neither: a conversion needs all its rows.",
        )
        for select, top, after, then in zip(
            padded, padded[1:], padded[2:], padded[3:], strict=False
        )
        if select.has("SELECT")
        and top.has("TOP")
        and (after.kind == "number" or (after.has("(") and then.kind == "number"))
    ]


def _select_as(tokens: Sequence[Token]) -> list[_Problem]:
    """SELECT AS may be followed by a type's name, which then looks like a column or a call."""
    faults = []
    padded = [NOTHING, NOTHING, *tokens, NOTHING, NOTHING]
    for index, token in enumerate(tokens, start=2):
        if not token.has("AS"):
            continue
        older, before, after, then = (padded[index + step] for step in (-2, -1, 1, 2))
        # o.select AS x is a column
        follows_select = (before.has("SELECT") and not older.has(".")) or (
            before.has("DISTINCT", "ALL") and older.has("SELECT", "|>")
        )
        # SELECT AS struct.field names a protocol buffer
        is_known = after.has("STRUCT", "VALUE") and not then.has(".", "AS", ",")
        if follows_select and not is_known:
            message = f"SELECT AS is followed by STRUCT or VALUE, not by {after.text}."
            faults.append(_Problem("unknown_form", token, message, "SELECT AS STRUCT a, b"))
    return faults


def _bare_wildcards(tokens: Sequence[Token]) -> list[_Problem]:
    """FROM project.dataset.events_* without backquotes: the star sticks to the name."""
    return [
        _Problem(
            "table_name",
            star,
            f"The wildcard {name.text}* needs backquotes around the whole path.",
            f"`project.dataset.{name.text}*`",
        )
        for name, star, after in zip(tokens, tokens[1:], [*tokens[2:], NOTHING], strict=False)
        if star.has("*")
        and not star.after_gap
        and name.kind == "name"
        # a * b has a gap or no underscore; events_* is how GA4's tables are written
        and name.text[-1] == "_"
        and (after.after_gap or after.kind == "symbol")
    ]


def _metadata(tokens: Sequence[Token]) -> list[_Problem]:
    return [
        _Problem(
            "metadata",
            token,
            f"{token.text} tells about tables; a conversion is made from rows of data.",
            "Name the tables themselves: FROM `project.dataset.table`",
        )
        for token in tokens
        if token.kind in ("name", "quoted") and _is_metadata(token.name.upper())
    ]


def _is_metadata(name: str) -> bool:
    parts = name.split(".")
    # both lie inside allowed datasets, whose check they pass
    return "INFORMATION_SCHEMA" in parts or any(part.startswith("__TABLES") for part in parts)


class _Pair(NamedTuple):
    """A word that is refused when this other word follows; "" is any."""

    second: str
    code: str
    message: str
    fix: str


_TIME_TRAVEL = (
    "time_travel",
    "FOR SYSTEM_TIME reads a table as it was; that works for seven days only, so the same run "
    "could not be repeated later.",
    "Read the table as it is; this product keeps the history of every conversion.",
)
_PRIVACY = (
    "unknown_form",
    "A privacy clause blurs or hides rows of its result; a conversion needs each of them.",
    "Remove it, or read a table that such a query has made.",
)
_PAIRS: dict[str, tuple[_Pair, ...]] = {
    "WITH": (
        _Pair(
            "RECURSIVE",
            "recursion",
            "A recursive query has no bound that could be known before it runs.",
            "Join a list of days: UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS day",
        ),
        _Pair("DIFFERENTIAL_PRIVACY", *_PRIVACY),
        _Pair("AGGREGATION_THRESHOLD", *_PRIVACY),
    ),
    "FOR": (_Pair("SYSTEM_TIME", *_TIME_TRAVEL), _Pair("SYSTEM", *_TIME_TRAVEL)),
    "TABLESAMPLE": (
        _Pair(
            "",
            "sample",
            "TABLESAMPLE reads other rows in every run, so conversions would come and go.",
            "Remove it; to read less, filter the partition column by @start_date and @end_date.",
        ),
    ),
}
