"""Which functions the query calls: a name before a bracket passes only when it is on the list."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TypedDict

from common.guard.reading.lexer import NOTHING, Token
from common.guard.reading.text import Source
from common.guard.reading.words import (
    BARE_FUNCTIONS,
    CALLED,
    DATE_PARTS,
    RESERVED,
    SIZED_TYPES,
    TYPES,
)
from common.model.findings import Finding
from common.model.findings import found as finding

_BEFORE_STAR = ("SELECT", "DISTINCT", "ALL", ",", ".", "STRUCT", "VALUE")

_BEFORE_VALUE = (
    ("AS", "VALUE"),
    ("|>", "EXTEND"),
    ("|>", "AGGREGATE"),
    ("HAVING", "MAX"),
    ("HAVING", "MIN"),
)
"""Pairs of words, the latter not reserved, after which an expression begins."""
_NAME_LISTS = frozenset({"USING", "EXCEPT", "UNPIVOT"})
"""What stands in the brackets after these are names, not expressions."""


class _Functions(TypedDict):
    allowed: dict[str, list[str]]
    refused: dict[str, tuple[str, str]]
    instead: dict[str, str]
    renamed: dict[str, str]
    elsewhere: list[str]


@dataclass(frozen=True)
class Call:
    """A function by its path as written, the token that names it, and that token's index."""

    path: str
    token: Token
    index: int

    @property
    def name(self) -> str:
        """The full name in capitals."""
        return self.path.upper()


@cache
def allowed() -> frozenset[str]:
    """Every function that a query may call, in capitals."""
    # a list of what may be called, since rights do not stop everything: AI.PREDICT needs no
    # connection, no model and no dataset
    return frozenset(name for names in _functions()["allowed"].values() for name in names)


@cache
def aggregates() -> frozenset[str]:
    """The functions that make one row of many, in capitals."""
    return frozenset(_functions()["allowed"]["aggregate"])


def calls(tokens: Sequence[Token]) -> list[Call]:
    """Every call in the token stream, dotted names joined: NET.HOST, SAFE.SUBSTR."""
    found: list[Call] = []
    # two on either side: most words are told apart by what stands two tokens before
    near = [NOTHING, NOTHING, *tokens, NOTHING, NOTHING]
    opened: list[str] = []
    for index, token in enumerate(tokens):
        older, before, _, after, _ = window = near[index : index + 5]
        opens = after.has("(")
        if opens and token.kind in ("name", "quoted") and _is_call(tokens, index, older, before):
            found.append(Call(_path(tokens, index), token, index))
        elif not opens and token.word in BARE_FUNCTIONS and not _is_named(window, opened):
            found.append(Call(token.text, token, index))
        if token.has("("):
            opened.append(before.word)
        elif token.has(")"):
            opened = opened[:-1]
    return found


def check(source: Source, made: Sequence[Call]) -> list[Finding]:
    """The calls that are not allowed, each function once, the first ten of them."""
    # reversed, so that the first use of each is the one that is shown
    refused = {call.name: call for call in reversed(made) if not is_allowed(call.name)}
    # whoever pastes another dialect would get a hundred
    first = sorted(refused.values(), key=lambda call: call.index)[:10]
    return [_refused(source, call) for call in first]


def is_allowed(name: str) -> bool:
    """Whether a function of this full name may be called."""
    # the prefix turns a failure into NULL and changes nothing else (function calls, "SAFE. prefix")
    return name.removeprefix("SAFE.") in allowed()


def is_star_modifier(older: Token, before: Token) -> bool:
    """Whether REPLACE here belongs to SELECT * REPLACE (...), rather than being a function."""
    return before.has(")") or (before.has("*") and older.has(*_BEFORE_STAR))


def is_cast_format(older: Token, before: Token) -> bool:
    """Whether FORMAT here is the clause of CAST(created AS STRING FORMAT 'YYYY')."""
    return before.word in TYPES and older.has("AS")


def _is_call(tokens: Sequence[Token], index: int, older: Token, before: Token) -> bool:
    token = tokens[index]
    # behind a dot or in backticks no word is a keyword, so a bracket after it is a call
    if before.has(".") or token.kind == "quoted":
        return True
    if token.has("WEEK"):
        # WEEK(MONDAY) is a part of a date, WEEK(x) would be a function
        return not tokens[index + 2 : index + 3] or tokens[index + 2].word not in DATE_PARTS
    if token.has("REPLACE"):
        return not is_star_modifier(older, before)
    if token.has("OFFSET", "ORDINAL", "SAFE_OFFSET", "SAFE_ORDINAL"):
        return not before.has("[")
    if token.has("PIVOT", "UNPIVOT"):
        return not (before.has(")", "|>") or before.kind == "quoted" or is_name(before))
    if token.has("SYSTEM", "BERNOULLI", "RESERVOIR"):
        return not before.has("TABLESAMPLE")
    if token.has("ZONE"):
        return not (before.has("TIME") and older.has("AT"))
    if token.has("FORMAT"):
        return not is_cast_format(older, before)
    if token.has("SETS"):
        return not before.has("GROUPING")
    if token.has("NAME"):
        # UNION ALL BY NAME (SELECT ...)
        return not (before.has("BY") and older.has("ALL", "DISTINCT"))
    if token.has("CORRESPONDING"):
        return not before.has("ALL", "DISTINCT", "STRICT")
    if token.has("VALUE"):
        return not (before.has("AS") and older.has("SELECT", "ALL", "DISTINCT"))
    if token.has("AGGREGATE", "EXTEND"):
        return not before.has("|>")
    if token.word in SIZED_TYPES and _is_type(older, before):
        return False
    # IN (...) and OVER (...) are syntax; IF(...) and LEFT(...) are reserved and called all the same
    return token.word not in RESERVED or token.word in CALLED


def _is_named(window: Sequence[Token], opened: Sequence[str]) -> bool:
    """Whether CURRENT_DATE is a name here: in FROM orders CURRENT_DATE it is an alias.

    It stands in the middle of the window; `opened` are the words before the brackets around it.
    """
    older, before, _, after, then = window
    if before.has("FROM"):
        return not older.has("DISTINCT") and opened[-1:] != ["EXTRACT"]
    if _NAME_LISTS.intersection(opened):
        return True
    if before.has("AS", ".", "OVER", "JOIN") or (after.has("AS") and then.has("(")):
        return True
    if before.has("ZONE") or (older.word, before.word) in _BEFORE_VALUE:
        return False
    is_word = before.kind in ("name", "quoted", "string", "number", "parameter")
    ends_value = before.has(")", "]", "END", "NULL", "TRUE", "FALSE") or older.has(".")
    return ends_value or (is_word and before.word not in RESERVED)


def _is_type(older: Token, before: Token) -> bool:
    """Whether a type may stand here: CAST(a AS NUMERIC(10, 2)), STRUCT<a NUMERIC(10, 2)>."""
    # a length after a type is no argument of a call
    opens_type = before.has("<") and older.has("ARRAY", "STRUCT")
    return before.has("AS") or opens_type or before.kind == "quoted" or is_name(before)


def is_name(token: Token) -> bool:
    """Whether the token is a name without backticks that no keyword is."""
    return token.kind == "name" and token.word not in RESERVED


def _path(tokens: Sequence[Token], index: int) -> str:
    parts = [tokens[index].text]
    # from the call back to its first part, as the token stream has no tree
    while index >= 2 and tokens[index - 1].has("."):
        index -= 2
        parts.insert(0, tokens[index].text)
    return ".".join(parts)


def _refused(source: Source, call: Call) -> Finding:
    name = call.name.removeprefix("SAFE.")
    code, message, fix = _explained(call.path, name)
    end = call.token.offset + len(call.token.text)
    return finding(
        code,
        message,
        fix,
        at=source.position(call.token.offset, end),
        replacement=_functions()["renamed"].get(name),
    )


def _explained(path: str, name: str) -> tuple[str, str, str]:
    functions = _functions()
    family = f"{name.partition('.')[0]}.*"
    if refusal := functions["refused"].get(name) or functions["refused"].get(family):
        return "forbidden_function", f"{name} {refusal[0]}.", refusal[1]
    if name in functions["elsewhere"]:
        message = f"{name} is GoogleSQL's, but not known to be among BigQuery's functions."
        return "unknown_function", message, "Use functions that BigQuery's reference lists."
    if name in functions["instead"]:
        return "other_dialect", f"GoogleSQL has no function {name}.", functions["instead"][name]
    if path[0] in ")]" and name.count(".") == 1:
        function = name[2:]
        message = f"{function} is called by a dot on the value before it, which is not read here."
        return "unknown_form", message, f"Put the value into its brackets: {function}(value)"
    if "." in name or "`" in name:
        return (
            "persistent_routine",
            f"{path.lstrip(').]')} is no function of GoogleSQL. A name with dots calls a routine "
            "stored in a dataset; what that does, today or tomorrow, cannot be seen in the query.",
            "Write its expression into the query, or run it in a scheduled query of your own and "
            "read that query's table.",
        )
    close = get_close_matches(name, allowed(), n=1, cutoff=0.75)
    fix = f"Did you mean {close[0]}?" if close else "Use functions that GoogleSQL documents."
    return (
        "unknown_function",
        f"{name} is not on the list of functions that a conversion may call.",
        fix,
    )


@cache
def _functions() -> _Functions:
    path = Path(__file__).with_name("functions.json")
    functions: _Functions = json.loads(path.read_text(encoding="utf-8"))
    return functions
