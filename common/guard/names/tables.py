"""Which tables a query reads, by GoogleSQL's rules of what a name in FROM means.

A name of one part is a step of WITH or a table; a path that begins with the alias of a row already
in scope is an array of that row; everything else is a table. Where scope is in doubt the path
counts as a table, so that nothing is read that was not judged.

Rows come into scope from left to right. Brackets, around a query or a join, begin anew with the
rows of the queries outside: https://github.com/google/zetasql, docs/query-syntax.md, "Correlated
join".
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

from common.guard.reading.mask import Masked

MAXIMUM_READS = 1_000
"""BigQuery works a WITH step out anew at each use, so steps that read each other twice double."""

Names = frozenset[str]
Steps = Mapping[str, int]
"""Names of WITH steps in scope, each with how much it reads."""
_NONE: Names = frozenset()


@dataclass(frozen=True)
class Read:
    """A table that the query reads: the parts of its path, and the node that names it."""

    parts: tuple[str, ...]
    node: exp.Table


def reads(masked: Masked, tree: exp.Query) -> tuple[list[Read], int]:
    """Every table in the tree that is neither a step of WITH nor an array of a row in scope.

    The number is that of all reads once every use of a step is written out.
    """
    resolver = _Resolver(masked)
    found = list(resolver.query(tree, {}, _NONE))
    # what the walk did not reach is judged as a table: to overlook one would be a hole
    unseen = (node for node in tree.find_all(exp.Table) if id(node) not in resolver.visited)
    return found + [Read(resolver.parts(node), node) for node in unseen], resolver.size


def fold(name: str) -> str:
    """The name as GoogleSQL compares names: A to Z as a to z, every other letter as it is.

    str.lower would take the Kelvin sign U+212A for a k, and one table for another.
    """
    return name.translate(_LOWER)


_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def written(masked: Masked, tree: exp.Query) -> tuple[Names, Names]:
    """The folded names that the author gave to steps of WITH, and those that he gave to rows."""
    steps, rows = set[str](), set[str]()
    for alias in tree.find_all(exp.TableAlias):
        if alias.this and not _is_own(alias.name):
            step = alias.parent if isinstance(alias.parent, exp.CTE) else None
            is_step = step is not None and not is_of_pipe(masked, step)
            (steps if is_step else rows).add(fold(masked.name(alias.name)))
    return frozenset(steps), frozenset(rows)


def is_of_pipe(masked: Masked, step: exp.CTE) -> bool:
    """Whether sqlglot made the step out of a pipe; GoogleSQL knows no table of that name."""
    if _is_own(step.alias):
        return True
    # |> AS name
    line = step.args["alias"].this.meta.get("line", 1)
    return line > 1 and masked.token(line - 1).has("AS")


def _is_own(seen: str) -> bool:
    """Whether sqlglot made the name itself; those of the author that begin so are masked."""
    return seen.startswith("__tmp")


def is_function(node: exp.Table) -> bool:
    """Whether a function, rather than a name, stands in FROM."""
    return not isinstance(node.this, (exp.Identifier, exp.Dot))


class _Resolver:
    """Walks queries in the order in which names come into scope.

    `visited` holds the tables seen, `size` how much the query read so far, steps written out.
    """

    def __init__(self, masked: Masked) -> None:
        self.masked = masked
        self.has_pipes = masked.has_pipes
        self.visited: set[int] = set()
        self.size = 0

    def query(self, query: exp.Expr, steps: Steps, rows: Names) -> Iterator[Read]:
        """Tables of a query; `steps` are WITH names and `rows` row aliases in scope outside."""
        with_ = query.args.get("with_")
        for step in with_.expressions if with_ else ():
            if is_of_pipe(self.masked, step):
                # read once, by the operator behind it; its name stands for rows, never for a table
                yield from self.query(step.this, steps, _NONE)
                continue
            # a step is measured alone, and counted again at each use
            outside, self.size = self.size, 0
            # a step sees no row of the query that it belongs to
            yield from self.query(step.this, steps, _NONE)
            steps = {**steps, fold(self.masked.name(step.alias)): self.size}
            self.size = outside
        if isinstance(query, exp.Select):
            yield from self._select(query, steps, rows)
        elif isinstance(query, exp.SetOperation):
            yield from self._set_operation(query, steps, rows)
        else:
            yield from self._bracketed(query, steps, rows)

    def _set_operation(self, query: exp.SetOperation, steps: Steps, rows: Names) -> Iterator[Read]:
        """A chain of unions leans left and may be long, so it is walked in a loop."""
        node: exp.Expr = query
        chain: list[exp.Expr] = []
        # a side with steps of its own is walked as a query, or its steps would be in nobody's scope
        while isinstance(node, exp.SetOperation) and (node is query or not node.args.get("with_")):
            chain.append(node.expression)
            yield from self._expressions(node, steps, _NONE, skip=("this", "expression", "with_"))
            node = node.this
        for side in [node, *reversed(chain)]:
            yield from self.query(side, steps, rows)

    def _bracketed(self, query: exp.Expr, steps: Steps, rows: Names) -> Iterator[Read]:
        if isinstance(query.this, (exp.Query, exp.Subquery)):
            yield from self.query(query.this, steps, rows)
            yield from self._expressions(query, steps, _NONE, skip=("this", "with_"))
        else:
            yield from self._item(query, steps, rows, rows)

    def _select(self, select: exp.Select, steps: Steps, outer: Names) -> Iterator[Read]:
        rows = outer
        from_ = select.args.get("from_")
        for item in [from_, *select.args.get("joins", ())]:
            if item is not None:
                rows = yield from self._item(item.this, steps, outer, rows)
                yield from self._expressions(item, steps, rows, skip=("this",))
        last = ("order", "limit", "offset")
        # whether a pipe's expressions see the rows before it, GoogleSQL's own two readers disagree;
        # without rows in sight each path counts as a table, which is the stricter reading
        seen = _NONE if self.has_pipes else rows
        yield from self._expressions(select, steps, seen, skip=("with_", "from_", "joins", *last))
        for clause in last:
            yield from self._below(select.args.get(clause), steps, _NONE)

    def _item(
        self, item: exp.Expr, steps: Steps, outer: Names, rows: Names
    ) -> Generator[Read, None, Names]:
        """One item of FROM with the joins that hang on it; returns the rows in scope after it.

        `outer` are the rows of the queries around this one, `rows` those and all to the left.
        """
        inside = rows
        if isinstance(item, exp.Table):
            yield from self._table(item, steps, rows)
        elif isinstance(item, (exp.Subquery, exp.Query)) and isinstance(item.this, exp.Query):
            yield from self.query(item.this, steps, outer)
        elif isinstance(item, (exp.Subquery, exp.Paren)):
            # inside brackets the rows to the left are out of sight; its own are seen behind them
            bracketed = yield from self._item(item.this, steps, outer, outer)
            inside |= bracketed
        else:
            yield from self._below(item, steps, rows)
        for pivot in item.args.get("pivots") or ():
            yield from self._below(pivot, steps, _NONE)
        inside |= self._alias(item)
        for join in item.args.get("joins") or ():
            inside = yield from self._item(join.this, steps, outer, inside)
            yield from self._expressions(join, steps, inside, skip=("this",))
        return inside

    def _table(self, table: exp.Table, steps: Steps, rows: Names) -> Iterator[Read]:
        self.visited.add(id(table))
        if is_function(table):
            yield Read((), table)
            yield from self._below(table.this, steps, rows)
            return
        if _is_own(table.name):
            return
        parts = self.parts(table)
        is_step = len(parts) == 1 and fold(parts[0]) in steps
        # one pair of backquotes around it all names a table, be it as a row is called
        is_array = len(table.parts) > 1 and fold(self._first(table)) in rows
        self.size += 1 + (steps[fold(parts[0])] if is_step else 0)
        if not is_step and not is_array:
            yield Read(parts, table)

    def _expressions(
        self, node: exp.Expr, steps: Steps, rows: Names, skip: tuple[str, ...]
    ) -> Iterator[Read]:
        for name, value in node.args.items():
            if name not in skip:
                for part in value if isinstance(value, list) else [value]:
                    yield from self._below(part, steps, rows)

    def _below(self, node: object, steps: Steps, rows: Names) -> Iterator[Read]:
        """Tables of every query inside an expression; a loop, for expressions nest deep."""
        pending = [node] if isinstance(node, exp.Expr) else []
        while pending:
            current = pending.pop()
            if isinstance(current, exp.Query):
                yield from self.query(current, steps, rows)
            elif isinstance(current, exp.Table):
                yield from self._item(current, steps, _NONE, _NONE)
            else:
                pending.extend(current.iter_expressions(reverse=True))

    def _alias(self, item: exp.Expr) -> Names:
        """The alias that an item of FROM itself brings into scope; what is pivoted brings none."""
        # GoogleSQL names what comes out of a pivot by the pivot's alias, not by the table's
        if item.args.get("pivots"):
            return _NONE
        alias = item.alias or self._implicit_alias(item)
        return frozenset({fold(self.masked.name(alias))}) if alias else _NONE

    def _implicit_alias(self, item: exp.Expr) -> str:
        """The last part of a path, unless one pair of backquotes holds it all; UNNEST's element."""
        if isinstance(item, exp.Unnest):
            named = item.args.get("alias")
            return str(named.columns[0].name) if named and named.columns else ""
        is_path = isinstance(item, exp.Table) and isinstance(item.this, exp.Identifier)
        return item.name if is_path and "." not in self.masked.name(item.name) else ""

    def _first(self, table: exp.Table) -> str:
        first = next(identifier for identifier in _identifiers(table))
        return self.masked.name(first.name)

    def parts(self, table: exp.Table) -> tuple[str, ...]:
        """The parts of the table's path; one pair of backquotes may hold several."""
        names = (self.masked.name(identifier.name) for identifier in _identifiers(table))
        return tuple(part for name in names for part in _split(name))


def _identifiers(table: exp.Table) -> Iterator[exp.Identifier]:
    # sqlglot hangs the parts of a path on three arguments, and a fourth part on a Dot in `this`
    for key in ("catalog", "db", "this"):
        if part := table.args.get(key):
            yield from part.find_all(exp.Identifier, bfs=False)


def _split(name: str) -> list[str]:
    """`example.com:project.dataset.table` has a dot inside its project."""
    domain, colon, rest = name.rpartition(":")
    first, *others = rest.split(".")
    return [domain + colon + first, *others]
