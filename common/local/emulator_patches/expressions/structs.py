"""Structs in arrays: names given by the first element, AS STRUCT with a star.

Seen in 1.4.0: STRUCT(x, y) in ARRAY_AGG loses the names x and y, [STRUCT('a' AS key), ('b')] is
refused, ARRAY(SELECT AS STRUCT item.* ...) cannot be packed.
"""

from __future__ import annotations

from sqlglot import exp

from common.local.emulator_patches.expressions.functions import native


def rewrite(tree: exp.Expr) -> exp.Expr:
    """The tree with implied field names written out and struct rows made of whole rows."""
    for array in list(tree.find_all(exp.Array)):
        _name_elements(array)
    for struct in list(tree.find_all(exp.Struct)):
        _name_fields(struct)
    for select in list(tree.find_all(exp.Select)):
        if select.args.get("kind") == "STRUCT" and any(it.is_star for it in select.expressions):
            _pack_row(select)
    return tree


def _name_elements(array: exp.Array) -> None:
    elements = array.expressions
    if not elements or not isinstance(elements[0], exp.Struct):
        return
    names = [it.this for it in elements[0].expressions if isinstance(it, exp.PropertyEQ)]
    for element in elements[1:]:
        fields = element.expressions if isinstance(element, exp.Struct | exp.Tuple) else []
        if len(fields) == len(names) and not any(isinstance(it, exp.PropertyEQ) for it in fields):
            pairs = zip(names, fields, strict=True)
            named = [exp.PropertyEQ(this=name.copy(), expression=it.copy()) for name, it in pairs]
            element.replace(exp.Struct(expressions=named))


def _name_fields(struct: exp.Struct) -> None:
    """STRUCT(a, t.b) has the fields a and b; one without any name is a row without names."""
    fields = struct.expressions
    if fields and not any(isinstance(it, exp.PropertyEQ | exp.Column | exp.Dot) for it in fields):
        struct.replace(native("ROW", *(it.copy() for it in fields)))
        return
    for field in fields:
        if isinstance(field, exp.Column | exp.Dot):
            name = exp.to_identifier(field.name, quoted=True)
            field.replace(exp.PropertyEQ(this=name, expression=field.copy()))


def _pack_row(select: exp.Select) -> None:
    """SELECT AS STRUCT of anything with a star is the row of a subquery."""
    rows = select.copy()
    rows.set("kind", None)
    row = exp.column(exp.to_identifier("struct_row"))
    packed = exp.select(row).from_(rows.subquery("struct_row", copy=False), copy=False)
    select.replace(packed)
