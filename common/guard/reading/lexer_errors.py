"""Why a place in the text cannot be read: templates, other dialects, quotes that curl."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from common.guard.reading.text import Source
from common.guard.reading.words import FOREIGN_TYPES
from common.model.findings import Finding, found

_CURLY = "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2032\u2033\u00ab\u00bb\u00b4"
_SHARDS = (
    "FROM `{0}.{1}*` WHERE _TABLE_SUFFIX BETWEEN FORMAT_DATE('%Y%m%d', @start_date) "
    "AND FORMAT_DATE('%Y%m%d', @end_date)"
)
_STRAIGHT = str.maketrans(_CURLY, '\'\'\'\'""""\'"""\'')


class Unreadable(NamedTuple):
    """What is said of a text that is no token, and what may stand there instead."""

    code: str
    message: str
    fix: str
    replacement: str | None = None
    """What a program may put in place of the text from `before` characters back to `after` on."""
    before: int = 0
    after: int = 0


def unreadable(source: Source, offset: int) -> Finding:
    """The finding for the first place of the text that is no token."""
    line_start = source.text.rfind("\n", 0, offset) + 1
    # patterns look at a window alone: a hostile line may be a megabyte long
    before = source.text[max(line_start, offset - 200) : offset]
    rest = source.text[offset : offset + 200]
    cases = ((re.match(pattern, rest), explain) for pattern, explain in _CASES)
    match, explain = next((match, explain) for match, explain in cases if match)
    given = explain(match, before, rest)
    at = source.position(offset)
    if given.replacement is not None:
        at = source.position(offset - given.before, offset + given.after)
    return found(given.code, given.message, given.fix, at=at, replacement=given.replacement)


def beyond(text: str, offset: int) -> int:
    """Where reading goes on behind what is no token: the end, if something is never closed."""
    match = _SKIPPED.match(text, offset)
    return match.end() if match else len(text)


# what PostgreSQL may write behind the name of a type
_SUFFIX = r"(?i:\s+(?:precision|varying|with time zone)\b)?(?:\(\d+(?:, *\d+)?\))?"
_HINT = r"@\{[^{}'\"`]*\}"
_SKIPPED = re.compile(
    rf"{_HINT}|```\w*|\{{\w+\}}|\{{\{{.*?\}}\}}|\{{%.*?%\}}|\{{#.*?#\}}|\$\{{.*?\}}|@@\w*|::\s*\w*{_SUFFIX}|\w+|[^'\"`/\w]",
    re.DOTALL,
)


def _template(match: re.Match[str], before: str, rest: str) -> Unreadable:
    return Unreadable(
        "template",
        f"{match[0]} belongs to a template (dbt, Dataform, Jinja), which is not rendered here.",
        "Paste the compiled SQL (dbt compile, or Dataform's compiled query): tables as "
        "`project.dataset.table`, the period as @start_date and @end_date.",
    )


def _system_variable(match: re.Match[str], before: str, rest: str) -> Unreadable:
    return Unreadable(
        "system_variable",
        f"{match[0]} is a system variable; its value depends on who runs the query and how.",
        "Write the value itself.",
    )


def _hint(match: re.Match[str], before: str, rest: str) -> Unreadable:
    if match[0] != "@":
        message = f"{match[0]} is a hint on how to run the query; that is left to BigQuery here."
        return Unreadable("unreadable", message, "Remove it.", "", after=match.end())
    return Unreadable("unreadable", "@ begins a parameter's name; here is none.", "Remove it.")


def _positional(match: re.Match[str], before: str, rest: str) -> Unreadable:
    return Unreadable(
        "parameter",
        f"{match[0]} is a parameter by position; only two parameters are known, both by name.",
        "WHERE date BETWEEN @start_date AND @end_date",
    )


def _named(match: re.Match[str], before: str, rest: str) -> Unreadable:
    # a:b reads a document in other dialects; a name of our own stands behind a gap or an operator
    if (colon := re.match(":", rest)) and re.search(r"[\w\])'\"`]$", before):
        return _colon(colon, before, rest)
    known = match[1].lower() in ("start_date", "end_date")
    return Unreadable(
        "parameter",
        f"{match[0]} is how other databases write a parameter; two are known here, @start_date and "
        "@end_date.",
        f"@{match[1]}" if known else "WHERE date BETWEEN @start_date AND @end_date",
        f"@{match[1]}" if known else None,
        after=match.end(),
    )


def _fence(match: re.Match[str], before: str, rest: str) -> Unreadable:
    message = f"{match[0]} is Markdown's mark around code, and no part of the query."
    return Unreadable("unreadable", message, "Remove it.", "", after=match.end())


def _colon(match: re.Match[str], before: str, rest: str) -> Unreadable:
    if path := re.search(r"\[([\w.-]+):([\w.$]+)[\w.$@-]*\]", before[-100:] + rest):
        message = "A table in square brackets is legacy SQL; this product speaks GoogleSQL."
        # how legacy SQL reads shards: cloud.google.com/bigquery/docs/reference/legacy-sql
        is_range = re.search(r"(?i)TABLE_DATE_RANGE(?:_STRICT)?\s*\(\s*\[[\w.-]*$", before)
        fix = _SHARDS if is_range else "`{0}.{1}`"
        return Unreadable("legacy_sql", message, fix.format(path[1], path[2]))
    return _operator(match, before, rest)


def _colon_cast(match: re.Match[str], before: str, rest: str) -> Unreadable:
    operand = _OPERAND.search(before)
    wanted = match[1].upper() or "STRING"
    shown = operand[0].strip() if operand else "expression"
    cast = f"CAST({shown} AS {FOREIGN_TYPES.get(wanted, wanted)})"
    return Unreadable(
        "other_dialect",
        f"{shown}{match[0]} is PostgreSQL's way to cast.",
        cast,
        cast if operand and match[1] else None,
        len(operand[0]) if operand else 0,
        match.end(),
    )


# a path, a text, or a call whose brackets hold no others
_PART = r"(?:[\w`]+|\"[^\"\\\n]*\")"
_OPERAND = re.compile(rf"(?:{_PART}(?:\.{_PART})*(?:\([^()]*\))?|'[^'\\]*')\s*$")


def _curly_quote(match: re.Match[str], before: str, rest: str) -> Unreadable:
    straight = match[0].translate(_STRAIGHT)
    pair = re.match(rf"[{_CURLY}]([^{_CURLY}'\"\\\n]*)[{_CURLY}]", rest)
    return Unreadable(
        "curly_quote",
        f"{match[0]} is a typographic quote, as word processors write it.",
        f"Use the straight one: {straight}",
        f"{straight}{pair[1]}{straight}" if pair else straight,
        after=pair.end() if pair else 1,
    )


def _open_string(match: re.Match[str], before: str, rest: str) -> Unreadable:
    quote = match[1]
    where = "the text" if len(quote) == 3 else "the line"
    return Unreadable(
        "open_string",
        f"The string that {quote} opens here is not closed before {where} ends.",
        f"Close it with {quote}. Inside it a quote is written \\{quote[0]}; a string of several "
        "lines stands between three quotes.",
    )


def _open_name(match: re.Match[str], before: str, rest: str) -> Unreadable:
    return Unreadable(
        "open_string",
        "The name that ` opens here is empty, holds a backslash, or is not closed on its line.",
        "`project.dataset.table`",
    )


def _open_comment(match: re.Match[str], before: str, rest: str) -> Unreadable:
    message = "The comment that /* opens here is never closed."
    return Unreadable("open_comment", message, "Close it with */")


def _operator(match: re.Match[str], before: str, rest: str) -> Unreadable:
    written = {"%": "MOD(a, b)", "!": "NOT a, or a != b", ":": "JSON_VALUE(a, '$.b')"}
    fix = written.get(match[0], "a GoogleSQL operator")
    return Unreadable("other_dialect", f"{match[0]} is no operator of GoogleSQL.", f"Write {fix}")


def _letter(match: re.Match[str], before: str, rest: str) -> Unreadable:
    begun = re.search(r"\w*$", before)
    word = (begun[0] if begun else "") + match[0]
    message = f"The name {word} has a letter that needs backquotes: {match[0][0]}"
    length = len(begun[0]) if begun else 0
    return Unreadable("bare_letter", message, f"`{word}`", f"`{word}`", length, match.end())


def _foreign(match: re.Match[str], before: str, rest: str) -> Unreadable:
    message = f"{match[0]} (U+{ord(match[0]):04X}) has no meaning in GoogleSQL here."
    return Unreadable("unreadable", message, "Remove it, or quote it if it belongs to a text.")


_CASES: tuple[tuple[str, Callable[[re.Match[str], str, str], Unreadable]], ...] = (
    (r"\$\d+", _positional),
    (r"\{\w+\}|\{\{|\{%|\{#|\$\{|[{}$]", _template),
    (r"@@\w*", _system_variable),
    (rf"{_HINT}|@", _hint),
    (r"\?", _positional),
    (rf"::\s*(\w*){_SUFFIX}", _colon_cast),
    (r":([A-Za-z_]\w*)", _named),
    (r":", _colon),
    (rf"[{_CURLY}]", _curly_quote),
    (r"[rRbB]{0,2}('''|\"\"\"|'|\")", _open_string),
    (r"```\w*", _fence),
    (r"`", _open_name),
    (r"/\*", _open_comment),
    (r"[%!]", _operator),
    (r"[^\W\d_]\w*", _letter),
    (r".", _foreign),
)
