"""Which columns a condition bounds, and from which side, so that BigQuery can skip partitions.

A bound is a comparison of the column itself, or of its date, with something that no row changes.
Source: cloud.google.com/bigquery/docs/querying-partitioned-tables#better_performance_with_pruning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce

from sqlglot import exp

from common.guard.reading.mask import Masked
from common.guard.reading.words import DATE_PARTS
from common.guard.rules.determinism import function_name

SUFFIX = "_table_suffix"
Side = str
Key = tuple[str, str]
"""Alias of the row ("" when not written) and column, both in lower case."""
Bounds = Mapping[Key, frozenset[Side]]
"""For each column the sides on which it is bounded: lower, upper; or wrapped, by what hides it."""

# one side alone leaves all days before or after: as dear as none once the table is old
BOTH = frozenset({"lower", "upper"})
_KEEPS_ORDER = frozenset(
    "DATE TIMESTAMP DATETIME DATE_TRUNC TIMESTAMP_TRUNC DATETIME_TRUNC".split()
)
_SIDES: dict[type[exp.Expr], frozenset[Side]] = {
    exp.GT: frozenset({"lower"}),
    exp.GTE: frozenset({"lower"}),
    exp.LT: frozenset({"upper"}),
    exp.LTE: frozenset({"upper"}),
    exp.EQ: BOTH,
}
_MIRRORED = {"lower": "upper", "upper": "lower"}


def bounds(condition: exp.Expr | None, masked: Masked) -> Bounds:
    """The bounds that hold whenever the condition does."""
    node = condition.unnest() if condition is not None else None
    if isinstance(node, exp.And):
        return united(bounds(part, masked) for part in node.flatten())
    if isinstance(node, exp.Or):
        # a row may pass by either part, so only what both say holds of it
        return _common([bounds(part, masked) for part in node.flatten()])
    if isinstance(node, exp.Between):
        sides = (_side(node, name, masked) for name in ("low", "high"))
        return united(sides)
    if isinstance(node, exp.In) and not node.args.get("query"):
        # a list has a lowest and a highest value; the answer of a query is known too late to prune
        listed = [*node.expressions, node.args.get("unnest")]
        is_free = all(_is_free(value) for value in listed if value is not None)
        return _of(node.this, BOTH, masked) if is_free else {}
    return _comparison(node, masked) if type(node) in _SIDES and node is not None else {}


def united(parts: Iterable[Bounds]) -> Bounds:
    """What holds when all of the conditions hold."""
    merged: dict[Key, frozenset[Side]] = {}
    for part in parts:
        for key, sides in part.items():
            merged[key] = merged.get(key, frozenset()) | sides
    return merged


def _common(parts: list[Bounds]) -> Bounds:
    shared = reduce(lambda one, other: one & set(other), parts[1:], set(parts[0]))
    return {key: frozenset.intersection(*(part[key] for part in parts)) for key in shared}


def _side(node: exp.Between, name: str, masked: Masked) -> Bounds:
    side = "lower" if name == "low" else "upper"
    return _of(node.this, frozenset({side}), masked) if _is_free(node.args[name]) else {}


def _comparison(node: exp.Expr, masked: Masked) -> Bounds:
    left, right, sides = node.this, node.expression, _SIDES[type(node)]
    if _is_free(right):
        return _of(left, sides, masked)
    if _is_free(left):
        return _of(right, frozenset(_MIRRORED[side] for side in sides), masked)
    return {}


def _is_free(node: exp.Expr) -> bool:
    """Whether no row changes the value, and no other query has to run first to know it."""
    return not node.find(exp.Query) and not any(True for _ in _columns(node))


def _of(node: exp.Expr, sides: frozenset[Side], masked: Masked) -> Bounds:
    columns = list(_columns(node))
    keys = {key_of(column, masked) for column in columns}
    # of two columns in one expression neither is compared with a constant
    if len(keys) != 1 or node.find(exp.Query):
        return {}
    key = keys.pop()
    # the suffix is part of the table's name, so any expression of it alone is known beforehand
    if key[1] == SUFFIX or _core(node) is columns[0]:
        return {key: sides}
    # kept rather than dropped: the finding then names the function that hides the column
    return {key: frozenset({f"wrapped {_wrapper(node)}"})}


def key_of(column: exp.Column, masked: Masked) -> Key:
    """Alias and name of a column, in lower case."""
    return masked.name(column.table).lower(), masked.name(column.name).lower()


def plain_column(node: exp.Expr) -> exp.Column | None:
    """The column behind an expression that keeps its order, or None."""
    core = _core(node)
    return core if isinstance(core, exp.Column) else None


def _columns(node: exp.Expr) -> Iterator[exp.Column]:
    for column in node.find_all(exp.Column):
        call = column.parent
        # the MONTH of DATE_TRUNC(date, MONTH) is no column
        is_argument = isinstance(call, exp.Anonymous) and call.expressions[0] is not column
        if not (is_argument and not column.table and column.name.upper() in DATE_PARTS):
            yield column


def _core(node: exp.Expr) -> exp.Expr:
    """The expression without brackets and without functions that keep the order of days."""
    while True:
        if isinstance(node, exp.Paren) or (
            isinstance(node, exp.Cast) and node.to.is_type("date", "timestamp", "datetime")
        ):
            node = node.this
        elif function_name(node) in _KEEPS_ORDER and node.expressions:
            node = node.expressions[0]
        elif isinstance(node, exp.Extract) and node.name.upper() == "DATE":
            node = node.expression
        else:
            return node


def _wrapper(node: exp.Expr) -> str:
    named = (function_name(part) or _kind(part) for part in node.walk())
    return next((name for name in named if name), "an expression")


def _kind(node: exp.Expr) -> str:
    return {"Cast": "CAST", "TryCast": "SAFE_CAST", "Extract": "EXTRACT"}.get(
        type(node).__name__, ""
    )
