"""Whose rows a query returns: the tables behind its output, and which of them a UNION unites.

A table that is only asked (IN, EXISTS, a scalar query) gives no row, and one whose rows are grouped
gives each of them once, however often it holds them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from common.guard.judge import Query
from common.guard.names import outputs
from common.guard.reading.mask import Masked
from common.guard.rules.determinism import function_name

_ADDED_UP = frozenset("SUM AVG COUNT COUNTIF STRING_AGG".split())
"""What becomes another where a row comes twice; MAX and ANY_VALUE do not."""


@dataclass(frozen=True)
class Flow:
    """The tables that give a query its rows, each by the place at which the text names it."""

    tables: frozenset[int] = frozenset()
    alone: frozenset[int] = frozenset()
    """Those of which no row of another table decides what is kept."""
    united: tuple[frozenset[int], ...] = ()
    """For each UNION the tables whose rows it puts under each other, undecided by others."""
    asked: frozenset[int] = frozenset()
    """Every table that is read, whether it gives rows or not."""


Steps = Mapping[str, Flow]


def of(query: Query) -> Flow:
    """The tables whose rows become rows of the query's output."""
    return _Walk(query.masked).query(query.tree, {})


class _Walk:
    def __init__(self, masked: Masked) -> None:
        self.masked = masked

    def query(self, node: exp.Expr, steps: Steps) -> Flow:
        """The tables behind a query that sees these steps."""
        with_ = node.args.get("with_")
        for named in with_.expressions if with_ else ():
            steps = {**steps, self._name(named.alias): self.query(named.this, steps)}
        if isinstance(node, exp.Select):
            return self._select(node, steps)
        if isinstance(node, exp.SetOperation):
            # a chain of unions leans left, as deep as it is long
            sides = [self.query(side, steps) for side in outputs.selects(node)]
            whole = _merged(sides)
            return replace(whole, united=(*whole.united, whole.alone))
        return self.query(node.this, steps) if isinstance(node.this, exp.Expr) else Flow()

    def _select(self, select: exp.Select, steps: Steps) -> Flow:
        items = list(_items(select))
        own = {self._name(item.alias_or_name) for item in items}
        givers = [self._item(item, steps) for item in items if self._gives_rows(item, own)]
        where = select.args.get("where")
        tables = where.find_all(exp.Table) if where else ()
        asked = [self._item(table, steps) for table in tables if self._gives_rows(table, own)]
        flow = replace(_merged(givers), asked=_merged([*givers, *asked]).asked)
        if select.args.get("group") and not _adds_up(select):
            return Flow(asked=flow.asked)
        if len(givers) + len(asked) < 2:
            return flow
        # one of two tables of a day may still go where a query looks at either once more
        united = (
            group
            for number, giver in enumerate(givers)
            for group in giver.united
            if not group & _merged([*givers[:number], *givers[number + 1 :], *asked]).asked
        )
        return replace(flow, alone=frozenset(), united=tuple(united))

    def _item(self, item: exp.Expr, steps: Steps) -> Flow:
        if isinstance(item, exp.Table) and isinstance(item.this, exp.Identifier):
            name = self._name(item.name)
            if not item.db and name in steps:
                return steps[name]
            line = item.this.meta.get("line")
            places = frozenset({self.masked.token(line).offset} if line else ())
            return Flow(places, places, asked=places)
        if isinstance(item, exp.TableAlias):
            # behind |> AS name, the name alone stands for the rows before it
            return steps.get(self._name(item.name), Flow())
        return self.query(item.this, steps) if isinstance(item.this, exp.Expr) else Flow()

    def _gives_rows(self, item: exp.Expr, own: set[str]) -> bool:
        """Whether it reads a table, and no array of a row that is there already."""
        if isinstance(item, exp.Table):
            return self._name(item.parts[0].name) not in own or len(item.parts) == 1
        return not isinstance(item, exp.Unnest)

    def _name(self, seen: str) -> str:
        return self.masked.name(seen).lower()


def _items(select: exp.Expr) -> Iterator[exp.Expr]:
    """What FROM lists and joins, also in brackets."""
    from_ = select.args.get("from_")
    waiting = [from_.this] if from_ else []
    waiting += [join.this for join in select.args.get("joins") or ()]
    while waiting:
        item = waiting.pop()
        waiting += [join.this for join in item.args.get("joins") or ()]
        is_bracket = isinstance(item, (exp.Subquery, exp.Paren))
        if is_bracket and not isinstance(item.this, exp.Query):
            waiting.append(item.this)
        else:
            yield item


def _merged(flows: list[Flow]) -> Flow:
    tables = frozenset[int]().union(*(it.tables for it in flows))
    alone = frozenset[int]().union(*(it.alone for it in flows))
    united = tuple({group: None for it in flows for group in it.united})
    return Flow(tables, alone, united, frozenset[int]().union(*(it.asked for it in flows)))


def _adds_up(select: exp.Select) -> bool:
    """Whether a sum or a number of the SELECT is another where a row comes twice."""
    inside = select.walk(prune=lambda node: isinstance(node, exp.Query) and node is not select)
    return any(function_name(node) in _ADDED_UP and not _is_whether_any(node) for node in inside)


def _is_whether_any(call: exp.Expr) -> bool:
    """Whether the call is only asked for being there: COUNTIF(...) > 0, or >= 1."""
    compared = call.parent
    if not isinstance(compared, (exp.GT, exp.GTE)) or compared.this is not call:
        return False
    return bool(compared.expression.name == ("0" if isinstance(compared, exp.GT) else "1"))
