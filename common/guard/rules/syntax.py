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
    # from the surest guess to the vaguest: the first that fits is said
    if said := _operators(tokens, index, older, before, token, after):
        return said
    if said := _OF_OTHERS.get(token.word):
        return said
    if said := _pairs(older, before, token, after):
        return said
    # a part of a path is what its owner has called it
    for written, behind in ((token, before), (before, older)):
        if not behind.has(".") and (meant := _meant(written)):
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
        shown = f"{before.text} {token.text}"
        return f"Something is missing between {shown}.", f"{before.text} ... {token.text}"
    if older.has("GROUP", "ORDER") and not before.has("BY"):
        return f"{older.text} is followed by BY.", f"{older.text} BY {before.text}"
    given = "A comma, a bracket, a keyword or an alias is missing or too much."
    return given, f"Compare with: {_GOOD_FORM}"


_REGEXP = ("Texts are matched by a function here.", "REGEXP_CONTAINS(column, r'pattern')")
_OF_OTHERS = {
    **dict.fromkeys(("REGEXP", "RLIKE", "~"), _REGEXP),
    **dict.fromkeys(
        ("DELETE", "INSERT", "MERGE", "UPDATE"),
        ("It changes data; a conversion only reads.", "SELECT ... FROM step"),
    ),
    "=>": ("=> names an argument of a function; a comparison is written >=.", "Write >="),
    "THEN": ("THEN belongs to CASE WHEN; IF parts its values by commas.", "IF(a = 1, 'x', 'y')"),
    "INTO": ("A conversion stores its rows itself.", "Remove INTO and the table behind it."),
    "SEPARATOR": ("The separator is an argument here.", "STRING_AGG(text, ',')"),
    "FETCH": ("GoogleSQL writes LIMIT.", "LIMIT 10, or best neither: a conversion needs all rows."),
    "APPLY": ("APPLY is T-SQL; an array is joined as it is.", "CROSS JOIN UNNEST(o.items) AS item"),
}
"""Words and symbols of other dialects, by what is said where they cannot be read."""


def _operators(
    tokens: Sequence[Token], index: int, older: Token, before: Token, token: Token, after: Token
) -> tuple[str, str] | None:
    """Operators that other dialects write in another way, or that a hand has doubled."""
    if token.has("=") and (before.has("=") or after.has("=")):
        return "GoogleSQL compares with a single =.", "Write ="
    if before.has("=") and token.has("<"):
        return "A comparison is written <= in GoogleSQL.", "Write <="
    if before.has("&") and token.has("&"):
        return "Conditions are tied by AND in GoogleSQL.", "Write AND"
    if token.has("=", "<", ">", "<=", ">=", "!=", "<>") and older.has("||"):
        return "|| joins texts in GoogleSQL; conditions are tied by OR.", "Write OR"
    if token.has(",") and any(it.has("CAST") for it in tokens[max(0, index - 4) : index]):
        return "A cast says AS.", f"CAST({before.text} AS {after.text})"
    return None


def _pairs(older: Token, before: Token, token: Token, after: Token) -> tuple[str, str] | None:
    """Words that want another one behind them."""
    if before.has("UNION", "INTERSECT", "EXCEPT"):
        # what the word alone means elsewhere: equal rows are dropped
        drops = f"{before.text} DISTINCT {token.text} ..."
        fix = f"{drops}; or UNION ALL, which keeps equal rows" if before.has("UNION") else drops
        return f"In GoogleSQL {before.text} says which of equal rows it keeps.", fix
    if older.has("LIMIT") and token.has(","):
        return "LIMIT with a comma is MySQL's.", f"LIMIT {after.text} OFFSET {before.text}"
    if before.has("GROUPBY", "ORDERBY", "PARTITIONBY"):
        return f"{before.text} is two words.", f"{before.word[:-2]} BY {token.text}"
    if before.has("LIMIT", "OFFSET"):
        return f"{before.text} takes a whole number as it stands.", "LIMIT 10, or best no LIMIT"
    if older.has("BETWEEN") and token.has(","):
        return "Between the two values stands AND.", f"BETWEEN {before.text} AND {after.text}"
    if before.has("IN"):
        return "IN takes a list in brackets.", f"IN ({token.text}, ...)"
    if before.has("OVER"):
        return "A window stands in brackets.", f"OVER ({token.text} BY client_id)"
    if older.has("IS") and before.has("NOT"):
        return "IS asks for NULL, TRUE or FALSE; other values are compared.", f"!= {token.text}"
    if before.has("OUTER") and token.has("JOIN"):
        return "OUTER says no side.", "LEFT OUTER JOIN"
    if token.has("INNER", "LEFT", "RIGHT", "FULL") and not after.has("JOIN"):
        return "Behind it JOIN is missing.", f"{token.text} JOIN"
    return None


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
