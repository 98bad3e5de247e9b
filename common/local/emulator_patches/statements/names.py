"""Names of output columns: an unnamed one is f0_, f1_ and so on, counted from the left.

Seen in 1.4.0: count_star(), (1 + 1), and whatever else DuckDB calls its expressions.
"""

from __future__ import annotations

from sqlglot import exp


def rewrite(tree: exp.Expr) -> exp.Expr:
    """The query with a name for every output column; other statements stay as they are."""
    query = tree
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    if isinstance(query, exp.Select) and not query.args.get("kind"):
        _name(query)
    return tree


def _name(select: exp.Select) -> None:
    count = 0
    for projection in list(select.expressions):
        if not isinstance(projection, exp.Alias | exp.Column | exp.Dot | exp.Star):
            projection.replace(exp.alias_(projection.copy(), f"f{count}_"))
            count += 1
