"""Whether every partitioned table is read for bounded days: the proof on the syntax tree.

A condition counts where it stands and in whatever it can be pushed down into: through WITH, derived
tables, unions and views, but not past a window function, a LIMIT or the outer side of a join.
"""

from __future__ import annotations

from collections import ChainMap, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sqlglot import exp

from common.bigquery.warehouse import TableInfo
from common.guard.judge import Query
from common.guard.names import outputs, tree
from common.guard.reading.mask import Masked
from common.model.findings import Finding, Position, found
from functions.validate_sql.partition.bounds import (
    BOTH,
    SUFFIX,
    Bounds,
    bounds,
    key_of,
    plain_column,
    united,
)

Pushed = Mapping[str, frozenset[str]]
"""Sides on which the columns of a derived table are bounded from outside."""

_INGESTION = ("_partitiondate", "_partitiontime")


@dataclass(frozen=True)
class Partition:
    """By what a table is cut into days; columns are those of which one must be bounded."""

    path: str
    kind: Literal["DATE", "DATETIME", "TIMESTAMP", "ingestion", "shards"]
    columns: tuple[str, ...]

    @property
    def name(self) -> str:
        """The column as an author would write it."""
        return self.columns[0].upper() if self.columns[0].startswith("_") else self.columns[0]


@dataclass(frozen=True)
class Step:
    """A query to look into, with the WITH steps in its scope and the place to point at."""

    query: exp.Expr
    masked: Masked
    steps: ChainMap[str, Step]
    at: Position | None = None
    view: str = ""
    """The view that the author's query reads here, and what it is called there."""
    alias: str = ""


@dataclass(frozen=True)
class Catalogue:
    """What is known of the tables: partitions and the queries of views, by full path."""

    project: str
    partitions: Mapping[str, Partition]
    views: Mapping[str, Query]


@dataclass(frozen=True)
class Miss:
    """A read of a partitioned table that is not bounded on both sides."""

    partition: Partition
    alias: str
    sides: frozenset[str]
    at: Position | None
    view: str = ""
    """The view through which it is read."""
    column: str = ""
    """What the view calls the column that must be bounded, "" when it does not return it."""


def partition_of(path: str, stored: TableInfo | None) -> Partition | None:
    """By what the table is cut into days, None when it is not or nothing is known of it."""
    if path.endswith("*"):
        return shards(path)
    if stored is None or not stored.is_partitioned:
        return None
    if not stored.partition_column:
        return Partition(path, "ingestion", _INGESTION)
    # a table cut by a range of integers has no days, so there is nothing to prove of it
    kind = stored.type_of(stored.partition_column)
    if kind not in ("DATE", "DATETIME", "TIMESTAMP"):
        return None
    return Partition(path, kind, (stored.partition_column.lower(),))  # type: ignore[arg-type]


def shards(path: str) -> Partition:
    """The days of a wildcard, such as project.dataset.events_*."""
    return Partition(path, "shards", (SUFFIX,))


def check(query: Query, catalogue: Catalogue, timezone: str) -> list[Finding]:
    """One error for every table that a run would read without bounds on its days."""
    misses = _Walk(query, catalogue).misses(Step(query.tree, query.masked, ChainMap()))
    # a step that is read twice would be reported twice for one and the same mistake
    shown = {(miss.partition.path, miss.alias): _finding(miss, timezone) for miss in misses}
    return list(shown.values())


class _Walk:
    """Looks for unbounded reads from the outermost query inwards.

    Steps and views wait until the query that reads them is done: a chain of them may be long.
    """

    def __init__(self, query: Query, catalogue: Catalogue) -> None:
        self.source = query.source
        self.catalogue = catalogue
        self.waiting: deque[tuple[Step, Pushed]] = deque()

    def misses(self, step: Step) -> Iterator[Miss]:
        """Every unbounded read of the query and of all that it builds on."""
        self.waiting.append((step, {}))
        while self.waiting:
            yield from self.query(*self.waiting.popleft())

    def query(self, step: Step, pushed: Pushed) -> Iterator[Miss]:
        """Unbounded reads of a query whose output is bounded from outside as `pushed` says."""
        node, steps = step.query, step.steps
        with_ = node.args.get("with_")
        for named in with_.expressions if with_ else ():
            name = step.masked.name(named.alias).lower()
            # each step sees only those before it, as WITH without RECURSIVE does
            steps = steps.new_child({name: replace(step, query=named.this, steps=steps)})
        inner = replace(step, steps=steps)
        if isinstance(node, exp.Select):
            yield from self._select(inner, pushed)
        elif isinstance(node, exp.SetOperation):
            yield from self._sides(inner, pushed)
        elif isinstance(node.this, exp.Expr):
            # LIMIT decides which rows there are, so a filter behind it may not run before it
            pushed = {} if node.args.get("limit") else pushed
            yield from self.query(replace(step, query=node.this, steps=steps), pushed)

    def _sides(self, step: Step, pushed: Pushed) -> Iterator[Miss]:
        """The SELECTs of a union; the names of its output are those of the first."""
        sides = list(outputs.selects(step.query))
        # a union's sides are matched by place: the second may call the same column otherwise
        names = [step.masked.name(column.output_name).lower() for column in sides[0].expressions]
        for side in sides:
            own = [step.masked.name(column.output_name).lower() for column in side.expressions]
            renamed = dict(zip(names, own, strict=False))
            through = {renamed.get(name, name): kept for name, kept in pushed.items()}
            yield from self.query(replace(step, query=side), through)

    def _select(self, step: Step, pushed: Pushed) -> Iterator[Miss]:
        select = step.query
        where = select.args.get("where")
        everywhere = united(
            [
                bounds(where.this if where else None, step.masked),
                _through(select, step.masked, pushed),
            ]
        )
        from_ = select.args.get("from_")
        joins = list(select.args.get("joins") or ())
        # an outer join keeps rows that fail its ON, so ON bounds only the side that may be missing
        inner = [join for join in joins if not join.side]
        everywhere = united([everywhere, *(bounds(j.args.get("on"), step.masked) for j in inner)])
        items = [(from_.this, everywhere)] if from_ else []
        for join in joins:
            on = bounds(join.args.get("on"), step.masked) if join.side == "LEFT" else {}
            items.append((join.this, united([everywhere, on])))
        for item, known in items:
            yield from self._item(step, item, known)
        yield from self._expressions(step, [where, *_others(select)])

    def _item(self, step: Step, item: exp.Expr, known: Bounds) -> Iterator[Miss]:
        """One item of FROM."""
        # joins in brackets: FROM (a JOIN b ON ...)
        for join in item.args.get("joins") or ():
            on = bounds(join.args.get("on"), step.masked) if join.side in ("", "LEFT") else {}
            yield from self._item(step, join.this, united([known, on]))
        if isinstance(item, exp.Table):
            yield from self._table(step, item, known)
        elif isinstance(item, exp.TableAlias):
            # behind |> AS name, the name alone stands for the rows before it
            name = step.masked.name(item.name).lower()
            self.waiting.append((step.steps[name], _for(name, known)))
        elif isinstance(item.this, exp.Query):
            alias = step.masked.name(item.alias).lower()
            inside = replace(step, query=item.this)
            yield from self.query(inside, _for(alias, known))
        elif isinstance(item, (exp.Subquery, exp.Paren)):
            yield from self._item(step, item.this, known)
        else:
            yield from self._expressions(step, [item])

    def _table(self, step: Step, table: exp.Table, known: Bounds) -> Iterator[Miss]:
        parts = _parts(step.masked, table)
        alias = step.masked.name(table.alias).lower() or parts[-1].lower()
        own = _for(alias, known)
        # dataset.table is a table of the project that runs the query
        path = ".".join(parts if len(parts) != 2 else [self.catalogue.project, *parts])
        at = step.at or tree.position(self.source, step.masked, table)
        # a step hides a table of the same name
        if len(parts) == 1 and parts[0].lower() in step.steps:
            self.waiting.append((step.steps[parts[0].lower()], own))
        elif view := self.catalogue.views.get(path):
            read = step.view or path, step.alias or step.masked.name(table.alias)
            self.waiting.append((Step(view.tree, view.masked, ChainMap(), at, *read), own))
        elif partition := self.catalogue.partitions.get(path):
            # either pseudo-column of an ingestion-time table prunes it
            sides = frozenset[str]().union(*(own.get(name, ()) for name in partition.columns))
            if not sides >= BOTH:
                written = step.masked.name(table.alias) if table.alias else ""
                column = self._exposed(step.view, partition.name) if step.view else partition.name
                alias = step.alias if step.view else written
                yield Miss(partition, alias, sides, at, step.view, column)

    def _exposed(self, view: str, column: str) -> str:
        """What a view calls a column of the tables behind it, "" when it does not return it."""
        query = self.catalogue.views[view]
        # a view of views: the inner one may have renamed the column before
        inner = next((it.path for it in query.tables if it.path in self.catalogue.views), "")
        name = self._exposed(inner, column) if inner and inner != view else column
        if not query.outputs:  # a star, which keeps the names
            return name
        texts = {it.text.rpartition(".")[2].strip("`").lower(): it.name for it in query.outputs}
        return texts.get(name.lower(), "")

    def _expressions(self, step: Step, nodes: Sequence[exp.Expr | None]) -> Iterator[Miss]:
        """Queries inside expressions; what bounds the rows around them says nothing of theirs."""
        pending = [node for node in nodes if node is not None]
        while pending:
            node = pending.pop()
            if isinstance(node, exp.Query):
                yield from self.query(replace(step, query=node), {})
            else:
                pending.extend(node.iter_expressions())


def _others(select: exp.Expr) -> list[exp.Expr]:
    """Every expression of a SELECT outside FROM, WHERE and WITH."""
    skipped = ("with_", "from_", "joins", "where")
    values = (value for name, value in select.args.items() if name not in skipped)
    listed = [part for value in values for part in (value if isinstance(value, list) else [value])]
    conditions = [join.args.get("on") for join in select.args.get("joins") or ()]
    return [part for part in [*listed, *conditions] if isinstance(part, exp.Expr)]


def _through(select: exp.Expr, masked: Masked, pushed: Pushed) -> Bounds:
    """What bounds on the output say of the columns inside; nothing past windows and limits."""
    # a window function sees rows that the outer filter would drop: BigQuery does not push it down
    is_barrier = any(select.args.get(clause) for clause in ("limit", "qualify", "windows"))
    if not pushed or is_barrier or any(column.find(exp.Window) for column in select.expressions):
        return {}
    inside = {}
    for column in select.expressions:
        name = masked.name(column.output_name).lower()
        # an expression of the partition column gives no bounds on the column itself
        core = plain_column(column.unalias())
        if column.is_star:
            alias = masked.name(core.table).lower() if core else ""
            # SELECT * REPLACE (...) AS date is another column under the same name
            replaced = {masked.name(it.alias).lower() for it in column.find_all(exp.Alias)}
            kept = {name: sides for name, sides in pushed.items() if name not in replaced}
            inside.update({(alias, name): sides for name, sides in kept.items()})
        elif name in pushed and core:
            inside[key_of(core, masked)] = pushed[name]
    return inside


def _for(alias: str, known: Bounds) -> Pushed:
    """The bounds on one row's columns; a column without alias may be any row's."""
    mine: dict[str, frozenset[str]] = {}
    for (row, name), sides in known.items():
        # which row a bare column belongs to is not known here; to believe it errs towards silence
        if row in ("", alias):
            mine[name] = mine.get(name, frozenset()) | sides
    return mine


def _parts(masked: Masked, table: exp.Table) -> list[str]:
    names = [masked.name(part.name) for part in table.parts]
    return [part for name in names for part in name.split(".")]


def _finding(miss: Miss, timezone: str) -> Finding:
    partition = miss.partition
    named = miss.column or partition.name
    column = f"{miss.alias}.{named}" if miss.alias else named
    cut = "sharded by day" if partition.kind == "shards" else f"partitioned by {partition.name}"
    return found(
        "partition_filter",
        f"{partition.path} is {cut}, {_what_is_missing(miss, column)} Every run would read all "
        f"of its days{_intraday(miss)}.{_through_view(miss)}",
        _fix(miss, f"WHERE {filter_of(partition, column, timezone)}"),
        at=miss.at,
    )


def _through_view(miss: Miss) -> str:
    if not miss.view:
        return ""
    known = f"calls it {miss.column}" if miss.column else "does not return it"
    return f" The query reads it through the view {miss.view}, which {known}."


def _fix(miss: Miss, where: str) -> str:
    if not miss.view or miss.column:
        return where
    name = miss.partition.name
    return f"Let the view {miss.view} return {name}, then write {where}; or read its table itself."


def _intraday(miss: Miss) -> str:
    """That the tables of today come along, where nothing bounds the days of GA4's export above."""
    is_open = "upper" not in miss.sides and miss.partition.path.endswith(".events_*")
    return ", and events_intraday_* too, whose events then count twice" if is_open else ""


def _what_is_missing(miss: Miss, column: str) -> str:
    wrapped = next((side for side in miss.sides if side.startswith("wrapped ")), "")
    if wrapped:
        return f"but {wrapped.removeprefix('wrapped ')} hides {column} from pruning."
    if miss.sides:
        known, lacking = ("below", "above") if "lower" in miss.sides else ("above", "below")
        return f"but {column} is bounded from {known} only, not from {lacking}."
    return f"but nothing bounds {column}."


def filter_of(partition: Partition, column: str, timezone: str) -> str:
    """The condition that reads just the days of a run."""
    if partition.kind == "shards":
        return (
            f"{column} BETWEEN FORMAT_DATE('%Y%m%d', @start_date) "
            "AND FORMAT_DATE('%Y%m%d', @end_date)"
        )
    if partition.kind in ("DATE", "ingestion"):
        return f"{column} BETWEEN @start_date AND @end_date"
    # only a moment depends on the zone in which a day begins
    zone = f", '{timezone}'" if partition.kind == "TIMESTAMP" else ""
    return (
        f"{column} >= {partition.kind}(@start_date{zone}) "
        f"AND {column} < {partition.kind}(DATE_ADD(@end_date, INTERVAL 1 DAY){zone})"
    )
