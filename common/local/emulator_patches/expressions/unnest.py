"""UNNEST of structs: fields are columns, the alias is the element, offsets count from 0.

Seen in 1.4.0: (SELECT value.int_value FROM UNNEST(params) WHERE key = 'k') is refused, as is every
field that is not qualified; SELECT offset becomes (offset - 1) in name; an alias that is also the
name of a column is ambiguous. Only aliased and qualified fields work, and they stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from common.local.emulator_patches.expressions.functions import native

_NAMELESS = "unnested"


def rewrite(tree: exp.Expr) -> exp.Expr:
    """The tree with every UNNEST in a FROM or JOIN that needs it as a subquery of our own."""
    for unnest in list(tree.find_all(exp.Unnest)):
        if isinstance(unnest.parent, exp.From | exp.Join) and len(unnest.expressions) == 1:
            if isinstance(unnest.parent, exp.Join) and unnest.parent.side:
                unnest.parent.set("on", unnest.parent.args.get("on") or exp.true())
            unnest.replace(_subquery(unnest))
    return tree


def _subquery(unnest: exp.Unnest) -> exp.Expr:
    array = unnest.expressions[0]
    name = element_name(unnest)
    columns = list(_columns(unnest, array, name))
    offset = unnest.args.get("offset")
    if offset:
        columns.append(_offset(array.copy(), offset))
    wanted = exp.select(*columns, copy=False)
    return wanted.subquery(exp.to_identifier(name or _NAMELESS, quoted=True), copy=False)


def element_name(unnest: exp.Unnest) -> str:
    """What the query calls an element of the array; "" when it does not say."""
    alias = unnest.args.get("alias")
    if alias is None:
        return ""
    return str(alias.columns[0].name if alias.columns else alias.name)


def _columns(unnest: exp.Unnest, array: exp.Expr, name: str) -> Iterator[exp.Expr]:
    select = unnest.find_ancestor(exp.Select)
    if not name:
        yield _spread(array.copy())
    elif select is None or any(it.is_star for it in select.expressions):
        # a star shows the fields of a struct, or the plain value under the alias
        yield exp.alias_(_spread(array.copy()), name, quoted=True)
    else:
        yield exp.alias_(native("UNNEST", array.copy()), name, quoted=True)
        if _fields_are_used(select, name):
            yield _spread(array.copy())


def _spread(array: exp.Expr) -> exp.Expr:
    """One column per field of a struct, or one nameless column of plain values."""
    depth = exp.PropertyEQ(this=exp.to_identifier("max_depth"), expression=exp.convert(2))
    return native("UNNEST", array, depth)


def _offset(array: exp.Expr, offset: exp.Expr | bool) -> exp.Expr:
    name = offset.name if isinstance(offset, exp.Expr) else "offset"
    positions = native("RANGE", native("LEN", array))
    return exp.alias_(native("UNNEST", positions), name, quoted=True)


def _fields_are_used(select: exp.Select, name: str) -> bool:
    """Whether a bare column of the SELECT, or of one within it, may be a field of the element."""
    bare = {column.name for column in select.find_all(exp.Column) if not column.table}
    aliases = {projection.alias for projection in select.expressions}
    return bool(bare - {name} - aliases)
