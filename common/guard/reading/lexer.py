"""GoogleSQL's tokens, read strictly: whatever two readers might read differently is refused.

Follows https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple, cast

from common.guard.reading.lexer_errors import beyond, unreadable
from common.guard.reading.text import Source
from common.guard.reading.words import RESERVED
from common.model.findings import Finding, found

Kind = Literal["name", "quoted", "string", "number", "parameter", "symbol"]

# what the slowest reader behind does in a second; a text of 1 MB in one literal is one token
MAXIMUM_TOKENS = 15_000
MAXIMUM_STOPS = 50
"""Places that cannot be read, after which no more are looked for."""


class Token(NamedTuple):
    """One token: its text as it will run, where it starts, and whether a gap precedes it.

    `word` is the text of a bare word or symbol in capitals, "" for every other token.
    """

    kind: Kind
    text: str
    offset: int
    after_gap: bool
    word: str

    @property
    def name(self) -> str:
        """An identifier without its backquotes."""
        return self.text[1:-1] if self.kind == "quoted" else self.text

    def has(self, *words: str) -> bool:
        """Whether it is one of these bare words or symbols, none of which may be empty."""
        return self.word in words


NOTHING = Token("symbol", "", -1, True, "")
"""Stands before the first token and after the last."""


# Possessive quantifiers: no backtracking, so a hostile literal costs linear time. A raw string ends
# where a plain one would: a backslash always takes the next character along.
_TOKEN = re.compile(
    r"""
    (?P<gap>(?:[ \t\n\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]
        |\#[^\n]*+|--[^\n]*+|/\*(?:[^*]|\*(?!/))*+\*/)++) |
    (?P<string>(?:[rR][bB]?|[bB][rR]?)?(?:
        '''(?:\\.|'(?!'')|[^'\\])*+''' | \"\"\"(?:\\.|"(?!"")|[^"\\])*+\"\"\" |
        '(?!'')(?:\\[^\n]|[^'\\\n])*+' | "(?!"")(?:\\[^\n]|[^"\\\n])*+"
    )) |
    (?P<quoted>`[^`\n\\]+`) |
    (?P<number>0[xX][0-9A-Fa-f]+ | (?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?) |
    (?P<name>[A-Za-z_][A-Za-z0-9_]*) |
    (?P<parameter>@[A-Za-z_][A-Za-z0-9_]*) |
    (?P<symbol>\|>|\|\||<=|>=|<>|!=|<<|>>|=>|->|/(?!\*)|[-()\[\],.;+*<>=~^&|])
    """,
    re.VERBOSE | re.DOTALL,
)
_PROJECT_WITH_DASHES = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)+(?=\.[A-Za-z_])")
_DASHED_PATH = re.compile(r"[A-Za-z_]\w*+(?:-\w+)+\.[A-Za-z_]\w*+\.\w++\*?")
_GOOD_BYTE_ESCAPE = re.compile(r"""[abfnrtv\\?"'`]|[0-3][0-7]{2}|[xX][0-9A-Fa-f]{2}""")
# no half of a surrogate pair and nothing beyond Unicode. Source: lexical structure of GoogleSQL,
# "Escape sequences for string and bytes literals"
_GOOD_ESCAPE = re.compile(
    _GOOD_BYTE_ESCAPE.pattern
    + "|u(?![dD][89A-Fa-f])[0-9A-Fa-f]{4}"
    + "|U00(?!00[dD][89A-Fa-f])(?:0[0-9A-Fa-f]|10)[0-9A-Fa-f]{4}"
)
_LIKE_A_PATH = re.compile(r"""[rRbB]{0,2}(['"]+)[^\s\\()\[\]]+\1""")
_BRACKETED = re.compile(r"\[[\w .-]+\](?:\.\[[\w -]+\])*(?!\w)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_WORDLIKE = ("name", "quoted", "string", "number", "parameter")


def tokens(source: Source) -> tuple[list[Token], list[Finding]]:
    """The tokens of the text, comments gone, and what cannot be read, each fault once.

    Reading goes on behind a fault, unless nobody knows where a text or comment ends.
    """
    read: list[Token] = []
    faults: dict[tuple[str, str], Finding] = {}
    offset, gap, stops = 0, False, 0
    while offset < len(source.text) and stops < MAXIMUM_STOPS:
        token, end = _next(source.text, offset, gap, read)
        if end == offset:
            fault = unreadable(source, offset)
            faults.setdefault((fault.code, fault.message), fault)
            end, stops = beyond(source.text, offset), stops + 1
        elif token:
            # seven reach back over EXTRACT(WEEK(MONDAY) FROM, the longest of what looks like a FROM
            for fault in _faults(source, read[-7:], token, end):
                faults.setdefault((fault.code, fault.message), fault)
            read.append(token)
        offset, gap = end, token is None
        if len(read) > MAXIMUM_TOKENS:
            faults["too_large", ""] = _too_many(source, offset)
            break
    return read, list(faults.values())


def canonical(read: Sequence[Token]) -> str:
    """The text that runs: the tokens, with one space where there was any gap or comment."""
    return "".join((" " if token.after_gap else "") + token.text for token in read).strip()


def origin(read: Sequence[Token], line: int, column: int) -> Token | None:
    """The token that stands at a place of the canonical text; both count from 1."""
    text = canonical(read)
    wanted = sum(len(part) for part in text.split("\n")[: line - 1]) + line - 1 + column - 1
    offset = -1 if read and read[0].after_gap else 0
    for token in read:
        offset += token.after_gap + len(token.text)
        if wanted < offset:
            return token
    return None


def _next(source: str, offset: int, gap: bool, read: list[Token]) -> tuple[Token | None, int]:
    """The token at the offset, None for a gap, and where it ends; the same offset: unreadable."""
    # elsewhere a-b.c is a subtraction, so only where a table must follow is it one name
    if dashed := names_a_table(read) and _PROJECT_WITH_DASHES.match(source, offset):
        return Token("quoted", f"`{dashed[0]}`", offset, gap, ""), dashed.end()
    match = _TOKEN.match(source, offset)
    if match is None:
        return None, offset
    if match["gap"]:
        return None, match.end()
    kind, text = cast(Kind, match.lastgroup), match[0]
    word = text.upper() if kind in ("name", "symbol") else ""
    return Token(kind, text, offset, gap, word), match.end()


def names_a_table(read: Sequence[Token]) -> bool:
    """Whether the next word begins a table's path; EXTRACT(... FROM x) begins an expression."""
    if not read or not read[-1].has("FROM", "JOIN"):
        return False
    words = [token.word for token in read[-7:]]
    is_part = words[-4:-2] == ["EXTRACT", "("] or words[:2] == ["EXTRACT", "("]
    return not is_part and words[-2:-1] != ["DISTINCT"]


def _faults(source: Source, before: list[Token], token: Token, end: int) -> list[Finding]:
    if names_a_table(before) and (fault := _foreign_name(source, token)):
        return [fault]
    if token.kind == "string" and token.text[0] in "'\"bB" and token.text[:2].lower() != "br":
        good = _GOOD_BYTE_ESCAPE if token.text[0] in "bB" else _GOOD_ESCAPE
        for escape in _ESCAPE.finditer(token.text):
            if not good.match(token.text, escape.start() + 1):
                return [_bad_escape(source, token, escape)]
    if token.kind == "quoted" and re.search(r"\$?\{", token.text):
        return [_template(source, token)]
    last = before[-1] if before else NOTHING
    ends_a_name = last.kind in ("name", "quoted") and last.word not in RESERVED
    # COALESCE.5(x) calls a routine of a dataset in GoogleSQL, and is a number to sqlglot
    if token.kind == "number" and (last.has(".") or (token.text[0] == "." and ends_a_name)):
        return [_digit_in_path(source, token, end)]
    if token.after_gap or token.kind not in _WORDLIKE:
        return []
    if token.kind == "string" and last.kind == "string":
        return [_doubled_quote(source, last, token)]
    # the closing backquote parts `orders`WHERE for every reader
    if last.kind == "quoted" and token.kind == "name":
        return []
    # 'a'AND 'b' is parted by every reader alike
    if last.kind == "string" and token.word in RESERVED:
        return []
    if last.kind == "number" and (path := _dashed_path(source, token)):
        return [path]
    if last.kind in ("string", "number", "quoted", "parameter"):
        shown = f"{last.text} {token.text}"
        if last.kind == "number" and token.kind == "name":
            name = f"`{last.text}{token.text}`"
            message = f"A name that begins with a digit needs backquotes: {name}"
            fix = f"{name}, or with a space between: {shown}"
            return [found("glued", f"{message}.", fix, at=source.position(last.offset))]
        message = f"{last.text} runs straight into {token.text}; two readers may part them apart."
        fix = f"Put a space or an operator between: {shown}"
        return [found("glued", message, fix, at=source.position(token.offset))]
    return []


def _dashed_path(source: Source, token: Token) -> Finding | None:
    """The finding for a path whose project has dashes, where it may be a subtraction: a, b-1.c."""
    # a window, as the whole text would be searched again at each of many faults
    start = max(0, token.offset - 100)
    for match in _DASHED_PATH.finditer(source.text, start, token.offset + 1_100):
        if match.start() < token.offset < match.end():
            path = f"`{match[0]}`"
            message = f"The project of {match[0]} has dashes, so its path needs backquotes here."
            at = source.position(match.start(), match.end())
            return found("table_name", message, path, at=at, replacement=path)
    return None


def _foreign_name(source: Source, token: Token) -> Finding | None:
    """The finding for a table's name in the quotes or brackets of another dialect."""
    at = source.position(token.offset, token.offset + len(token.text))
    if token.kind == "string":
        # SUBSTRING(note FROM 'a pattern') of PostgreSQL names no table
        if not _LIKE_A_PATH.fullmatch(token.text):
            return None
        message = f"{token.text} is a text; a table's name stands between backquotes."
        name = "`" + re.split("['\"]+", token.text)[1] + "`"
        return found("table_name", message, name, at=at, replacement=name)
    named = _BRACKETED.match(source.text, token.offset)
    if named is None:
        return None
    message = "GoogleSQL puts names between backquotes; square brackets make an array."
    path = "`" + re.sub(r"[\[\]]", "", named[0]) + "`"
    at = source.position(token.offset, token.offset + named.end() - named.start())
    return found("other_dialect", message, path, at=at, replacement=path)


def _bad_escape(source: Source, token: Token, escape: re.Match[str]) -> Finding:
    at = source.position(token.offset, token.offset + len(token.text))
    if escape[1] in "uU":
        # a raw string would hold the escape itself, which nobody means
        return found(
            "bad_escape",
            f"{escape[0]} does not name a character here: bytes have none, and in a string it takes"
            " 4 or 8 hexadecimal digits of a Unicode character.",
            "Write the character itself in a string: 'é'",
            at=at,
        )
    raw = f"r{token.text}" if "\n" not in token.text else None
    return found(
        "bad_escape",
        f"{escape[0]} is no escape sequence of GoogleSQL. In a regular expression, write the "
        "string raw, so that backslashes stand for themselves.",
        raw or "Write a raw string: r'...'",
        at=at,
        replacement=raw,
    )


def _template(source: Source, token: Token) -> Finding:
    return found(
        "template",
        f"{token.text} holds a variable of a template, which is not rendered here.",
        "Write the name itself: `project.dataset.table`",
        at=source.position(token.offset),
    )


def _doubled_quote(source: Source, last: Token, token: Token) -> Finding:
    quote = last.text[-1]
    joined = f"{last.text[:-1]}\\{quote}{token.text[1:]}"
    return found(
        "doubled_quote",
        f"A quote inside a string is written \\{quote} in GoogleSQL; {quote}{quote} ends the "
        "string and begins another.",
        joined,
        at=source.position(last.offset, token.offset + len(token.text)),
        replacement=joined,
    )


def _digit_in_path(source: Source, token: Token, end: int) -> Finding:
    word = re.match(r"[\w-]*", source.text[end:])
    part = token.text.lstrip(".") + (word[0] if word else "")
    return found(
        "digit_in_path",
        f"{part} begins with a digit; a part of a name that does so needs backquotes.",
        f"`{part}`, or better the whole path: `project.dataset.{part}`",
        at=source.position(token.offset),
    )


def _too_many(source: Source, offset: int) -> Finding:
    return found(
        "too_large",
        f"The query has more than {MAXIMUM_TOKENS:,} words and symbols, which is all that is read "
        "within a second.",
        "Put long lists of values into a table and join it.",
        at=source.position(min(offset, len(source.text) - 1)),
    )
