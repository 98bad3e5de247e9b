"""Subqueries over one array, such as the key lookup of GA4, which are slow rather than wrong.

DuckDB joins every row with the elements of its array. As a function over each row's own list the
same takes a tenth of the time or less. A lookup that finds two elements is an error in BigQuery:
(SELECT value.x FROM UNNEST(params) WHERE key = 'k'). Here the first one counts. And the place of an
element, which is wrong where it is computed; ARRAY_SLICE, which loses its last element.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, count
from typing import Any

from sqlglot import exp

from common.local.emulator_patches.expressions.functions import Rewrite, call, native, renamed
from common.local.emulator_patches.expressions.unnest import element_name

_PLAIN = ("joins", "group", "having", "qualify", "distinct", "windows", "with_", "offset")
_FIELDS = {"key", "value"}
"""Fields that may stand without the name of the element: nothing else in GA4 is called so."""
_AGGREGATES: dict[type[exp.Expr], str] = {
    exp.Sum: "LIST_SUM",
    exp.Max: "LIST_MAX",
    exp.Min: "LIST_MIN",
    exp.Avg: "LIST_AVG",
}


def rewrite(tree: exp.Expr) -> exp.Expr:
    """The tree with each subquery over one array as a list function, where it can be one."""
    numbers = count()
    lookups: list[tuple[exp.Expr, exp.Expr]] = []
    # inner subqueries first: an outer one can become a list function only when they have
    for node in reversed(list(tree.find_all(exp.Subquery, exp.Array, exp.Exists))):
        select = (
            node.expressions[0] if isinstance(node, exp.Array) and node.expressions else node.this
        )
        if isinstance(select, exp.Select):
            # one name for all, so that two lookups of one list are the same to DuckDB
            is_inmost = select.find(exp.Lambda) is None
            over = _over(select, "element" if is_inmost else f"element{next(numbers)}")
            found = _FORMS[type(node)](node, over) if over else None
            if over is not None and found is not None:
                node.replace(found)
                if isinstance(node, exp.Subquery) and (shared := _looked_up(over)):
                    lookups.append((found, shared))
    _share(lookups)
    return tree


def _share(lookups: list[tuple[exp.Expr, exp.Expr]]) -> None:
    """Lookups of one SELECT in one list as places in two lists of a row, where that is less work.

    DuckDB works out once what is written twice in one SELECT, but no function of an element, and
    nothing that it may not have to work out at all.
    """
    groups: dict[tuple[int, str], list[tuple[exp.Expr, exp.Expr]]] = {}
    for found, shared in lookups:
        if found.find_ancestor(exp.Select, exp.Lambda, *_LAZY) is (select := found.parent_select):
            groups.setdefault((id(select), shared.expressions[0].sql()), []).append((found, shared))
    for group in groups.values():
        if len(group) >= _ENOUGH:
            for found, shared in group:
                found.replace(shared)


_LAZY = (exp.If, exp.Case, exp.Coalesce, exp.And, exp.Or)
_ENOUGH = 3
"""So many lookups pay for looking at every element."""


@dataclass(frozen=True)
class _Over:
    """A SELECT over the elements of one array: which ones, and what of each."""

    array: exp.Expr
    elements: exp.Expr
    """The array, or what is left of it by the condition."""
    element: str
    projections: list[Any]
    condition: exp.Expr | None
    limit: int | None
    packs: bool
    is_sorted: bool
    """Whether the values come in their own order, NULL first."""

    def mapped(self, value: exp.Expr) -> exp.Expr:
        """The list of this value of each element."""
        found = _each(self.elements, self.element, value)
        return native("LIST_SORT", found, "ASC", "NULLS FIRST") if self.is_sorted else found


def _over(select: exp.Select, element: str) -> _Over | None:
    source = select.args["from_"].this if select.args.get("from_") else None
    # WITH OFFSET needs the elements' places, which LIST_FILTER loses
    if not isinstance(source, exp.Unnest) or source.args.get("offset"):
        return None
    if any(select.args.get(clause) for clause in _PLAIN):
        return None
    order = select.args.get("order")
    if order and not _by_itself(order, select):
        return None
    # without an alias the elements' fields are bare names, which may as well be the outer row's
    name = element_name(source)
    outer = set(_outer_names(select))
    where = select.args.get("where")
    parts = [
        _of_element(part, name, element, outer)
        for part in [*select.expressions, *([_members_listed(where.this)] if where else [])]
    ]
    if None in parts:
        return None
    condition = parts.pop() if where else None
    array = source.expressions[0].copy()
    kept = native("LIST_FILTER", array, _function(element, condition)) if condition else array
    limit = select.args.get("limit")
    size = int(limit.expression.name) if limit and limit.expression.is_int else None
    if limit and size is None:
        return None
    packs = select.args.get("kind") == "STRUCT"
    return _Over(array, kept, element, parts, condition, size, packs, order is not None)


def _members_listed(condition: exp.Expr) -> exp.Expr:
    """The condition of a WHERE with x IN UNNEST(list) as a function, where its NULL is no TRUE
    either: a subquery would make DuckDB join each row with its elements."""
    whole = exp.Paren(this=condition.copy())
    for node in list(whole.find_all(exp.In)):
        unnest = node.args.get("unnest")
        if not isinstance(unnest, exp.Unnest) or not isinstance(
            unnest.expressions[0], exp.Column | exp.Parameter
        ):
            continue
        above, is_plain = node.parent, True
        while above is not None and is_plain:
            is_plain = isinstance(above, exp.And | exp.Or | exp.Paren)
            above = above.parent
        if is_plain:
            found = native("LIST_CONTAINS", unnest.expressions[0].copy(), node.this.copy())
            node.replace(native("COALESCE", found, exp.false()))
    inside: exp.Expr = whole.this
    return inside


def _by_itself(order: exp.Order, select: exp.Select) -> bool:
    """Whether the one value that is selected is sorted by nothing but itself, upwards."""
    if len(select.expressions) != 1 or len(order.expressions) != 1 or select.args.get("kind"):
        return False
    key = order.expressions[0]
    if key.args.get("desc") or key.args.get("nulls_first") is False:
        return False
    value = select.expressions[0]
    return bool(key.this == exp.Literal.number(1) or key.this == value.unalias()) and not (
        value.find(exp.AggFunc) or value.is_star
    )


def _scalar(node: exp.Expr, over: _Over) -> exp.Expr | None:
    # there it stands for a table, not for one value
    if isinstance(node.parent, exp.From | exp.Join | exp.In | exp.Exists | exp.SetOperation):
        return None
    if len(over.projections) != 1 or over.packs:
        return None
    value = over.projections[0].unalias()
    if value.find(exp.AggFunc):
        return _aggregated(value, over)
    # keys are unique in GA4; any other lookup may find two, which is an error in BigQuery
    if over.limit == 1 or _compares_key(over):
        return native("LIST_EXTRACT", over.mapped(value), 1)
    return None


def _looked_up(over: _Over) -> exp.Expr | None:
    """The one value that is selected, in the place of the key; None where that is not the same."""
    asked, value = over.condition, over.projections[0].unalias()
    if over.packs or over.is_sorted or value.find(exp.AggFunc):
        return None
    if not isinstance(asked, exp.EQ) or not isinstance(asked.expression, exp.Literal):
        return None
    # every element is looked at, so that nothing may fail on those that are not asked for
    if not all(isinstance(it, _NEVER_FAIL) for it in _walk(value, asked.this)):
        return None
    keys = _each(over.array, over.element, asked.this)
    place = native("LIST_POSITION", keys, asked.expression.copy())
    return native("LIST_EXTRACT", _each(over.array, over.element, value), place)


_NEVER_FAIL = (
    *(exp.Column, exp.Dot, exp.Identifier, exp.Literal, exp.Null, exp.Paren, exp.DataType),
    *(exp.Coalesce, exp.TryCast, exp.JSONExtractScalar, exp.JSONPath, exp.JSONPathPart),
)
"""Nodes of expressions that are never an error."""


def _walk(*values: exp.Expr) -> Iterator[exp.Expr]:
    return chain.from_iterable(value.walk() for value in values)


def _aggregated(value: exp.Expr, over: _Over) -> exp.Expr | None:
    if over.limit is not None or isinstance(value.this, exp.Distinct):
        return None
    if isinstance(value, exp.Count) and isinstance(value.this, exp.Star):
        # COUNT(*) of a NULL array is 0, LEN of it is NULL
        return native("COALESCE", native("LEN", over.elements), 0)
    inner = value.this
    if type(value) not in _AGGREGATES or value.expressions or inner.find(exp.AggFunc):
        return None
    return native(_AGGREGATES[type(value)], over.mapped(inner))


def _array(node: exp.Expr, over: _Over) -> exp.Expr | None:
    if over.limit is not None or any(it.find(exp.AggFunc) or it.is_star for it in over.projections):
        return None
    if not over.packs and len(over.projections) != 1:
        return None
    value = _struct(over.projections) if over.packs else over.projections[0].unalias()
    # ARRAY(SELECT ...) is never NULL in BigQuery
    return native("COALESCE", over.mapped(value), exp.Array(expressions=[]))


def _exists(node: exp.Expr, over: _Over) -> exp.Expr | None:
    if over.limit is not None or any(it.find(exp.AggFunc) for it in over.projections):
        return None
    some = exp.GT(this=native("LEN", over.elements), expression=exp.convert(0))
    return native("COALESCE", some, exp.false())


_FORMS: dict[type[exp.Expr], Callable[[exp.Expr, _Over], exp.Expr | None]] = {
    exp.Subquery: _scalar,
    exp.Array: _array,
    exp.Exists: _exists,
}


def _struct(projections: list[exp.Expr]) -> exp.Expr:
    fields = [
        exp.PropertyEQ(
            this=exp.to_identifier(it.output_name or it.name, quoted=True), expression=it.unalias()
        )
        for it in projections
    ]
    return exp.Struct(expressions=fields)


def _each(array: exp.Expr, element: str, value: exp.Expr) -> exp.Expr:
    return native("LIST_TRANSFORM", array.copy(), _function(element, value.copy()))


def _function(element: str, body: exp.Expr) -> exp.Expr:
    return exp.Lambda(this=body, expressions=[exp.to_identifier(element)])


def _compares_key(over: _Over) -> bool:
    condition = over.condition
    return isinstance(condition, exp.EQ) and condition.this.sql() == f"{over.element}.key"


def _outer_names(select: exp.Select) -> Iterator[str]:
    """What the tables and elements around the subquery are called."""
    around = select.parent_select
    while around is not None:
        for source in (around.args.get("from_"), *(around.args.get("joins") or ())):
            if source is not None:
                yield (
                    element_name(source.this)
                    if isinstance(source.this, exp.Unnest)
                    else source.this.alias_or_name
                )
        around = around.parent_select


def _of_element(part: exp.Expr, name: str, element: str, outer: set[str]) -> exp.Expr | None:
    """The same with columns as fields of the element; None when one may be something else."""
    whole = exp.Paren(this=part.copy())
    # IN UNNEST(@list) is a subquery to DuckDB, and no function of an element may hold one
    if whole.find(exp.Query, exp.Window, exp.Unnest):
        return None
    for column in list(whole.find_all(exp.Column)):
        path = [it.name for it in column.parts]
        if path[0] == name and name:
            path = path[1:]
        # a column of the row around it stays what it is
        elif path[0] in outer and len(path) > 1:
            continue
        elif path[0] not in _FIELDS:
            return None
        named = [exp.to_identifier(it) for it in (element, *path)]
        column.replace(exp.Dot.build(named) if path else exp.column(element))
    element_wise: exp.Expr = whole.this
    return element_wise


def _place(node: exp.Expr) -> exp.Expr | None:
    """x[OFFSET(n)] counts from 0 whatever n is, and is an error beyond the array, where DuckDB has
    NULL; the parser moves only what it knows as a number."""
    first, places = node.args.get("offset"), node.expressions
    if first is None or len(places) != 1:
        return None
    place = places[0]
    is_safe = node.args.get("safe")
    if is_safe and (first == 1 or isinstance(place, exp.Literal)):
        return None
    if first == 0:
        place = exp.Add(this=exp.paren(place), expression=exp.convert(1))
    if not is_safe:
        place = call("place", place, native("len", node.this.copy()))
    node.set("expressions", [place])
    node.set("offset", 1)
    return None


def _contained(node: exp.Expr) -> exp.Expr | None:
    """x IN UNNEST(@list) in a projection, which DuckDB would join with each row anew."""
    unnest = node.args.get("unnest")
    if not isinstance(unnest, exp.Unnest) or not isinstance(unnest.expressions[0], exp.Parameter):
        return None
    around = node.find_ancestor(exp.Where, exp.Join, exp.Having, exp.Qualify, exp.Select)
    if not isinstance(around, exp.Select) or node.this.find(exp.Query):
        return None
    elements, value = unnest.expressions[0], node.this
    found = native("LIST_CONTAINS", elements.copy(), value.copy())
    # nothing is in an empty list, NULL neither
    any_of_them = exp.GT(this=native("LEN", elements.copy()), expression=exp.convert(0))
    is_unknown = exp.and_(any_of_them, exp.Is(this=value.copy(), expression=exp.null()))
    return exp.Case(
        ifs=[exp.If(this=is_unknown, true=exp.null())],
        default=native("COALESCE", found, exp.false()),
    )


REWRITES: dict[type[exp.Expr], Rewrite] = {
    exp.Bracket: _place,
    exp.In: _contained,
    exp.ArraySlice: renamed("slice", "this", "start", "end"),
}
