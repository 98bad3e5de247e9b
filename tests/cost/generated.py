"""Statements by chance over small generated tables, with what BigQuery has to read of them.

What has to be read is counted from the rows: of each place that names a table, the partitions with
a row that passes the condition, in the columns that the outcome depends on. Sizes of values are
those of cloud.google.com/bigquery/docs/estimate-costs, "Data size calculation".
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import count
from typing import Any

from common.bigquery.sql import Parameter, Sql
from common.cost.estimate import TableSize

FIRST = date(2026, 10, 30)
DAYS = [FIRST + timedelta(days=number) for number in range(8)]
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
PARAMETERS = {
    "low": Parameter("DATE", DAYS[2]),
    "high": Parameter("DATE", DAYS[4]),
    "days": Parameter("ARRAY<DATE>", [DAYS[1], DAYS[5], None]),
    "none": Parameter("ARRAY<DATE>", []),
    "moment": Parameter("TIMESTAMP", NOON),
    "moments": Parameter("ARRAY<TIMESTAMP>", [NOON, NOON + timedelta(days=2)]),
    "names": Parameter("ARRAY<STRING>", ["a", "c"]),
}

Row = Mapping[str, Any]
Test = Callable[[Row], bool]
Need = frozenset[tuple[int, str]]
"""Number of a place that names a table, and a leaf column of it."""


def _size(value: Any) -> int:
    match value:
        case None:
            return 0
        case bool():
            return 1
        case str():
            return 2 + len(value.encode())
        case list():
            return sum(map(_size, value))
    return 8


@dataclass(frozen=True)
class Table:
    """A generated table."""

    path: str
    schema: tuple[dict[str, Any], ...]
    rows: tuple[Row, ...]
    """By leaf column; the key "" is the day of the partition."""
    partition: str | None
    cluster: str = ""

    @property
    def leaves(self) -> list[str]:
        return [leaf for leaf in self.rows[0] if leaf not in ("", "_TABLE_SUFFIX")]

    @cached_property
    def size(self) -> TableSize:
        """As INFORMATION_SCHEMA would tell."""
        total = len(self.rows)
        widths = {leaf: sum(_size(row[leaf]) for row in self.rows) / total for leaf in self.leaves}
        by_day: dict[date | None, int] = {}
        for row in self.rows:
            by_day[row[""]] = by_day.get(row[""], 0) + 1
        names = [row[self.cluster] for row in self.rows] if self.cluster else []
        shares = {name: names.count(name) / total for name in names}
        clustered = {self.cluster: shares} if self.cluster else {}
        return TableSize(widths, by_day, self.partition, clustered)

    def has_to_be_read(self, columns: Iterable[str], test: Test) -> float:
        """Bytes of these columns of what a condition leaves."""
        size = self.size
        width = size.width(columns) if columns else 0.0
        passing = [row for row in self.rows if test(row)]
        if self.cluster:
            # blocks hold at least the rows that pass
            return width * len(passing)
        return width * sum(size.rows[day] for day in {row[""] for row in passing})


def _field(name: str, type_: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type_, **more}


def tables(chance: random.Random) -> tuple[Table, ...]:
    """Partitioned by a date, by a moment, in daily tables, clustered, and neither."""

    def row(number: int) -> dict[str, Any]:
        day = DAYS[number % len(DAYS)]
        at = datetime(day.year, day.month, day.day, chance.choice((0, 9, 12, 23)), tzinfo=UTC)
        suffix = f"{day:%y%m%d}"
        return {
            "": day, "day": day, "at": at, "_TABLE_SUFFIX": suffix, "k": chance.choice("abcd"),
            "n": number, "v": number / 3, "b": number % 3 == 0, "s.x": "x" * (number % 5),
            "s.y": number, "l.x": [number, number], "l.y": ["é", "yy"],
        }  # fmt: skip

    part = [_field("x", "STRING"), _field("y", "INTEGER")]
    listed = [_field("x", "INTEGER"), _field("y", "STRING")]
    schema = (
        _field("day", "DATE"), _field("at", "TIMESTAMP"), _field("k", "STRING"),
        _field("n", "INTEGER"), _field("v", "FLOAT"), _field("b", "BOOLEAN"),
        _field("s", "RECORD", mode="NULLABLE", fields=part),
        _field("l", "RECORD", mode="REPEATED", fields=listed),
    )  # fmt: skip
    made = (
        ("p.d.by_day", "day", ""), ("p.d.by_moment", "at", ""),
        ("p.d.events_20*", "_TABLE_SUFFIX", ""),
        ("p.d.clustered", "day", "k"), ("p.d.whole", None, ""),
    )  # fmt: skip
    return tuple(
        Table(path, schema, tuple(_kept(row(n), partition) for n in range(40)), partition, cluster)
        for path, partition, cluster in made
    )


def _kept(row: dict[str, Any], partition: str | None) -> dict[str, Any]:
    return row if partition else {**row, "": None}


def conditions(alias: str, table: Table) -> list[tuple[str, Test]]:
    """What a WHERE may say of the table, and which rows pass."""
    a, low, high = alias, DAYS[2], DAYS[4]
    text = "DATE '2026-11-01'"
    day = date(2026, 11, 1)
    found: list[tuple[str, Test]] = [
        (f"{a}.day BETWEEN @low AND @high", lambda r: low <= r["day"] <= high),
        (f"{a}.day > @low", lambda r: r["day"] > low),
        (f"@high > {a}.day", lambda r: r["day"] < high),
        (f"{a}.day = {text}", lambda r: r["day"] == day),
        (f"{a}.day IN ({text}, @high)", lambda r: r["day"] in (day, high)),
        (f"{a}.day IN (@low, DATE_ADD(@low, INTERVAL {a}.n DAY))", lambda r: True),
        (f"{a}.day IN UNNEST(@days)", lambda r: r["day"] in (DAYS[1], DAYS[5])),
        (f"{a}.day IN UNNEST(@none)", lambda r: False),
        (f"({a}.day < @low OR {a}.day > @high)", lambda r: not low <= r["day"] <= high),
        (f"NOT {a}.day < @high", lambda r: r["day"] >= high),
        (f"{a}.day >= LEAST(@high, DATE_SUB(@low, INTERVAL 1 DAY))", lambda r: r["day"] >= DAYS[1]),
        (f"{a}.day > DATE '9999-12-31'", lambda r: False),
        (f"{a}.day >= DATE_SUB(@low, INTERVAL 9999999 DAY)", lambda r: True),
        (f"{a}.at > @moment", lambda r: r["at"] > NOON),
        (f"{a}.at < @moment", lambda r: r["at"] < NOON),
        (f"{a}.at <= @moment AND {a}.n > 3", lambda r: r["at"] <= NOON and r["n"] > 3),
        (f"{a}.at = @moment", lambda r: r["at"] == NOON),
        (f"{a}.at IN UNNEST(@moments)", lambda r: r["at"] in (NOON, NOON + timedelta(days=2))),
        (f"{a}.at >= TIMESTAMP(@low)", lambda r: r["at"].date() >= low),
        (f"{a}.at < TIMESTAMP '2026-11-03'", lambda r: r["day"] < date(2026, 11, 3)),
        (f"{a}.at > TIMESTAMP '2026-11-03 01:30:00+02'",
         lambda r: r["at"] > datetime(2026, 11, 2, 23, 30, tzinfo=UTC)),
        (f"DATE({a}.at) = @low", lambda r: r["day"] == low),
        (f"{a}.k = 'a'", lambda r: r["k"] == "a"),
        (f"{a}.k IN ('a', LOWER('B'))", lambda r: r["k"] in "ab"),
        (f"{a}.k IN UNNEST(@names)", lambda r: r["k"] in ("a", "c")),
        (f"{a}.k IN UNNEST(['a', 'd'])", lambda r: r["k"] in ("a", "d")),
        (f"{a}.k != 'a'", lambda r: r["k"] != "a"),
    ]  # fmt: skip
    if table.path.endswith("*"):
        found += 3 * [
            (f"{a}._TABLE_SUFFIX BETWEEN '261101' AND '261103'",
             lambda r: "261101" <= r["_TABLE_SUFFIX"] <= "261103"),
            (f"{a}._TABLE_SUFFIX >= FORMAT_DATE('%y%m%d', @low)", lambda r: r["day"] >= low),
            (f"{a}._TABLE_SUFFIX IN ('261101', '261104')",
             lambda r: r["_TABLE_SUFFIX"] in ("261101", "261104")),
            (f"{a}._TABLE_SUFFIX = '261102'", lambda r: r["_TABLE_SUFFIX"] == "261102"),
            (f"{a}._TABLE_SUFFIX > '2611'", lambda r: r["_TABLE_SUFFIX"] > "2611"),
        ]  # fmt: skip
    return found


@dataclass
class Made:
    """A statement, and what has to be read for it."""

    text: str = ""
    outputs: dict[str, Need] = field(default_factory=dict)
    """Name of a column of the outcome → what it depends on."""
    always: Need = frozenset()
    """What the rows of the outcome depend on whatever is asked of them."""


class Writer:
    """Writes statements by chance."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.tables = tables(self.chance)
        self.places: list[tuple[Table, Test]] = []
        self.ids = count()

    def statement(self) -> tuple[Sql, float]:
        """A statement and the bytes that it has to read."""
        self.places = []
        write = self.chance.choice([self._query_whole] * 5 + [self._change])
        text, need = write()
        used = {name for name in PARAMETERS if f"@{name}" in text}
        sql = Sql(text, {name: PARAMETERS[name] for name in sorted(used)})
        return sql, sum(
            table.has_to_be_read({column for at, column in need if at == place}, test)
            for place, (table, test) in enumerate(self.places)
        )

    def _query_whole(self) -> tuple[str, Need]:
        made = self.query(2)
        return made.text, made.always.union(*made.outputs.values())

    def _change(self) -> tuple[str, Need]:
        """A change of a table: all columns of the days that it touches, and what it refers to."""
        table = self.chance.choice([it for it in self.tables if not it.path.endswith("*")])
        text, test = self.chance.choice(conditions("t", table))
        place = self._place(table, test)
        target = f"`{table.path}` AS t"
        whole = frozenset((place, leaf) for leaf in table.leaves)
        if self.chance.random() < 0.3:
            inner, need = self._subquery("t.k")
            if self.chance.random() < 0.5:
                return f"DELETE FROM {target} WHERE {text} AND {inner}", whole | need
            return f"UPDATE {target} SET n = 1 WHERE {text} AND {inner}", whole | need
        source = self.source(1, bare=self.chance.random() < 0.4)
        alias = "o"
        key, need = self._column(source, alias)
        text = f"MERGE INTO {target} USING {source.text} AS o ON {text} AND t.k = {key}"
        value, more = self._column(source, alias)
        done = self.chance.choice(["DELETE", f"UPDATE SET k = {value}"])
        need |= more if "UPDATE" in done else frozenset()
        return f"{text} WHEN MATCHED THEN {done}", whole | need | source.always

    def _place(self, table: Table, test: Test) -> int:
        self.places.append((table, test))
        return len(self.places) - 1

    def source(self, depth: int, *, bare: bool = False) -> Made:
        """What stands in FROM, without its alias."""
        if depth and not bare and self.chance.random() < 0.6:
            made = self.query(depth - 1)
            return Made(f"({made.text})", made.outputs, made.always)
        table = self.chance.choice(self.tables)
        place = self._place(table, lambda row: True)
        needs: dict[str, Need] = {}
        for leaf in table.leaves:
            name = leaf.partition(".")[0]
            needs[name] = needs.get(name, frozenset()) | {(place, leaf)}
        return Made(f"`{table.path}`", needs)

    def _named(self, made: Made, alias: str) -> tuple[str, Table | None]:
        last = self.places[-1][0] if self.places else None
        is_table = made.text.startswith("`")
        return f"{made.text} AS {alias}", last if is_table else None

    def query(self, depth: int) -> Made:
        """A query with the columns c0, c1, ... of texts."""
        kind = self.chance.random()
        if depth and kind < 0.15:
            return self._union(depth)
        if depth and kind < 0.3:
            return self._with(depth)
        return self._select(depth)

    def _union(self, depth: int) -> Made:
        one, other = self._select(depth - 1, 2), self._select(depth - 1, 2)
        word = self.chance.choice(["UNION ALL", "UNION DISTINCT", "EXCEPT DISTINCT"])
        outputs = {name: one.outputs[name] | other.outputs[name] for name in one.outputs}
        always = one.always | other.always
        if "ALL" not in word:
            always = always.union(*outputs.values())
        return Made(f"{one.text} {word} {other.text}", outputs, always)

    def _with(self, depth: int) -> Made:
        inner = self.query(depth - 1)
        name = f"w{next(self.ids)}"
        named = Made(name, inner.outputs, inner.always)
        outer = self._select(0, source=named)
        return Made(f"WITH {name} AS ({inner.text}) {outer.text}", outer.outputs, outer.always)

    def _select(self, depth: int, columns: int = 0, source: Made | None = None) -> Made:
        made = source or self.source(depth)
        alias = f"a{next(self.ids)}"
        place = len(self.places) - 1
        from_, table = self._named(made, alias)
        always = made.always
        tests: list[str] = []
        bounds = True
        listed = [(made, alias)]
        if self.chance.random() < 0.4:
            other, second = self.source(max(0, depth - 1)), f"a{next(self.ids)}"
            word = self.chance.choice(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])
            one, need = self._column(made, alias)
            two, more = self._column(other, second)
            from_ += f" {word} {other.text} AS {second} ON {one} = {two}"
            always = always | other.always | need | more
            listed.append((other, second))
        if table is not None and self.chance.random() < 0.8:
            chosen = self.chance.choice(conditions(alias, table))
            tests.append(chosen[0])
            if bounds:
                self.places[place] = (table, chosen[1])
        if depth and self.chance.random() < 0.3:
            text, need = self._subquery(self._column(made, alias)[0])
            tests.append(text)
            always |= need
        outputs, shown = self._outputs(listed, columns)
        where = f" WHERE {' AND '.join(tests)}" if tests else ""
        return Made(f"SELECT {shown} FROM {from_}{where}", outputs, always)

    def _subquery(self, value: str) -> tuple[str, Need]:
        inner = self._select(0, 1)
        need = inner.always
        if self.chance.random() < 0.5:
            return f"EXISTS ({inner.text})", need
        return f"{value} IN ({inner.text})", need.union(*inner.outputs.values())

    def _outputs(self, listed: list[tuple[Made, str]], columns: int) -> tuple[dict[str, Need], str]:
        outputs: dict[str, Need] = {}
        shown = []
        for number in range(columns or self.chance.randint(1, 3)):
            made, alias = self.chance.choice(listed)
            if self.chance.random() < 0.15:
                text = f"TO_JSON_STRING({alias})"
                need: Need = frozenset().union(*made.outputs.values())
            else:
                text, need = self._column(made, alias)
            outputs[f"c{number}"] = need
            shown.append(f"{text} AS c{number}")
        return outputs, ", ".join(shown)

    def _column(self, made: Made, alias: str) -> tuple[str, Need]:
        """A text that is made of one column."""
        name = self.chance.choice(sorted(made.outputs))
        need = made.outputs[name]
        column = f"{alias}.{name}"
        if name == "s":
            return f"{column}.x", frozenset(it for it in need if it[1] == "s.x")
        if name == "l":
            inner = f"(SELECT MAX(e.y) FROM UNNEST({column}) AS e)"
            return inner, frozenset(it for it in need if it[1] == "l.y")
        return f"CAST({column} AS STRING)", need
