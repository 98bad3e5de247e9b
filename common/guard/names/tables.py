"""Which tables a query reads, by GoogleSQL's rules of what a name in FROM means.

A name of one part is a step of WITH or a table; a path that begins with the alias of a row already
in scope is an array of that row; everything else is a table. Where scope is in doubt the path
counts as a table, so that nothing is read that was not judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    unseen = (node for node in tree.find_all(exp.Table) if id(node) not in resolver.visited)
    return found + [Read(resolver.parts(node), node) for node in unseen], resolver.size


def is_function(node: exp.Table) -> bool:
    """Whether a function, rather than a name, stands in FROM."""
    return not isinstance(node.this, (exp.Identifier, exp.Dot))


class _Resolver:
    """Walks queries in the order in which names come into scope.

    `visited` holds the tables seen, `size` how much the query read so far, steps written out.
    """

    def __init__(self, masked: Masked) -> None:
        self.masked = masked
        self.visited: set[int] = set()
        self.size = 0

    def query(self, query: exp.Expr, steps: Steps, rows: Names) -> Iterator[Read]:
        """Tables of a query; `steps` are WITH names and `rows` row aliases in scope outside."""
        with_ = query.args.get("with_")
        for step in with_.expressions if with_ else ():
            outside, self.size = self.size, 0
            yield from self.query(step.this, steps, _NONE)
            steps = {**steps, step.alias.lower(): self.size}
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
            yield from self._item(query, steps, rows)

    def _select(self, select: exp.Select, steps: Steps, outer: Names) -> Iterator[Read]:
        rows = outer
        from_ = select.args.get("from_")
        for item in [from_, *select.args.get("joins", ())]:
            if item is not None:
                yield from self._item(item.this, steps, rows)
                rows |= self._aliases(item.this)
                yield from self._expressions(item, steps, rows, skip=("this",))
        last = ("order", "limit", "offset")
        yield from self._expressions(select, steps, rows, skip=("with_", "from_", "joins", *last))
        for clause in last:
            yield from self._below(select.args.get(clause), steps, _NONE)

    def _item(self, item: exp.Expr, steps: Steps, rows: Names) -> Iterator[Read]:
        """One item of FROM with the joins that hang on it."""
        if isinstance(item, exp.Table):
            yield from self._table(item, steps, rows)
        elif isinstance(item, (exp.Subquery, exp.Query)) and isinstance(item.this, exp.Query):
            # Rows of siblings are not in scope inside brackets; those outside may not be either.
            yield from self.query(item.this, steps, _NONE)
        elif isinstance(item, (exp.Subquery, exp.Paren)):
            yield from self._item(item.this, steps, rows)
        else:
            yield from self._below(item, steps, rows)
        inside = rows | self._aliases(item)
        for join in item.args.get("joins") or ():
            yield from self._item(join.this, steps, inside)
            inside |= self._aliases(join.this)
            yield from self._expressions(join, steps, inside, skip=("this",))
        for pivot in item.args.get("pivots") or ():
            yield from self._below(pivot, steps, _NONE)

    def _table(self, table: exp.Table, steps: Steps, rows: Names) -> Iterator[Read]:
        self.visited.add(id(table))
        if is_function(table):
            yield Read((), table)
            yield from self._below(table.this, steps, rows)
            return
        parts = self.parts(table)
        is_step = len(parts) == 1 and parts[0].lower() in steps
        is_array = len(parts) > 1 and self._first(table).lower() in rows
        self.size += 1 + (steps[parts[0].lower()] if is_step else 0)
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
                yield from self._item(current, steps, _NONE)
            else:
                pending.extend(current.iter_expressions(reverse=True))

    def _aliases(self, item: exp.Expr) -> Names:
        """Row aliases that an item of FROM brings into scope."""
        inside: Names = _NONE
        if isinstance(item, (exp.Subquery, exp.Paren)) and not isinstance(item.this, exp.Query):
            inside = self._aliases(item.this)
        for join in item.args.get("joins") or ():
            inside |= self._aliases(join.this)
        alias = item.alias or (isinstance(item, exp.Table) and self._implicit_alias(item)) or ""
        return inside | ({self.masked.name(alias).lower()} if alias else _NONE)

    def _implicit_alias(self, table: exp.Table) -> str:
        """The last part of a path; none when it is within one pair of backquotes."""
        return table.name if isinstance(table.this, exp.Identifier) else ""

    def _first(self, table: exp.Table) -> str:
        first = next(identifier for identifier in _identifiers(table))
        return self.masked.name(first.name)

    def parts(self, table: exp.Table) -> tuple[str, ...]:
        """The parts of the table's path; one pair of backquotes may hold several."""
        names = (self.masked.name(identifier.name) for identifier in _identifiers(table))
        return tuple(part for name in names for part in _split(name))


def _identifiers(table: exp.Table) -> Iterator[exp.Identifier]:
    for key in ("catalog", "db", "this"):
        if part := table.args.get(key):
            yield from part.find_all(exp.Identifier, bfs=False)


def _split(name: str) -> list[str]:
    """`example.com:project.dataset.table` has a dot inside its project."""
    domain, colon, rest = name.rpartition(":")
    first, *others = rest.split(".")
    return [domain + colon + first, *others]
