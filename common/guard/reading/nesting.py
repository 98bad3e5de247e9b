"""How deep the text nests: beyond some depth neither people nor parsers follow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby, pairwise

from common.guard.reading.lexer import NOTHING, Token
from common.guard.reading.text import Source
from common.model.findings import Finding, found

# from 30 to 60 levels on sqlglot 30.11 runs out of Python's stack
MAXIMUM_DEPTH = 32
MAXIMUM_STRUCT_DEPTH = 8
"""sqlglot 30.11 reads STRUCT( twice, as a type and as a value: its time doubles with each level."""
MAXIMUM_SIGNS = 8
# sqlglot's time grows with the square of a path: 10,000 parts took 3.75 s
MAXIMUM_PATH = 12
MAXIMUM_BARE_JOINS = 6
"""sqlglot tries each JOIN that has no ON in two ways, together with all that follows it."""
MAXIMUM_PIPES = 50
"""sqlglot writes each pipe as one more WITH step around all before it."""
MAXIMUM_WORK = 100_000
"""Words, each as often as sqlglot reads or copies it: with such a number it needs half a second."""

_COPIED = 3
"""What a copy of a word costs, in words read: sqlglot copies each item of FROM, and so what nests
in it once for each level."""

_READ_TWICE = ("STRUCT", ">", ">>")
"""What stands before brackets that are read twice, those of ARRAY<STRUCT<...>>( too."""
_CLOSED_BY = {"(": ")", "[": "]", "CASE": "END"}
_BRACKETS = frozenset({*_CLOSED_BY, *_CLOSED_BY.values()})
_AFTER_JOINS = ("WHERE", "GROUP", "HAVING", "QUALIFY", "ORDER", "LIMIT", "UNION", "|>", "SELECT")
_OF_JOINS = frozenset({*_AFTER_JOINS, "(", ")", "[", "]", "ON", "USING", "JOIN"})
_Opened = tuple[Token, bool]


def check(source: Source, tokens: Sequence[Token]) -> list[Finding]:
    """Unbalanced brackets, or what nests too deep to be read in bounded time; the first kind."""
    # one kind at a time: text that nests wrongly makes the later checks count nonsense
    checks = (_brackets, _signs, _paths, _bare_joins, _pipes, _work)
    return next((faults for check in checks if (faults := check(source, tokens))), [])


def _brackets(source: Source, tokens: Sequence[Token]) -> list[Finding]:
    opened: list[_Opened] = []
    for previous, token in pairwise([NOTHING, *tokens]):
        if token.word not in _BRACKETS:
            continue
        # `x.case` and `AS end` are names that look like keywords
        is_part = token.kind == "name" and previous.has(".", "AS")
        if token.word in _CLOSED_BY and not is_part:
            opened.append((token, previous.has(*_READ_TWICE)))
        elif token.word not in _CLOSED_BY and not is_part:
            if not opened or _CLOSED_BY[opened[-1][0].word] != token.word:
                return [_unbalanced(source, token, opened)]
            opened.pop()
        # at the token that goes too far, so that its place is the one to cut
        if len(opened) > MAXIMUM_DEPTH or sum(hot for _, hot in opened) > MAXIMUM_STRUCT_DEPTH:
            return [_too_deep(source, token)]
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
    # each sign is one more level of the parser's recursion
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
        # a.b.c alternates names and dots; anything else between them begins a new path
        dots = dots + 1 if token.has(".") else dots if previous.has(".") else 0
        if dots > MAXIMUM_PATH:
            message = f"A path has more than {MAXIMUM_PATH} parts here."
            fix = "Name a part of it: SELECT a.b.c AS part"
            return [found("too_deep", message, fix, at=source.position(token.offset))]
    return []


def _bare_joins(source: Source, tokens: Sequence[Token]) -> list[Finding]:
    """Joins of tables that lack ON and USING, counted over the whole query."""
    # one place for each open bracket: a JOIN inside a subquery does not wait for the outer ON
    waiting: list[Token | None] = [None]
    bare: list[Token] = []
    for previous, token, after in zip(
        [NOTHING, *tokens], tokens, [*tokens[1:], NOTHING], strict=False
    ):
        if token.word not in _OF_JOINS:
            continue
        if token.has("(", "["):
            waiting.append(None)
        elif token.has("ON", "USING"):
            waiting[-1] = None
        elif token.has("JOIN", *_AFTER_JOINS):
            bare += [join for join in waiting[-1:] if join]
            is_bare = token.has("JOIN") and not previous.has("CROSS", "NATURAL")
            # a JOIN of UNNEST needs no ON, since the array belongs to its row
            waiting[-1] = token if is_bare and not after.has("UNNEST") else None
        elif token.has(")", "]"):
            bare += [join for join in [waiting.pop()] if join]
    # few such joins over many words are as slow as many over few
    is_bounded = len(tokens) * 2 ** len(bare) <= MAXIMUM_WORK
    if len(bare) <= MAXIMUM_BARE_JOINS and is_bounded:
        return []
    message = f"{len(bare)} joins say neither ON nor USING, so it is unclear which rows they tie."
    fix = "JOIN customers AS c ON c.id = o.customer_id; for an array: LEFT JOIN UNNEST(o.items)"
    return [found("too_deep", message, fix, at=source.position(bare[0].offset))]


def _pipes(source: Source, tokens: Sequence[Token]) -> list[Finding]:
    pipes = [token for token in tokens if token.has("|>")]
    if len(pipes) <= MAXIMUM_PIPES:
        return []
    at = source.position(pipes[MAXIMUM_PIPES].offset)
    message = f"The query has {len(pipes)} pipe operators; {MAXIMUM_PIPES} are read."
    return [found("too_deep", message, "Join neighbouring WHERE, EXTEND and SELECT.", at=at)]


def _work(source: Source, tokens: Sequence[Token]) -> list[Finding]:
    """What nests so much that few words are long work: structs in structs, FROM in FROM."""
    for done, token in zip(accumulate(works(tokens)), tokens, strict=True):
        if done > MAXIMUM_WORK:
            message = "The query nests too much for its length to be read within a second."
            fix = "Give inner parts a name: WITH step AS (SELECT ...) SELECT ... FROM step"
            return [found("too_deep", message, fix, at=source.position(token.offset))]
    return []


def works(tokens: Sequence[Token]) -> Iterator[int]:
    """How often sqlglot reads or copies each of the tokens, whose brackets are balanced."""
    opened: list[tuple[int, int]] = []
    twice = copied = 0
    padded = [NOTHING, *tokens, NOTHING]
    for previous, token, after in zip(padded, tokens, padded[2:], strict=False):
        if token.has("(", "["):
            is_query = after.has("SELECT", "WITH", "FROM", "(")
            # a subquery in an expression is not copied
            is_source = is_query and previous.has("FROM", "JOIN", ",", "(")
            opened.append((int(previous.has(*_READ_TWICE)), int(is_source)))
            twice, copied = twice + opened[-1][0], copied + opened[-1][1]
        elif token.has(")", "]"):
            closed = opened.pop()
            twice, copied = twice - closed[0], copied - closed[1]
        # read twice within what is read twice is read four times
        yield (1 + _COPIED * copied) << twice
