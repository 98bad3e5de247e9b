"""Types in CAST that are another dialect's, each with the one of GoogleSQL that stands for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from common.guard.reading.lexer import NOTHING, Token
from common.guard.reading.text import Source
from common.guard.reading.words import FOREIGN_TYPES, SIZED_TYPES, TYPES
from common.model.findings import Finding, found

_CASTS = ("CAST", "SAFE_CAST", "TRY_CAST")
_NESTED = frozenset({"ARRAY", "STRUCT", "RANGE", "INTERVAL"})
_KNOWN = TYPES | _NESTED
_SUFFIXES = (
    ("WITH", "TIME", "ZONE"),
    ("WITH", "LOCAL", "TIME", "ZONE"),
    ("WITHOUT", "TIME", "ZONE"),
    ("PRECISION",),
    ("VARYING",),
    ("UNSIGNED",),
    ("SIGNED",),
)
"""Words that belong to a type in other dialects: DOUBLE PRECISION, TIMESTAMP WITH TIME ZONE."""
_COMMON = "STRING, INT64, FLOAT64, NUMERIC, BOOL, DATE, DATETIME, TIMESTAMP, TIME, BYTES or JSON"


class _Type(NamedTuple):
    """A type as written, from its first token to before `end`, and GoogleSQL's own, if known."""

    start: int
    end: int
    meant: str | None


def read_as(source: Source, tokens: list[Token]) -> tuple[list[Token], list[Finding]]:
    """The tokens with GoogleSQL's type in place of each foreign one, and a finding for each.

    Where nobody knows what is meant, the text is read on as if it said STRING.
    """
    types = list(_foreign(tokens)) if any(token.has(*_CASTS) for token in tokens) else []
    read = list(tokens)
    # from the last one, so that the places of the others stay
    for type_ in reversed(types):
        meant = type_.meant or "STRING"
        first = tokens[type_.start]
        read[type_.start : type_.end] = [first._replace(kind="name", text=meant, word=meant)]
    # a pasted script may hold hundreds
    return read, [_finding(source, tokens, type_) for type_ in types[:20]]


def _foreign(tokens: Sequence[Token]) -> Iterator[_Type]:
    """Each type of a CAST that GoogleSQL does not have."""
    opened: list[bool] = []
    for index, (before, token) in enumerate(zip([NOTHING, *tokens], tokens, strict=False)):
        if token.has("("):
            opened.append(before.has(*_CASTS))
        elif token.has(")"):
            opened = opened[:-1]
        elif token.has("AS") and opened[-1:] == [True]:
            yield from _in_type(tokens, index + 1)


def _in_type(tokens: Sequence[Token], index: int) -> Iterator[_Type]:
    """The foreign names in the type that begins here; a name before another is that of a field."""
    is_first = True
    # FORMAT begins the pattern of a cast, which is an expression
    while index < len(tokens) and not tokens[index].has(")", "FORMAT"):
        end = _end(tokens, index)
        after = tokens[end] if end < len(tokens) else NOTHING
        if tokens[index].kind in ("name", "quoted") and (is_first or after.kind == "symbol"):
            if not _is_known(tokens[index], end - index):
                yield _Type(index, end, _meant(tokens[index:end]))
            index = end
        else:
            index += 1
        is_first = False


def _end(tokens: Sequence[Token], start: int) -> int:
    """Behind the suffix and the size of a type whose name stands at the start."""
    end = start + 1
    for suffix in _SUFFIXES:
        if tuple(token.word for token in tokens[end : end + len(suffix)]) == suffix:
            end += len(suffix)
            break
    is_sized = tokens[end : end + 1] and tokens[end].has("(")
    if is_sized and not _is_known(tokens[start], end - start, sized=True):
        closing = (i for i in range(end, min(end + 6, len(tokens))) if tokens[i].has(")"))
        end = next(closing, end - 1) + 1
    return end


def _is_known(name: Token, length: int, *, sized: bool = False) -> bool:
    """Whether the name is GoogleSQL's, with nothing behind it that GoogleSQL does not take."""
    known = SIZED_TYPES if sized else _KNOWN
    return length == 1 and name.name.upper() in known


def _meant(written: Sequence[Token]) -> str | None:
    name = written[0].name.upper()
    if any(token.has("WITHOUT") for token in written):
        return "TIME" if name == "TIME" else "DATETIME"
    return FOREIGN_TYPES.get(name) or (name if name in TYPES else None)


def _finding(source: Source, tokens: Sequence[Token], type_: _Type) -> Finding:
    first, last = tokens[type_.start], tokens[type_.end - 1]
    end = last.offset + len(last.text)
    written = source.text[first.offset : end]
    name = first.name.upper()
    close = get_close_matches(name, TYPES, n=1, cutoff=0.75)
    guess = f"Did you mean {close[0]}?" if close else f"Write {_COMMON}."
    is_sized = name in _KNOWN and last.has(")")
    return found(
        "other_dialect",
        f"{name} takes no length here." if is_sized else f"{written} is no type of GoogleSQL.",
        type_.meant or guess,
        at=source.position(first.offset, end),
        replacement=type_.meant,
    )
