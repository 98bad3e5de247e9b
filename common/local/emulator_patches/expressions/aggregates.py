"""ARRAY_AGG and STRING_AGG with IGNORE NULLS and LIMIT, which DuckDB's aggregates do not know.

Seen in 1.4.0: ARRAY_AGG(x IGNORE NULLS ORDER BY y LIMIT 1) is a syntax error.
"""

from __future__ import annotations

from sqlglot import exp

from common.local.emulator_patches.expressions.functions import native


def rewrite(tree: exp.Expr) -> exp.Expr:
    """The tree with nulls filtered before and the limit applied after the aggregate."""
    for node in list(tree.find_all(exp.ArrayAgg, exp.GroupConcat)):
        outer = node.parent if isinstance(node.parent, exp.IgnoreNulls) else node
        limit = node.this if isinstance(node.this, exp.Limit) else None
        if isinstance(outer, exp.IgnoreNulls) or limit is not None:
            outer.replace(_limited(node, limit, outer is not node))
    return tree


def _limited(node: exp.Expr, limit: exp.Limit | None, ignores: bool) -> exp.Expr:
    values = limit.this if limit is not None else node.this
    found: exp.Expr = exp.ArrayAgg(this=values.copy())
    if ignores:
        condition = exp.Not(this=exp.Is(this=_value(values).copy(), expression=exp.Null()))
        found = exp.Filter(this=found, expression=exp.Where(this=condition))
    if limit is not None:
        found = native("LIST_SLICE", found, 1, limit.expression.copy())
    if isinstance(node, exp.GroupConcat):
        separator = node.args.get("separator") or exp.Literal.string(",")
        return native("ARRAY_TO_STRING", found, separator.copy())
    return found


def _value(values: exp.Expr) -> exp.Expr:
    while isinstance(values, exp.Order | exp.Distinct):
        values = values.expressions[0] if isinstance(values, exp.Distinct) else values.this
    return values
