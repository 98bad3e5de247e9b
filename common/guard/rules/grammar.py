"""Words in the wrong company or order: faults of syntax that a lenient parser would let pass."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from common.guard.reading.lexer import NOTHING, Token
from common.guard.reading.text import Source
from common.guard.reading.words import DATE_PARTS, RESERVED
from common.model.findings import Finding, found

_ORDER = ("FROM", "WHERE", "GROUP", "HAVING", "QUALIFY", "WINDOW", "ORDER", "LIMIT")
"""The clauses of a SELECT, in the order in which GoogleSQL takes them."""

_AFTER_AS = ("STRUCT", "ARRAY", "INTERVAL", "RANGE", "OF")
_UNFINISHED = frozenset(
    """SELECT FROM WHERE AND OR ON LIKE BY JOIN BETWEEN LIMIT WHEN THEN ELSE HAVING QUALIFY AS
    = <= >= <> != || + -""".split()
)
"""Words and symbols after which something has to come."""

_LOOKED_AT = RESERVED | _UNFINISHED | {*_ORDER, "ILIKE", ",", "("}
"""The only words and symbols, beside texts, that can stand in wrong company."""
_CLAUSES = (*_ORDER[1:], ")", "]", "UNION", "INTERSECT")
_PARTS = frozenset({*_ORDER, "(", ")", "[", "]", "SELECT", "|>", "UNION", "INTERSECT", "EXCEPT"})
"""What begins or ends a clause or a query."""


class _Problem(NamedTuple):
    """A fault at a token; `replacement` stands for the text from `first` to `last`, if it does."""

    token: Token
    message: str
    fix: str
    replacement: str | None = None
    first: Token | None = None
    last: Token | None = None
    code: str = "syntax"

    def found(self, source: Source) -> Finding:
        first, last = self.first or self.token, self.last or self.token
        at = source.position(first.offset, last.offset + len(last.text))
        return found(self.code, self.message, self.fix, at=at, replacement=self.replacement)


_ENDS = ("FROM", "WHEN", "THEN", "ELSE", "AND", "OR", "JOIN", "ON")


def check(source: Source, tokens: Sequence[Token]) -> list[Finding]:
    """Every form of another dialect, and the first fault of either other sort."""
    company = list(_company(tokens))
    foreign = [fault for fault in company if fault.code == "other_dialect"]
    slips = [fault for fault in company if fault.code != "other_dialect"][:1]
    # one slip often causes the next; forms of another dialect stand each for itself
    return [fault.found(source) for fault in [*foreign[:20], *slips, *islice(_clauses(tokens), 1)]]


def _company(tokens: Sequence[Token]) -> Iterator[_Problem]:
    """Neighbours that cannot stand together."""
    near = [NOTHING, NOTHING, *tokens, NOTHING, NOTHING]
    # its columns are named by texts: UNPIVOT (reached FOR step IN (deal_at AS 'deal'))
    unpivots = any(token.has("UNPIVOT") for token in tokens)
    pipes = any(token.has("|>") for token in tokens)
    for index, token in enumerate(tokens, 2):
        word = token.word
        if word not in _LOOKED_AT and token.kind != "string":
            continue
        older, before, _, after, then = near[index - 2 : index + 3]
        # |> AGGREGATE COUNT(*) GROUP AND ORDER BY day
        groups_in_order = token.has("GROUP") and after.has("AND") and then.has("ORDER")
        # behind a dot every word is a field
        if before.has("."):
            if token.kind == "string" and token.text[0] == '"':
                message = f"{token.text} is a text; a name stands alone or between backquotes."
                name = f"`{token.text[1:-1]}`"
                yield _Problem(token, message, name, name, code="other_dialect")
            continue
        if before.has("AS") and token.kind == "string" and not unpivots:
            message = f"{token.text} is a text; a name stands alone or between backquotes."
            yield _Problem(token, message, f"AS `{token.text[1:-1]}`", f"`{token.text[1:-1]}`")
        elif token.kind == "string" and token.text[0] == '"' and after.has("."):
            message = f"{token.text} is a text; a name stands alone or between backquotes."
            name = f"`{token.text[1:-1]}`"
            yield _Problem(token, message, name, name, code="other_dialect")
        elif token.has("ILIKE") and _ends_value(before) and _begins_value(after):
            yield _ilike(near, index)
        elif token.has("EXTRACT") and after.has("(") and _is_no_part(then):
            message = f"{then.text} is no part of a date or time in GoogleSQL."
            fix = (
                "UNIX_SECONDS(created_at)" if then.has("EPOCH") else "EXTRACT(DAY FROM created_at)"
            )
            yield _Problem(then, message, fix, code="other_dialect")
        elif token.has("INTERVAL") and (interval := _INTERVAL.match(after.text)):
            message = f"INTERVAL {after.text} is PostgreSQL's; the unit stands behind the number."
            text = f"INTERVAL {interval[1]} {interval[2].upper()}"
            yield _Problem(token, message, text, text, last=after, code="other_dialect")
        elif token.has("INTERVAL") and then.has(*_PLURALS) and after.kind in _AMOUNTS:
            message = (
                f"{then.text} is no part of a date or time in GoogleSQL, where units are singular."
            )
            text = f"INTERVAL {after.text} {then.word[:-1]}"
            yield _Problem(token, message, text, text, last=then, code="other_dialect")
        elif token.has("DISTINCT") and before.has("SELECT") and after.has("ON"):
            message = "DISTINCT ON is PostgreSQL's; GoogleSQL keeps the first row by a window."
            fix = "QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY created) = 1"
            yield _Problem(token, message, fix)
        elif word in _UNFINISHED and after is NOTHING:
            yield _Problem(token, f"There is nothing after {token.text}.", f"{token.text} ...")
        elif (
            word in RESERVED
            and word not in _AFTER_AS
            and before.has("AS")
            # SELECT AS VALUE names no column, and in o.as x the AS is one
            and not older.has("SELECT", ".")
        ):
            message = f"{token.text} is a reserved word; as a name it needs backquotes."
            yield _Problem(token, message, f"AS `{token.text}`", f"`{token.text}`")
        elif token.has("SELECT") and after.has(*_ORDER[1:]) and then.has("FROM", ","):
            message = f"{after.text} is a reserved word; as a column it needs backquotes."
            name = f"`{after.text}`"
            yield _Problem(after, message, name, name)
        elif (
            word in _UNFINISHED
            and after.has(*_CLAUSES, *_ENDS)
            and not (token.has("AND") and before.has("GROUP"))
            and not (token.has("AS") and then.has(",", ")", *_ORDER))
        ):
            message = f"There is nothing between {token.text} and {after.text}."
            yield _Problem(token, message, f"{token.text} ... {after.text}")
        elif token.has("=") and before.has("="):
            yield _Problem(token, "GoogleSQL compares with a single =.", "Write = once.", "")
        elif token.has(",", *_ORDER[1:]) and before.has(",") and not (pipes and word == "GROUP"):
            message = f"There is nothing between the comma and {token.text}."
            yield _Problem(before, message, f"Remove one: {token.text}", "")
        elif token.has("GROUP", "ORDER", "PARTITION") and not (after.has("BY") or groups_in_order):
            yield _Problem(token, f"{token.text} is followed by BY.", f"{word} BY {after.text}")
        elif token.has("(") and after.has("SELECT", "WITH") and _names_step(older, before):
            message = f"Between the name {before.text} and its query AS is missing."
            yield _Problem(token, message, f"WITH {before.text} AS (SELECT ...)")
        elif token.has("SELECT") and before.has(",") and older.has(")"):
            message = "The last step of WITH is not followed by a comma."
            yield _Problem(before, message, "WITH step AS (SELECT ...) SELECT ... FROM step")
        elif token.has("IN") and after.has("(") and then.has(")"):
            yield _Problem(token, "The list of IN is empty.", "IN ('a', 'b')")


_PLURALS = ("SECONDS", "MINUTES", "HOURS", "DAYS", "WEEKS", "MONTHS", "QUARTERS", "YEARS")
_AMOUNTS = ("number", "name", "parameter")
_INTERVAL = re.compile(r"['\"]\s*(\d+)\s+(day|week|month|year|hour|minute|second)s?\s*['\"]", re.I)


_VALUES = ("(", "[", "-", "ANY", "ALL", "SOME", "CASE", "CAST", "IF", "NULL", "ARRAY", "EXTRACT")


def _ends_value(token: Token) -> bool:
    """Whether an operator may follow: a column may be called ilike, and what it is called."""
    is_word = token.kind != "symbol" and token.word not in RESERVED
    return is_word or token.has(")", "]", "END", "NOT", "NULL")


def _begins_value(token: Token) -> bool:
    is_word = token.kind != "symbol" and token.word not in RESERVED
    return is_word or token.has(*_VALUES)


def _is_no_part(token: Token) -> bool:
    """Whether a name stands where EXTRACT has a part of a date or time."""
    is_part = token.word in DATE_PARTS or token.has("DATE", "TIME", "DATETIME")
    return token.kind == "name" and not is_part


def _ilike(near: Sequence[Token], index: int) -> _Problem:
    """a ILIKE b as LOWER(a) LIKE LOWER(b), when both are a path or a text."""
    start = index - 1
    # two empty tokens stand before the first
    while near[start - 1].has(".") and start > 3:
        start -= 2
    end = index + 1
    while near[end + 1].has(".") and end + 3 < len(near):
        end += 2
    left, right = near[start:index], near[index + 1 : end + 1]
    is_plain = all(it.kind in ("name", "quoted", "string") or it.has(".") for it in [*left, *right])
    text = f"LOWER({_joined(left)}) LIKE LOWER({_joined(right)})"
    message = "ILIKE is PostgreSQL's; in GoogleSQL both sides are brought to small letters."
    if not is_plain or near[start].word in RESERVED:
        return _Problem(near[index], message, "LOWER(a) LIKE LOWER(b)", code="other_dialect")
    return _Problem(near[index], message, text, text, near[start], near[end], "other_dialect")


def _joined(tokens: Sequence[Token]) -> str:
    return "".join(token.text for token in tokens)


def _names_step(older: Token, before: Token) -> bool:
    is_name = before.kind == "quoted" or (before.kind == "name" and before.word not in RESERVED)
    return is_name and older.has("WITH")


def _clauses(tokens: Sequence[Token]) -> Iterator[_Problem]:
    """Clauses of one SELECT that stand in another order than GoogleSQL's."""
    ranks = [-1]
    padded = [NOTHING, *tokens, NOTHING]
    for before, token, after in zip(padded, tokens, padded[2:], strict=False):
        if token.word not in _PARTS:
            continue
        if token.has("(", "["):
            ranks.append(-1)
        elif token.has(")", "]") and len(ranks) > 1:
            ranks.pop()
        elif token.has("SELECT", "|>") and not before.has("."):
            if token.has("SELECT") and before.has("MINUS") and ranks[-1] >= 0:
                message = "MINUS is Oracle's; GoogleSQL's word for it is EXCEPT DISTINCT."
                text = "EXCEPT DISTINCT"
                yield _Problem(before, message, text, text, code="other_dialect")
            elif token.has("SELECT") and ranks[-1] >= 0 and not before.has("|>"):
                message = f"A SELECT begins here, behind the {_ORDER[ranks[-1]]} of another one."
                fix = "Keep one of them, or unite them: ... UNION ALL SELECT ... FROM ..."
                yield _Problem(token, message, fix)
            ranks[-1] = -1
        elif token.has("UNION", "INTERSECT") or (
            token.has("EXCEPT") and after.has("DISTINCT", "SELECT")
        ):
            # GoogleSQL lets only the whole union be ordered or cut
            if ranks[-1] >= _ORDER.index("ORDER"):
                message = f"ORDER BY and LIMIT before {token.text} belong to one side of it only."
                fix = "(SELECT ... ORDER BY ... LIMIT 10) UNION ALL (SELECT ...)"
                yield _Problem(token, message, fix)
            ranks[-1] = -1
        elif token.word in _ORDER and not before.has("DISTINCT", ".", "|>", "AS", "SELECT"):
            rank = _ORDER.index(token.word)
            if rank <= ranks[-1]:
                message = f"{token.text} cannot follow {_ORDER[ranks[-1]]} here."
                yield _Problem(token, message, f"Keep to this order: {' '.join(_ORDER)}")
            ranks[-1] = max(rank, ranks[-1])
