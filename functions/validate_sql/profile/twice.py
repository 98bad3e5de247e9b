"""Whether the conditions of a query let through several tables of one day of GA4's export.

A day may lie in events_, events_intraday_ and, in Analytics 360, events_fresh_. A comparison of
_TABLE_SUFFIX itself leaves the daily tables alone; one of what a function cuts off it may not.
Which names pass is asked of BigQuery, whose functions nobody has to know here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import combinations

from common.bigquery.warehouse import Warehouse
from common.errors import ProductError
from common.guard.judge import Query, Verdict
from common.guard.reading.lexer import Token, canonical
from common.model.findings import Finding, found
from common.model.window import Window
from common.untyped import Row
from functions.validate_sql.partition import partition
from functions.validate_sql.profile import flow
from functions.validate_sql.profile.filters import asked
from functions.validate_sql.profile.pieces import Anatomy, Select

Ask = Callable[[str], list[Row]]

_KINDS = ("", "intraday_", "fresh_")
_SUFFIX = "_TABLE_SUFFIX"
_WRITTEN_DAYS = 12
_PLAIN = frozenset({"BETWEEN", "=", "<", "<="})
_OF_A_DAY = re.compile(r"[^\w%]*[\d%]")
"""A text that begins as the name of a day does, or as the format of one."""
_SET_ASIDE = frozenset("QUALIFY DISTINCT ROW_NUMBER RANK DENSE_RANK".split())


@dataclass(frozen=True)
class Read:
    """A wildcard over events, and the conditions of its SELECT on which tables there are."""

    path: Token
    conditions: tuple[tuple[Token, ...], ...]
    events: frozenset[str] = frozenset()
    """The only names of events that it keeps; none where it does not say."""

    @property
    def dataset(self) -> str:
        """The dataset of one property's export."""
        return self.path.name.rpartition(".")[0]

    @property
    def begun(self) -> str:
        """What the names of its tables begin with."""
        return self.path.name.rpartition(".")[2].removesuffix("*")

    @property
    def is_plain(self) -> bool:
        """Whether a condition, as it is written, lets daily tables through alone."""
        return any(map(_is_plain, self.conditions))

    @property
    def written(self) -> list[str]:
        """The days that its conditions write out."""
        texts = [token.text for it in self.conditions for token in it if token.kind == "string"]
        return [day for text in texts for day in re.findall(r"20\d{6}", text)]

    def is_apart(self, other: Read) -> bool:
        """Whether no event of one property can come by both."""
        is_disjoint = bool(self.events and other.events) and not self.events & other.events
        return self.dataset != other.dataset or is_disjoint

    def names(self, kind: str, days: Iterable[str]) -> list[str]:
        """The tables of a kind that the wildcard finds, if they are there."""
        named = (f"events_{kind}{day}" for day in days)
        return [name for name in named if name.startswith(self.begun)]


def check(verdict: Verdict, runner: Warehouse, own: Warehouse, window: Window) -> list[Finding]:
    """A finding where two tables of one day pass and nothing sets the second of them aside.

    Nothing where BigQuery cannot tell without rows: another column may say which table it is.
    """
    query = verdict.query
    if query is None or _sets_aside(query.masked.tokens):
        return []
    reads = list(_reads(Anatomy(query.masked.tokens)))
    if all(it.is_plain for it in reads) and len({(it.dataset, it.begun) for it in reads}) < 2:
        return []
    days = _days(reads, window)
    passed = cache(lambda read: _passed(read, days, lambda sql: asked(sql, runner, own, window)))
    fresh: list[Finding] = []
    for several in _united(reads, flow.of(query)):
        # whoever reads one kind of table by its plain suffix reads each day once
        if all(it.is_plain for it in several) and len({it.begun for it in several}) < 2:
            continue
        if twins := _twins(name for read in several for name in passed(read)):
            # of a pair the one that reads no daily table is to go
            read = next(it for it in several if twins[-1] in passed(it))
            finding = _finding(query, read, twins, is_alone=len(several) < 2)
            if finding.code == "read_twice":
                return [finding]
            fresh.append(finding)
    return fresh[:1]


def _united(reads: Sequence[Read], rows: flow.Flow) -> Iterator[tuple[Read, ...]]:
    """Each read that gives the query rows, then each two of which one event may come by both."""
    yield from ((it,) for it in reads if it.path.offset in rows.tables)
    for group in rows.united:
        there = [it for it in reads if it.path.offset in group]
        yield from (both for both in combinations(there, 2) if not both[0].is_apart(both[1]))


def _sets_aside(tokens: Sequence[Token]) -> bool:
    """Whether of two rows that are the same one may be left: by DISTINCT or a rank."""
    return any(token.word in _SET_ASIDE for token in tokens)


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
                    yield Read(token, of_suffix, _events(conditions))


def _events(conditions: Iterable[Sequence[Token]]) -> frozenset[str]:
    """The names that one of the conditions lists: event_name = 'purchase', or IN."""
    for condition in conditions:
        column, *listed = condition[2:] if condition[1:2] and condition[1].has(".") else condition
        texts = frozenset(token.text[1:-1] for token in listed if token.kind == "string")
        is_list = all(it.kind == "string" or it.has("=", "IN", "(", ",", ")") for it in listed)
        if column.name == "event_name" and texts and is_list:
            return texts
    return frozenset()


def _is_wildcard(token: Token) -> bool:
    """Whether it names tables of events, such as project.dataset.events_*."""
    begun, star, _ = token.name.rpartition(".")[2].partition("*")
    return bool(star) and (begun.startswith("events_") or "events_".startswith(begun))


def _is_suffix(token: Token) -> bool:
    return token.kind in ("name", "quoted") and token.name.upper() == _SUFFIX


def _is_told_elsewhere(anatomy: Anatomy, select: Select) -> bool:
    """Whether a join or a query around this one may say which tables it reads."""
    is_inner = any(one < select.start < other for one, other in anatomy.closed.items())
    places = [it for it in range(select.start, select.end) if _is_suffix(anatomy.tokens[it])]
    if any(select.clause_of(it) == "FROM" for it in places):
        return True
    columns = {anatomy.item(select, it) for it in places if select.clause_of(it) == "SELECT"}
    return is_inner and any(_is_asked_for(anatomy, select, end) for _, end in columns)


def _is_asked_for(anatomy: Anatomy, select: Select, end: int) -> bool:
    """Whether a query around names the column that ends there, or cannot but read it."""
    name = anatomy.tokens[end - 1]
    outside = [*anatomy.tokens[: select.start], *anatomy.tokens[select.end :]]
    is_named = name.kind in ("name", "quoted") and anatomy.tokens[end - 2].has("AS")
    return not is_named or any(token.name.lower() == name.name.lower() for token in outside)


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


def _passed(read: Read, days: Sequence[str], ask: Ask) -> frozenset[str]:
    """The names of the days' tables that the conditions let through."""
    if any(token.has("SELECT") for condition in read.conditions for token in condition):
        return frozenset()
    kinds = [names for kind in _KINDS if (names := read.names(kind, days))]
    with suppress(ProductError):
        return _kept(read, [name for names in kinds for name in names], ask)
    # a function may fail on one kind of name, and that stops a run only where such tables are
    kept: frozenset[str] = frozenset()
    for names in kinds if len(kinds) > 1 else ():
        with suppress(ProductError):
            kept |= _kept(read, names, ask)
    return kept


def _kept(read: Read, names: Sequence[str], ask: Ask) -> frozenset[str]:
    """Those of the names that pass; raises ProductError where the conditions fail on one."""
    listed = ", ".join(f"'{name.removeprefix(read.begun)}'" for name in names)
    where = " AND ".join(f"({_of_suffix(it)})" for it in read.conditions)
    # one text, as only the first rows of an answer are read
    sql = f"SELECT STRING_AGG(suffix, ' ') AS id FROM UNNEST([{listed}]) AS suffix WHERE {where}"
    texts = (row["id"] or "" for row in ask(sql))
    return frozenset(f"{read.begun}{suffix}" for text in texts for suffix in text.split())


def _of_suffix(condition: Sequence[Token]) -> str:
    """The condition over a column named suffix, whatever the table is called."""
    kept: list[Token] = []
    for token in condition:
        if _is_suffix(token) and kept and kept[-1].has("."):
            del kept[-2:]
        kept.append(token._replace(text="suffix") if _is_suffix(token) else token)
    return canonical(kept)


def _days(reads: Iterable[Read], window: Window) -> list[str]:
    """The days of a run, and some of those that the query itself writes."""
    asked_for = (f"{day:%Y%m%d}" for day in window.dates)
    written = [day for read in reads for day in read.written]
    return list(dict.fromkeys([*asked_for, *written[:_WRITTEN_DAYS]]))


def _twins(passed: Iterable[str]) -> list[str]:
    """The names of the newest day that has two of them."""
    there = frozenset(passed)
    days = sorted({name[-8:] for name in there}, reverse=True)
    listed = ([f"events_{kind}{day}" for kind in _KINDS] for day in days)
    kept = ([name for name in names if name in there] for names in listed)
    return next((names for names in kept if len(names) > 1), [])


def _finding(query: Query, read: Read, twins: Sequence[str], is_alone: bool) -> Finding:
    path = read.path
    daily = f"{read.dataset}.events_*"
    where = partition.filter_of(partition.shards(daily), _SUFFIX, "")
    is_fresh_alone = all("_intraday_" not in name for name in twins)
    where_there = ", as in Analytics 360 with the fresh daily export" if is_fresh_alone else ""
    return found(
        "fresh_read_twice" if is_fresh_alone else "read_twice",
        f"The query lets through {', '.join(twins[:-1])} and {twins[-1]}, which tell of the same "
        f"day: its events count twice while both tables are there{where_there}.",
        f"FROM `{daily}` WHERE {where}"
        if is_alone
        else "Leave this part of the UNION out: a run counts a day by its daily table.",
        at=query.source.position(path.offset, path.offset + len(path.text)),
    )
