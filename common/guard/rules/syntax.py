"""Where a query stops being readable, and what is most likely wrong there."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from common.guard.reading.lexer import NOTHING, Token
from common.guard.reading.text import Source
from common.guard.reading.words import RESERVED
from common.model.findings import Finding, found

_GOOD_FORM = "SELECT a, b AS c FROM `project.dataset.table` AS t WHERE t.a = 1"
_KEYWORDS = "SELECT FROM WHERE GROUP HAVING QUALIFY ORDER LIMIT UNION JOIN BETWEEN".split()
_CLAUSES = ("FROM", "WHERE", "GROUP", "HAVING", "QUALIFY", "ORDER", "LIMIT", "ON", "USING")


def finding(source: Source, tokens: Sequence[Token], index: int) -> Finding:
    """The finding for a query that cannot be read from the token of this index on."""
    if index >= len(tokens):
        message = "The query ends where something more must come."
        end = tokens[-1].offset + len(tokens[-1].text)
        return found("syntax", message, f"{tokens[-1].text} ...", at=source.position(end))
    given, fix = _likely(tokens, index)
    token = tokens[index]
    message = f"The query cannot be read from {token.text[:40]} on. {given}"
    at = source.position(token.offset, token.offset + len(token.text))
    return found("syntax", message, fix, at=at)


def _likely(tokens: Sequence[Token], index: int) -> tuple[str, str]:
    """What is wrong in all likelihood, and what to write."""
    near = [NOTHING, NOTHING, *tokens, NOTHING]
    older, before, token, after = near[index : index + 4]
    shown = f"{before.text} {token.text}"
    # from the surest guess to the vaguest: the first that fits is said
    if token.has("=") and (before.has("=") or after.has("=")):
        return "GoogleSQL compares with a single =.", "Write ="
    if token.has("=>"):
        return "=> names an argument of a function; a comparison is written >=.", "Write >="
    if before.has("=") and token.has("<"):
        return "A comparison is written <= in GoogleSQL.", "Write <="
    if before.has("UNION", "INTERSECT", "EXCEPT"):
        # what the word alone means elsewhere: equal rows are dropped
        drops = f"{before.text} DISTINCT {token.text} ..."
        fix = f"{drops}; or UNION ALL, which keeps equal rows" if before.has("UNION") else drops
        return f"In GoogleSQL {before.text} says which of equal rows it keeps.", fix
    if older.has("LIMIT") and token.has(","):
        return "LIMIT with a comma is MySQL's.", f"LIMIT {after.text} OFFSET {before.text}"
    if token.has("DELETE", "INSERT", "MERGE", "UPDATE"):
        return f"{token.text} changes data; a conversion only reads.", "SELECT ... FROM step"
    for written in (token, before):
        if meant := _meant(written):
            return f"{written.text} is no word of GoogleSQL here.", f"Did you mean {meant}?"
    if before.has("AS") and token.word in RESERVED:
        fix = f"AS `{token.text}`"
        return f"{token.text} is a reserved word; as a name it needs backquotes.", fix
    if before.has(",") and token.has(*_CLAUSES, ")"):
        return "The comma before it is too much.", token.text
    if before.has("SELECT") and token.has(*_CLAUSES):
        return "Nothing is selected.", f"SELECT order_id AS id {token.text} ..."
    if _ends_value(before) and _begins_value(token):
        return "A comma or an operator may be missing before it.", f"{before.text}, {token.text}"
    if before.has(*_CLAUSES, "AND", "OR", "BY", "(") and token.has(*_CLAUSES, ")", "AND", "OR"):
        return f"Something is missing between {shown}.", f"{before.text} ... {token.text}"
    if older.has("GROUP", "ORDER") and not before.has("BY"):
        return f"{older.text} is followed by BY.", f"{older.text} BY {before.text}"
    given = "A comma, a bracket, a keyword or an alias is missing or too much."
    return given, f"Compare with: {_GOOD_FORM}"


def _meant(token: Token) -> str:
    """The keyword for which a name is a slip of the keys, "" when it is like none."""
    is_name = token.kind == "name" and token.word not in RESERVED
    close = get_close_matches(token.word, _KEYWORDS, n=1, cutoff=0.75) if is_name else []
    # a slip adds, drops or swaps one letter
    return close[0] if close and abs(len(close[0]) - len(token.word)) < 2 else ""


def _ends_value(token: Token) -> bool:
    return token.has(")", "]", "END") or (token.kind != "symbol" and token.word not in RESERVED)


def _begins_value(token: Token) -> bool:
    return token.kind != "symbol" and token.word not in RESERVED
