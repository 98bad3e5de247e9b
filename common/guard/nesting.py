"""How deep the text nests: beyond some depth neither people nor parsers follow."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise

from common.findings import Finding, found
from common.guard.lexer import Token
from common.guard.text import Source

MAXIMUM_DEPTH = 32
MAXIMUM_STRUCT_DEPTH = 8
"""sqlglot 30.11 reads STRUCT( twice, as a type and as a value: its time doubles with each level."""
MAXIMUM_SIGNS = 8
MAXIMUM_PATH = 12

_CLOSED_BY = {"(": ")", "[": "]", "CASE": "END"}
_Opened = tuple[Token, bool]


def check(source: Source, tokens: Sequence[Token]) -> list[Finding]:
    """Unbalanced brackets, and what nests too deep to be read in bounded time."""
    checks = (_brackets, _signs, _paths)
    return [fault for check in checks for fault in check(source, tokens)]


def _brackets(source: Source, tokens: Sequence[Token]) -> list[Finding]:
    opened: list[_Opened] = []
    previous: Token | None = None
    for token in tokens:
        is_word = previous is not None and previous.has(".")
        if token.has("(", "[", "CASE") and not is_word:
            opened.append((token, previous is not None and previous.has("STRUCT", ">", ">>")))
        elif token.has(")", "]", "END") and not is_word:
            if not opened or _CLOSED_BY[opened[-1][0].word] != token.word:
                return [_unbalanced(source, token, opened)]
            opened.pop()
        if len(opened) > MAXIMUM_DEPTH or sum(hot for _, hot in opened) > MAXIMUM_STRUCT_DEPTH:
            return [_too_deep(source, token)]
        previous = token
    return [_unbalanced(source, opened[-1][0], [])] if opened else []


def _too_deep(source: Source, token: Token) -> Finding:
    return found(
        "too_deep",
        f"The query nests deeper than {MAXIMUM_DEPTH} brackets or {MAXIMUM_STRUCT_DEPTH} structs.",
        "Give the inner part a name: WITH step AS (SELECT ...) SELECT ... FROM step",
        at=source.position(token.offset),
    )


def _unbalanced(source: Source, token: Token, opened: Sequence[_Opened]) -> Finding:
    if not opened and token.word in _CLOSED_BY:
        message = f"{token.text} is never closed."
        fix = f"Add {_CLOSED_BY[token.word]} where it ends."
    elif not opened:
        message, fix = f"{token.text} closes nothing that is open.", f"Remove {token.text}."
    else:
        wanted = opened[-1][0]
        line = source.position(wanted.offset).line
        message = f"{token.text} cannot close the {wanted.text} of line {line}."
        fix = f"Write {_CLOSED_BY[wanted.word]} before it."
    return found("unbalanced", message, fix, at=source.position(token.offset))


def _signs(source: Source, tokens: Sequence[Token]) -> list[Finding]:
    for is_sign, run in groupby(tokens, key=lambda token: token.has("NOT", "-", "+", "~")):
        signs = list(run)
        if is_sign and len(signs) > MAXIMUM_SIGNS:
            at = source.position(signs[0].offset)
            message = f"{len(signs)} signs or NOTs follow each other here."
            return [found("too_deep", message, "Two of them cancel out; keep one or none.", at=at)]
    return []


def _paths(source: Source, tokens: Sequence[Token]) -> list[Finding]:
    dots = 0
    for previous, token in pairwise(tokens):
        dots = dots + 1 if token.has(".") else dots if previous.has(".") else 0
        if dots > MAXIMUM_PATH:
            message = f"A path has more than {MAXIMUM_PATH} parts here."
            fix = "Name a part of it: SELECT a.b.c AS part"
            return [found("too_deep", message, fix, at=source.position(token.offset))]
    return []
