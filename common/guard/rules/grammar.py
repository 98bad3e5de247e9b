"""Words in the wrong company or order: faults of syntax that a lenient parser would let pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from common.guard.reading.lexer import NOTHING, Token
from common.guard.reading.text import Source
from common.guard.reading.words import RESERVED
from common.model.findings import Finding, found

_ORDER = ("FROM", "WHERE", "GROUP", "HAVING", "QUALIFY", "WINDOW", "ORDER", "LIMIT")
"""The clauses of a SELECT, in the order in which GoogleSQL takes them."""

_AFTER_AS = ("STRUCT", "ARRAY", "INTERVAL", "RANGE", "OF")
_UNFINISHED = frozenset(
    """SELECT FROM WHERE AND OR ON LIKE BY JOIN BETWEEN LIMIT WHEN THEN ELSE HAVING QUALIFY AS
    = <= >= <> != || + -""".split()
)
"""Words and symbols after which something has to come."""

_CLAUSES = (*_ORDER[1:], ")", "]", "UNION", "INTERSECT")


class _Fault(NamedTuple):
    token: Token
    message: str
    fix: str


_ENDS = ("FROM", "WHEN", "THEN", "ELSE", "AND", "OR", "JOIN", "ON")


def check(source: Source, tokens: Sequence[Token]) -> list[Finding]:
    """The first fault of either sort."""
    faults = [next(_company(tokens), None), next(_clauses(tokens), None)]
    return [
        found("syntax", fault.message, fault.fix, at=source.position(fault.token.offset))
        for fault in faults
        if fault
    ]


def _company(tokens: Sequence[Token]) -> Iterator[_Fault]:
    """Neighbours that cannot stand together."""
    near = [NOTHING, NOTHING, *tokens, NOTHING, NOTHING]
    # its columns are named by texts: UNPIVOT (reached FOR step IN (deal_at AS 'deal'))
    unpivots = any(token.has("UNPIVOT") for token in tokens)
    for index in range(2, len(near) - 2):
        older, before, token, after, then = near[index - 2 : index + 3]
        word = token.word
        if before.has("."):
            continue
        if before.has("AS") and token.kind == "string" and not unpivots:
            message = f"{token.text} is a text; a name stands alone or between backquotes."
            yield _Fault(token, message, f"AS `{token.text[1:-1]}`")
        elif token.has("DISTINCT") and before.has("SELECT") and after.has("ON"):
            message = "DISTINCT ON is PostgreSQL's; GoogleSQL keeps the first row by a window."
            fix = "QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY created) = 1"
            yield _Fault(token, message, fix)
        elif word in _UNFINISHED and after is NOTHING:
            yield _Fault(token, f"There is nothing after {token.text}.", f"{token.text} ...")
        elif (
            word in RESERVED
            and word not in _AFTER_AS
            and before.has("AS")
            and not older.has("SELECT")
        ):
            message = f"{token.text} is a reserved word; as a name it needs backquotes."
            yield _Fault(token, message, f"AS `{token.text}`")
        elif word in _UNFINISHED and after.has(*_CLAUSES, *_ENDS):
            message = f"There is nothing between {token.text} and {after.text}."
            yield _Fault(token, message, f"{token.text} ... {after.text}")
        elif token.has("=") and before.has("="):
            yield _Fault(token, "GoogleSQL compares with a single =.", "Write = once.")
        elif token.has(",", *_ORDER[1:]) and before.has(","):
            message = f"There is nothing between the comma and {token.text}."
            yield _Fault(token, message, f"Remove one: {token.text}")
        elif token.has("GROUP", "ORDER", "PARTITION") and not after.has("BY"):
            yield _Fault(token, f"{token.text} is followed by BY.", f"{word} BY {after.text}")
        elif token.has("(") and after.has("SELECT", "WITH") and _names_step(older, before):
            message = f"Between the name {before.text} and its query AS is missing."
            yield _Fault(token, message, f"WITH {before.text} AS (SELECT ...)")
        elif token.has("SELECT") and before.has(",") and older.has(")"):
            message = "The last step of WITH is not followed by a comma."
            yield _Fault(before, message, "WITH step AS (SELECT ...) SELECT ... FROM step")
        elif token.has("IN") and after.has("(") and then.has(")"):
            yield _Fault(token, "The list of IN is empty.", "IN ('a', 'b')")


def _names_step(older: Token, before: Token) -> bool:
    is_name = before.kind == "quoted" or (before.kind == "name" and before.word not in RESERVED)
    return is_name and older.has("WITH")


def _clauses(tokens: Sequence[Token]) -> Iterator[_Fault]:
    """Clauses of one SELECT that stand in another order than GoogleSQL's."""
    ranks = [-1]
    before = NOTHING
    for token, after in zip(tokens, [*tokens[1:], NOTHING], strict=True):
        if token.has("(", "["):
            ranks.append(-1)
        elif token.has(")", "]") and len(ranks) > 1:
            ranks.pop()
        elif token.has("SELECT", "|>") and not before.has("."):
            if token.has("SELECT") and ranks[-1] >= 0 and not before.has("|>"):
                message = f"A SELECT begins here, behind the {_ORDER[ranks[-1]]} of another one."
                fix = "Keep one of them, or unite them: ... UNION ALL SELECT ... FROM ..."
                yield _Fault(token, message, fix)
            ranks[-1] = -1
        elif token.has("UNION", "INTERSECT") or (token.has("EXCEPT") and after.has("DISTINCT")):
            if ranks[-1] >= _ORDER.index("ORDER"):
                message = f"ORDER BY and LIMIT before {token.text} belong to one side of it only."
                fix = "(SELECT ... ORDER BY ... LIMIT 10) UNION ALL (SELECT ...)"
                yield _Fault(token, message, fix)
            ranks[-1] = -1
        elif token.word in _ORDER and not before.has("DISTINCT", ".", "|>", "AS"):
            rank = _ORDER.index(token.word)
            if rank <= ranks[-1]:
                message = f"{token.text} cannot follow {_ORDER[ranks[-1]]} here."
                yield _Fault(token, message, f"Keep to this order: {' '.join(_ORDER)}")
            ranks[-1] = max(rank, ranks[-1])
        before = token
