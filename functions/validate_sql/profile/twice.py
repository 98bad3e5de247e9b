"""Whether the conditions of a query let through several tables of one day of GA4's export.

A day may lie in events_, events_intraday_ and, in Analytics 360, events_fresh_. A comparison of
_TABLE_SUFFIX itself leaves the daily tables alone; one of what a function cuts off it may not.
Which names pass is asked of BigQuery, whose functions nobody has to know here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from common.bigquery.warehouse import Warehouse
from common.errors import ProductError
from common.guard.judge import Query, Verdict
from common.guard.reading.lexer import Token, canonical
from common.model.findings import Finding, found
from common.model.window import Window
from functions.validate_sql.partition import partition
from functions.validate_sql.profile.filters import asked
from functions.validate_sql.profile.pieces import Anatomy, Select

_KINDS = ("", "intraday_", "fresh_")
_SUFFIX = "_TABLE_SUFFIX"
_WRITTEN_DAYS = 3
_PLAIN = frozenset({"BETWEEN", "=", "<", "<="})
_OF_A_DAY = re.compile(r"[^\w%]*[\d%]")
"""A text that begins as the name of a day does, or as the format of one."""
_SET_ASIDE = frozenset("QUALIFY DISTINCT ROW_NUMBER RANK DENSE_RANK".split())
_ADDED_UP = frozenset("SUM AVG COUNT COUNTIF STRING_AGG".split())
"""What becomes another where a row comes twice; MAX and ANY_VALUE do not."""


@dataclass(frozen=True)
class Read:
    """A wildcard over events, and the conditions of its SELECT on which tables there are."""

    path: Token
    conditions: tuple[tuple[Token, ...], ...]
    is_alone: bool
    """Whether no row of another table decides which of its rows are kept."""

    @property
    def begun(self) -> str:
        """What the names of its tables begin with."""
        return self.path.name.rpartition(".")[2].removesuffix("*")

    @property
    def is_plain(self) -> bool:
        """Whether a condition, as it is written, lets daily tables through alone."""
        return any(map(_is_plain, self.conditions))

    def names(self, window: Window) -> list[str]:
        """Of a few days the tables that the wildcard finds, if they are there."""
        named = (f"events_{kind}{day}" for day in _days(self, window) for kind in _KINDS)
        return [name for name in named if name.startswith(self.begun)]


def check(verdict: Verdict, runner: Warehouse, own: Warehouse, window: Window) -> list[Finding]:
    """A finding where two tables of one day pass and nothing sets the second of them aside.

    Nothing where BigQuery cannot tell without rows: another column may say which table it is.
    """
    query = verdict.query
    if query is None or _sets_aside(query.masked.tokens):
        return []
    reads = list(_reads(Anatomy(query.masked.tokens)))
    # whoever reads one kind of table by its plain suffix reads each day once
    if all(it.is_plain for it in reads) and len({it.begun for it in reads}) < 2:
        return []
    if not _twins({name for it in reads for name in it.names(window)}):
        return []
    # only in a UNION one row is put beside its twin; a join or a step may be for another purpose
    is_union = any(token.has("UNION") for token in query.masked.tokens)
    beside: set[str] = set()
    for read in reads:
        passed = _passed(read, runner, own, window)
        if twins := _twins(passed | (beside if read.is_alone else set())):
            return [_finding(query, read, twins)]
        if is_union and read.is_alone:
            beside |= passed
    return []


def _sets_aside(tokens: Sequence[Token]) -> bool:
    """Whether of two rows that are the same one may be left: by DISTINCT, a rank or a group."""
    words = {token.word for token in tokens}
    return bool(words & _SET_ASIDE) or ("GROUP" in words and not words & _ADDED_UP)


def _reads(anatomy: Anatomy) -> Iterator[Read]:
    for index, token in enumerate(anatomy.tokens):
        around = [it for it in anatomy.selects if it.start < index < it.end]
        if token.kind == "quoted" and _is_wildcard(token) and around:
            select = max(around, key=lambda it: it.start)
            if select.clause_of(index) == "FROM" and not _is_told_elsewhere(anatomy, select):
                conditions = [anatomy.tokens[slice(*it)] for it in anatomy.conditions(select)]
                of_suffix = tuple(tuple(it) for it in conditions if any(map(_is_suffix, it)))
                # one without any is refused, or read whole on purpose
                if of_suffix:
                    yield Read(token, of_suffix, _is_alone(anatomy, select))


def _is_alone(anatomy: Anatomy, select: Select) -> bool:
    from_, where = (anatomy.tokens[slice(*select.part(word))] for word in ("FROM", "WHERE"))
    is_joined = any(token.has("JOIN") for token in from_)
    # the parameters of an event are rows of its own
    sources = (after for it, after in pairwise(where) if it.has("FROM"))
    asks = any(token.has("SELECT") for token in where)
    return not is_joined and not (asks and any(not it.has("UNNEST") for it in sources))


def _is_wildcard(token: Token) -> bool:
    """Whether it names tables of events, such as project.dataset.events_*."""
    begun, star, _ = token.name.rpartition(".")[2].partition("*")
    return bool(star) and (begun.startswith("events_") or "events_".startswith(begun))


def _is_suffix(token: Token) -> bool:
    return token.kind in ("name", "quoted") and token.name.upper() == _SUFFIX


def _is_told_elsewhere(anatomy: Anatomy, select: Select) -> bool:
    """Whether a join or a query around this one may say which tables it reads."""
    is_inner = any(one < select.start < other for one, other in anatomy.closed.items())
    places = range(select.start, select.end)
    clauses = {select.clause_of(it) for it in places if _is_suffix(anatomy.tokens[it])}
    return "FROM" in clauses or (is_inner and "SELECT" in clauses)


def _is_plain(condition: Sequence[Token]) -> bool:
    """Whether the suffix itself is compared with days from above."""
    bare = condition[2:] if len(condition) > 2 and condition[1].has(".") else condition
    texts = [token.text for token in bare if token.kind == "string"]
    return (
        len(bare) > 2
        and _is_suffix(bare[0])
        and bare[1].word in _PLAIN
        and not any(token.has("OR") or _is_suffix(token) for token in bare[1:])
        and all(map(_OF_A_DAY.match, texts))
    )


def _passed(read: Read, runner: Warehouse, own: Warehouse, window: Window) -> set[str]:
    """The names of tables, of a few days, that the conditions let through."""
    if any(token.has("SELECT") for condition in read.conditions for token in condition):
        return set()
    listed = ", ".join(f"'{name.removeprefix(read.begun)}'" for name in read.names(window))
    where = " AND ".join(f"({_of_suffix(it)})" for it in read.conditions)
    sql = f"SELECT suffix AS id FROM UNNEST([{listed}]) AS suffix WHERE {where}"
    try:
        return {f"{read.begun}{row['id']}" for row in asked(sql, runner, own, window)}
    except ProductError:
        return set()


def _of_suffix(condition: Sequence[Token]) -> str:
    """The condition over a column named suffix, whatever the table is called."""
    kept: list[Token] = []
    for token in condition:
        if _is_suffix(token) and kept and kept[-1].has("."):
            del kept[-2:]
        kept.append(token._replace(text="suffix") if _is_suffix(token) else token)
    return canonical(kept)


def _days(read: Read, window: Window) -> list[str]:
    """Days that a run asks for, and some of those that the query itself writes."""
    texts = [token.text for it in read.conditions for token in it if token.kind == "string"]
    written = [day for text in texts for day in re.findall(r"20\d{6}", text)]
    asked_for = (f"{day:%Y%m%d}" for day in (window.start, *[*window.dates][-2:]))
    return list(dict.fromkeys([*asked_for, *written[:_WRITTEN_DAYS]]))


def _twins(passed: set[str]) -> list[str]:
    """The names of the newest day that has two of them."""
    days = sorted({name[-8:] for name in passed}, reverse=True)
    listed = ([f"events_{kind}{day}" for kind in _KINDS] for day in days)
    there = ([name for name in names if name in passed] for names in listed)
    return next((names for names in there if len(names) > 1), [])


def _finding(query: Query, read: Read, twins: Sequence[str]) -> Finding:
    path = read.path
    daily = ".".join([*path.name.split(".")[:-1], "events_*"])
    return found(
        "read_twice",
        f"The query lets through {', '.join(twins[:-1])} and {twins[-1]}, which tell of the same "
        "day: its events count twice while both tables are there.",
        f"FROM `{daily}` WHERE {partition.filter_of(partition.shards(daily), _SUFFIX, '')}",
        at=query.source.position(path.offset, path.offset + len(path.text)),
    )
