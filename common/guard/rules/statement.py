"""What kind of statement the text is; only one query may pass."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from difflib import get_close_matches

from common.guard.reading.lexer import Token
from common.guard.reading.text import Source
from common.guard.reading.words import PIPE_OPERATORS
from common.model.findings import Finding, found

QUERY_STARTS = ("SELECT", "WITH", "FROM", "(")

_KINDS = {
    "writes_data": "INSERT UPDATE DELETE MERGE TRUNCATE COPY UNDROP",
    "changes_schema": "CREATE DROP ALTER RENAME",
    "changes_rights": "GRANT REVOKE",
    "script": "BEGIN SET IF LOOP WHILE REPEAT FOR CASE CALL EXECUTE RETURN BREAK LEAVE CONTINUE "
    "ITERATE RAISE COMMIT ROLLBACK ASSERT",
    "moves_data": "EXPORT LOAD",
}
_KIND_OF = {word: kind for kind, words in _KINDS.items() for word in words.split()}

_SAID = {
    "writes_data": (
        "{0} changes data. A conversion is defined by a query that only reads; its rows are stored "
        "by this product.",
        "Paste only the query that selects the rows: SELECT ... AS id, ... AS client_id, ... AS "
        "created FROM ...",
    ),
    "changes_schema": (
        "{0} changes what is stored in BigQuery. A conversion is defined by a query alone.",
        "Paste only the query itself, the part after AS: SELECT ...",
    ),
    "changes_rights": ("{0} changes who may read what.", "Paste only the SELECT statement."),
    "script": (
        "{0} begins a script. A conversion is defined by one SELECT statement.",
        "Write the steps as WITH step AS (SELECT ...) before one final SELECT.",
    ),
    "moves_data": ("{0} moves data out of or into BigQuery.", "Paste only the SELECT statement."),
}


def check(source: Source, tokens: Sequence[Token]) -> list[Finding]:
    """Why the tokens are not exactly one query without side effects; [] when they are."""
    body = without_end(tokens)
    if not body:
        fix = "SELECT id, client_id, created FROM `project.dataset.table`"
        return [found("empty", "There is no query in the text, only comments or a semicolon.", fix)]
    return [*_kind(source, body), *_several(source, body), *_pipes(source, body)]


def without_end(tokens: Sequence[Token]) -> list[Token]:
    """The tokens without the semicolon that ends the statement."""
    return list(tokens[:-1] if tokens and tokens[-1].has(";") else tokens)


def _kind(source: Source, body: Sequence[Token]) -> list[Finding]:
    first = body[0]
    at = source.position(first.offset)
    if first.has(*QUERY_STARTS):
        return []
    if first.has("DECLARE"):
        return [
            found(
                "declare",
                "The text is a script that begins with DECLARE; a conversion is one SELECT. The "
                "period that a script declares is given to your query as @start_date and "
                "@end_date, both of type DATE and both included.",
                declare_fix(body),
                at=at,
            )
        ]
    kind = _KIND_OF.get(first.word)
    if kind is None:
        message = f"A query begins with SELECT, WITH or FROM, not with {first.text[:40]}."
        # SELCT is a slip, DESCRIBE another statement
        close = get_close_matches(first.word, QUERY_STARTS, n=1, cutoff=0.75)
        fix = f"Did you mean {close[0]}?" if close else "SELECT ... FROM `project.dataset.table`"
        return [found("not_a_query", message, fix, at=at)]
    message, fix = _SAID[kind]
    if any(token.has("FUNCTION") for token in body[1:6]):
        # what stands behind its AS is no query
        fix = "Write the function's expression in place of each of its calls."
    return [found(kind, message.format(first.word), fix, at=at)]


def declare_fix(body: Sequence[Token]) -> str:
    """How to do without DECLARE: shards when the script reads _TABLE_SUFFIX, else a date column."""
    # the days of shards are texts, those of a column are dates
    if any(token.has("_TABLE_SUFFIX") or token.name.endswith("_*") for token in body):
        where = (
            "_TABLE_SUFFIX BETWEEN FORMAT_DATE('%Y%m%d', @start_date) "
            "AND FORMAT_DATE('%Y%m%d', @end_date)"
        )
    else:
        where = "date BETWEEN @start_date AND @end_date"
    fix = f"Delete the DECLARE and SET lines, keep the SELECT, and write: WHERE {where}"
    makes_tables = any(token.has("CREATE") for token in body)
    return f"{fix}; each temporary table x becomes WITH x AS (SELECT ...)" if makes_tables else fix


def _several(source: Source, body: Sequence[Token]) -> list[Finding]:
    first_end = next((token for token in body if token.has(";")), None)
    if first_end is None or not body[0].has(*QUERY_STARTS):
        return []
    # one at the end is dropped before; of several, none is needed
    if all(token.has(";") for token in body[body.index(first_end) :]):
        message = "The query ends with several semicolons; a script may hide between them."
        fix, at = "End it with one or none.", source.position(first_end.offset)
        return [found("several_statements", message, fix, at=at)]
    return [
        found(
            "several_statements",
            "A second statement follows the semicolon here; a conversion is one SELECT.",
            "Keep one of them. Steps that build on each other are written WITH step AS (SELECT "
            "...) SELECT ... FROM step.",
            at=source.position(first_end.offset),
        )
    ]


def _pipes(source: Source, body: Sequence[Token]) -> list[Finding]:
    operators = [after for pipe, after in itertools.pairwise(body) if pipe.has("|>")]
    return [
        found(
            "pipe_operator",
            f"The pipe operator {operator.text} is not on the list of those that only read.",
            f"Use one of: {', '.join(sorted(PIPE_OPERATORS))}",
            at=source.position(operator.offset),
        )
        for operator in operators
        if operator.word not in PIPE_OPERATORS
    ][:1]
