"""What a query counts, in words: of which rows, kept by which conditions, and what it returns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from common.guard.judge import Query
from common.guard.reading.lexer import Token, canonical

_CLAUSES = ("SELECT", "FROM", "WHERE", "GROUP", "HAVING", "QUALIFY", "WINDOW", "ORDER", "LIMIT")
_UNITED = ("UNION", "EXCEPT", "INTERSECT")
_WORDS = {
    "WHERE": "Kept are rows with {}.",
    "HAVING": "Kept are groups with {}.",
    "QUALIFY": "Of these, rows stay with {}.",
}
_SHOWN = ("id", "lead_id", "client_id", "created", "outcome_at", "value")


def explained(query: Query) -> str:
    """A few sentences on the query's last SELECT; "" for pipes, whose order tells it already."""
    if query.masked.has_pipes:
        return ""
    tokens = _body(query.masked.tokens)
    places = list(outermost(tokens))
    tables = sorted({table.path for table in query.tables if table.path})
    read = f" It reads {_listed(tables)}." if tables else ""
    count = sum(tokens[index].has(*_UNITED) for index in places) + 1
    # what each side counts would be as long as the query
    if count > 1:
        return f"The rows of {count} queries, put together.{read}"
    clauses = dict(_clauses(tokens, places))
    sentences = [_rows(clauses) + read]
    sentences += [text.format(clauses[word]) for word, text in _WORDS.items() if word in clauses]
    columns = {it.name.lower(): it.text.strip() for it in query.outputs if it.text}
    returned = [f"{name} is {columns[name]}" for name in _SHOWN if name in columns]
    if returned:
        sentences.append(f"{'; '.join(returned)}.")
    return " ".join(sentences)


def _body(tokens: Sequence[Token]) -> Sequence[Token]:
    """The query without the steps before it and the brackets around it."""
    while tokens and not any(tokens[at].has("SELECT", *_UNITED) for at in outermost(tokens)):
        tokens = _in_brackets(tokens)
    return tokens


def _in_brackets(tokens: Sequence[Token]) -> Sequence[Token]:
    """The query in brackets that no other brackets hold and that is no step of WITH."""
    depth, start, found = 0, 0, tokens[:0]
    for index, token in enumerate(tokens):
        if token.has("("):
            start = start if depth else index + 1
            depth += 1
        elif token.has(")"):
            depth -= 1
            is_step = start > 1 and tokens[start - 2].has("AS")
            if depth == 0 and not is_step and tokens[start].has("SELECT", "WITH", "("):
                found = tokens[start:index]
    return found


def outermost(tokens: Sequence[Token]) -> Iterator[int]:
    """The indexes of the tokens that stand in no bracket and no CASE."""
    depth = 0
    for index, token in enumerate(tokens):
        is_name = index > 0 and tokens[index - 1].has(".")
        if token.has("(", "[") or (token.has("CASE") and not is_name):
            depth += 1
        elif token.has(")", "]") or (token.has("END") and not is_name):
            depth -= 1
        elif depth == 0 and not is_name:
            yield index


def _clauses(tokens: Sequence[Token], places: Sequence[int]) -> Iterator[tuple[str, str]]:
    """Each clause of the last SELECT, by its first word, with its text."""
    starts = [index for index in places if tokens[index].has(*_CLAUSES)]
    for start, end in pairwise([*starts, len(tokens)]):
        first = (
            start + 2
            if tokens[start + 1 : start + 2] and tokens[start + 1].has("BY")
            else start + 1
        )
        yield tokens[start].word, canonical(tokens[first:end]).strip()


def _rows(clauses: dict[str, str]) -> str:
    if "GROUP" in clauses:
        return f"One row for each {clauses['GROUP']}."
    if clauses.get("SELECT", "").upper().startswith("DISTINCT "):
        return "One row for each different answer."
    return f"One row for each row of {clauses['FROM']}." if "FROM" in clauses else "One row."


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    # a sentence with more is not read
    return ", ".join(names[:5]) + more
