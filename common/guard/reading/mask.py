"""The query as sqlglot is allowed to see it: structure only, every text and odd name replaced.

sqlglot reads strings, types and function names differently from GoogleSQL in places, and some of
them in exponential time. It therefore gets one harmless token a line: strings are 's', functions
are plain names, identifiers are quoted. A line number leads back to the token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from common.guard.reading.lexer import NOTHING, Token
from common.guard.reading.words import (
    BARE_FUNCTIONS,
    DATE_PARTS,
    PIPE_OPERATORS,
    RESERVED,
    SIZED_TYPES,
    TYPES,
)
from common.guard.rules.calls import Call, is_cast_format, is_name, is_star_modifier

FUNCTION = "F_"
"""Begins the name that sqlglot sees for a function."""

_KEPT_CALLS = frozenset("CAST SAFE_CAST EXTRACT ARRAY STRUCT UNNEST EXISTS".split())
_KEPT_WORDS = RESERVED | DATE_PARTS
_PAIRS = (("GROUP", "BY"), ("ORDER", "BY"), ("PARTITION", "BY"), ("GROUPING", "SETS"))
_LIKE_EXTEND = ("SET", "DROP", "RENAME", "WINDOW")
"""Pipe operators that sqlglot does not know; to find tables and functions, EXTEND reads alike."""


@dataclass(frozen=True)
class Masked:
    """The text for sqlglot, one token a line, and what stands for what."""

    text: str
    tokens: Sequence[Token]
    names: dict[str, str]

    def token(self, line: int) -> Token:
        """The token that sqlglot saw on this line."""
        return self.tokens[line - 1]

    @cached_property
    def has_pipes(self) -> bool:
        """Whether a pipe operator stands in the query."""
        return any(token.has("|>") for token in self.tokens)

    def name(self, seen: str) -> str:
        """The identifier for which sqlglot saw this one."""
        return self.names.get(seen, seen)


def mask(tokens: Sequence[Token], made: Sequence[Call]) -> Masked:
    """The masked text of the tokens of one query and its calls."""
    # sorted, so that the same query is masked alike in every process
    odd = sorted({t.name for t in tokens if t.kind in ("name", "quoted") and not _is_plain(t.name)})
    prefix = _unused_prefix(tokens)
    stand_ins = {name: f"{prefix}{index}" for index, name in enumerate(odd)}
    seen = [_seen(tokens, index, stand_ins) for index in range(len(tokens))]
    # a blanked token keeps its line, so positions stay right
    _blank_what_sqlglot_lacks(tokens, seen)
    of_paths = _mask_paths(tokens, prefix, seen)
    for call in made:
        _mask_call(tokens, call, seen)
    _join_pairs(seen)
    _bracket_before_pipes(tokens, seen)
    names = {masked: name for name, masked in stand_ins.items()}
    return Masked("\n".join(seen), tokens, names | of_paths)


def _blank_what_sqlglot_lacks(tokens: Sequence[Token], seen: list[str]) -> None:
    """Words that name no table, no row and no column, and that sqlglot cannot read or rewrites."""
    padded = [*tokens, NOTHING, NOTHING, NOTHING]
    pipes = any(token.has("|>") for token in tokens)
    for index, token in enumerate(tokens):
        before, after, then = padded[index - 1], padded[index + 1], padded[index + 2]
        # sqlglot makes a function of it, which no author has called
        if token.has("JSON") and after.kind == "string":
            seen[index] = ""
        elif token.has("TO") and before.word in DATE_PARTS and after.word in DATE_PARTS:
            # INTERVAL '1-2' YEAR TO MONTH
            seen[index] = seen[index + 1] = ""
        elif token.has("GROUP") and after.has("AND") and then.has("ORDER"):
            # |> AGGREGATE COUNT(*) GROUP AND ORDER BY day
            seen[index : index + 4] = ["GROUP BY", "", "", ""]
        elif token.has(",") and (after.has("|>") or (after.has("GROUP") and pipes)):
            # GoogleSQL lets a comma end the list of a pipe, sqlglot does not
            seen[index] = ""
        elif token.word in SIZED_TYPES and after.has("(") and seen[index] == token.text:
            # ARRAY<NUMERIC(10, 2)>[]; only what surely is a size, for what is blank is not judged
            _blank_size(tokens, index + 1, seen)
        elif (
            token.has("WITH")
            and after.has("OFFSET")
            and not _begins_query(before)
            and not _follows_brackets(tokens, index)
        ):
            # FROM orders AS o, o.items AS item WITH OFFSET AS nth
            named = 2 if then.has("AS") else 1 if then.kind == "quoted" or is_name(then) else 0
            for blank in range(index, index + 2 + named):
                seen[blank] = ""


def _blank_size(tokens: Sequence[Token], opening: int, seen: list[str]) -> None:
    end = next(i for i in range(opening, len(tokens)) if tokens[i].has(")"))
    inside = tokens[opening + 1 : end]
    if all(it.kind == "number" or it.has(",", "MAX") for it in inside):
        seen[opening : end + 1] = [""] * (end + 1 - opening)


def _begins_query(before: Token) -> bool:
    """Whether WITH behind this token begins a query: WITH offset AS (...) names a step."""
    return before is NOTHING or before.has("(")


def _follows_brackets(tokens: Sequence[Token], index: int) -> bool:
    """Whether WITH OFFSET here belongs to UNNEST(...), with its alias or without."""
    before, older, oldest = (tokens[max(0, index - step)] for step in (1, 2, 3))
    return before.has(")") or older.has(")") or (older.has("AS") and oldest.has(")"))


def _mask_paths(tokens: Sequence[Token], prefix: str, seen: list[str]) -> dict[str, str]:
    """Other names for the beginnings of paths, and what they stand for.

    sqlglot takes JOIN s.t for an array of the row s by scope rules of its own, which are not
    GoogleSQL's; this way it never finds the row.
    """
    stand_ins: dict[str, str] = {}
    for index, (token, after) in enumerate(pairwise(tokens)):
        # only where a path begins: later parts never meet the name of a row
        if after.has(".") and seen[index].startswith("`") and not tokens[index - 1].has("."):
            masked = stand_ins.setdefault(token.name, f"{prefix}p{len(stand_ins)}")
            seen[index] = f"`{masked}`"
    return {masked: name for name, masked in stand_ins.items()}


def _join_pairs(seen: list[str]) -> None:
    """sqlglot takes GROUP BY for one token, and does not count the line between its words."""
    for index, (word, after) in enumerate(pairwise(seen)):
        if (word.upper(), after.upper()) in _PAIRS:
            seen[index : index + 2] = f"{word} {after}", ""


def _bracket_before_pipes(tokens: Sequence[Token], seen: list[str]) -> None:
    """SELECT ... |> as FROM (SELECT ...) |>, or sqlglot puts a pipe's columns in their place."""
    starts: list[int | None] = [None]
    """Where the body of the query begins in each bracket around; -1 once nothing is to be done."""
    padded = [NOTHING, *tokens]
    for index, (before, token) in enumerate(zip(padded, tokens, strict=False)):
        if starts[-1] is None and not before.has("AS"):
            if token.has("SELECT", "("):
                starts[-1] = index
            elif token.has("FROM"):
                starts[-1] = -1
        if token.has("("):
            starts.append(None)
        elif token.has(")") and len(starts) > 1:
            starts.pop()
        elif token.has("|>") and (start := starts[-1]) is not None and start >= 0:
            seen[start], seen[index] = f"FROM ( {seen[start]}", f") {seen[index]}"
            starts[-1] = -1


def _is_plain(name: str) -> bool:
    """Whether sqlglot may see the name.

    It calls steps of its own __tmp1, __tmp2, and makes an array of list[0] and array[0].
    """
    is_own = name.lower().startswith("__tmp") or name.lower() in ("list", "array")
    return name.isascii() and name.isidentifier() and not is_own


def _unused_prefix(tokens: Sequence[Token]) -> str:
    text = " ".join(token.text.lower() for token in tokens if token.kind in ("name", "quoted"))
    # one of so many must be free, as the text has no room for all of them
    return next(p for p in (f"n{number}_" for number in range(len(text) + 1)) if p not in text)


def _mask_call(tokens: Sequence[Token], call: Call, seen: list[str]) -> None:
    """The function as one plain name, its prefix gone; a routine of a dataset stays a path."""
    if call.name in _KEPT_CALLS:
        return
    if call.name in BARE_FUNCTIONS and not _opens(tokens, call):
        seen[call.index] = call.name
        return
    # a prefix of our own, so that sqlglot builds no special node and rewrites nothing
    seen[call.index] = FUNCTION + call.name.rpartition(".")[2].strip("`")
    # SAFE.SUBSTR and NET.HOST; three parts are a routine of a dataset, which is refused by its path
    if call.name.count(".") == 1:
        seen[call.index - 2] = seen[call.index - 1] = ""


def _opens(tokens: Sequence[Token], call: Call) -> bool:
    return call.index + 1 < len(tokens) and tokens[call.index + 1].has("(")


def _seen(tokens: Sequence[Token], index: int, stand_ins: dict[str, str]) -> str:
    token = tokens[index]
    if token.kind == "string":
        return "'s'"
    if token.kind == "number":
        # later rules ask for whole numbers alone, as the bounds of arrays
        return token.text if token.text.isdigit() else "1.5"
    if token.kind == "quoted" or (token.kind == "name" and not _is_grammar(tokens, index)):
        return f"`{stand_ins.get(token.name, token.name)}`"
    if token.has(*_LIKE_EXTEND) and index and tokens[index - 1].has("|>"):
        return "EXTEND"
    return token.text


def _is_grammar(tokens: Sequence[Token], index: int) -> bool:
    """Whether the word is part of the grammar where it stands, rather than a name."""
    token = tokens[index]
    older, before = ([NOTHING, NOTHING, *tokens[max(0, index - 2) : index]])[-2:]
    after = tokens[index + 1] if index + 1 < len(tokens) else NOTHING
    if before.has("."):
        return False
    if before.has("|>"):
        return token.word in PIPE_OPERATORS
    if token.word in TYPES:
        is_part = before.has("(") and older.has("EXTRACT") and after.has("FROM")
        return is_part or _is_type(before, after)
    return token.word in _KEPT_WORDS or _is_clause_word(token, older, before, after)


def _is_type(before: Token, after: Token) -> bool:
    names_a_field = before.kind in ("name", "quoted") and before.word not in RESERVED
    return after.kind == "string" or before.has("AS", "<", "AT") or names_a_field


def _is_clause_word(token: Token, older: Token, before: Token, after: Token) -> bool:
    if token.has("OFFSET"):
        is_of_array = before.has("WITH") and not _begins_query(older)
        return is_of_array or before.kind in ("number", "parameter")
    if token.has("VALUE"):
        return before.has("AS") and older.has("SELECT")
    if token.has("NAME"):
        return before.has("BY") and older.has("ALL", "DISTINCT")
    if token.has("ZONE"):
        return before.has("TIME") and older.has("AT")
    if token.has("REPLACE"):
        return is_star_modifier(older, before)
    if token.has("FORMAT"):
        return is_cast_format(older, before)
    return (token.has("PIVOT", "UNPIVOT") and after.has("(", "INCLUDE", "EXCLUDE")) or (
        token.has("SETS", "INCLUDE", "CORRESPONDING", "STRICT")
    )
