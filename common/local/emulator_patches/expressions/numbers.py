"""Arithmetic and casts: precedence lost in DIV and SAFE_*, division by zero, rounding, laxness.

Seen in 1.4.0: DIV(10 - 4, 3) is 9, CAST(2.5 AS INT64) is 2, CAST(123.0 AS STRING) is '123.0',
SAFE_CAST('1.0' AS INT64) is 1, NUMERIC keeps three decimals, x / 0 repeats both operands.
"""

from __future__ import annotations

from sqlglot import exp

from common.local.emulator_patches.expressions.functions import Rewrite, call, native, renamed

_CASTS = {
    exp.DType.BIGINT: "int64",
    exp.DType.DOUBLE: "float64",
    exp.DType.BOOLEAN: "bool",
    exp.DType.DATE: "date",
}


def _cast(node: exp.Expr) -> exp.Expr | None:
    kind = node.args["to"].this
    if isinstance(node.this, exp.Null) or _is_typed_literal(node):
        return None
    if kind == exp.DType.DOUBLE and isinstance(node, exp.TryCast) and _type_is_seen(node.this):
        return call("safe_number", node.this)
    if kind in _CASTS:
        return call(f"{'safe_' if isinstance(node, exp.TryCast) else ''}{_CASTS[kind]}", node.this)
    if kind == exp.DType.TEXT:
        return _text(node)
    if kind == exp.DType.BINARY:
        return call("bytes", node.this)
    return None


def _text(node: exp.Expr) -> exp.Expr:
    is_safe = isinstance(node, exp.TryCast)
    if _type_is_seen(node.this):
        return call(f"{'safe_' if is_safe else ''}text{_hint(node.this)}", node.this)
    value: exp.Expr = node.this
    if value.name.lower() == "googlesql_json_value":
        return value
    if value.name.lower() in _INTEGERS:
        return exp.cast(value, exp.DType.TEXT)
    text = call("string", value)
    return native("TRY", text) if is_safe else text


def _hint(value: exp.Expr) -> str:
    """What GA4 calls a FLOAT64, whose text is short work when no other type is expected."""
    return "_of_double" if value.name in ("double_value", "float_value") else ""


_INTEGERS = {"googlesql_unix", "googlesql_micros", "googlesql_int64"}
"""Calls that give an INT64, whose text is DuckDB's own."""


def _type_is_seen(value: exp.Expr) -> bool:
    """Whether DuckDB knows the value's type where it chooses among a macro's forms."""
    return value.find(exp.AggFunc, exp.Window, exp.Query, exp.Anonymous) is None


def _is_typed_literal(node: exp.Expr) -> bool:
    """DATE '2026-01-01' and CAST('2026-01-01' AS DATE) are one thing to the parser."""
    literal = node.this
    if not isinstance(literal, exp.Literal) or isinstance(node, exp.TryCast):
        return False
    kind = node.args["to"].this
    return kind == exp.DType.DATE or (kind == exp.DType.TEXT and literal.is_string)


def widen(node: exp.Expr) -> exp.Expr | None:
    """NUMERIC has nine decimals, where DuckDB's DECIMAL has three and the emulator's BIGNUMERIC
    five; that has 38 in BigQuery, and no more than here where it was a NUMERIC."""
    if node.this in (exp.DType.DECIMAL, exp.DType.BIGDECIMAL) and not node.expressions:
        node.set("this", exp.DType.DECIMAL)
        node.set("expressions", [exp.DataTypeParam(this=exp.convert(size)) for size in (38, 9)])
    return None


def _divide(node: exp.Expr) -> exp.Expr | None:
    divisor = node.args["expression"].unnest()
    if isinstance(divisor, exp.Literal) and float(divisor.this) != 0:
        return None
    return call("divide", node.this.unnest(), divisor)


def _modulo(node: exp.Expr) -> exp.Expr | None:
    """NULL in DuckDB where the divisor is zero."""
    divisor = node.args["expression"].unnest()
    if isinstance(divisor, exp.Literal) and float(divisor.this) != 0:
        return None
    return call("mod", node.this.unnest(), divisor)


def _literal(node: exp.Expr) -> exp.Expr | None:
    """1.5 is FLOAT64, where DuckDB would make it a DECIMAL."""
    text = str(node.this)
    if node.args["is_string"] or "." not in text or "e" in text.lower():
        return None
    return exp.Literal.number(f"{text}e0")


def _parse_numeric(node: exp.Expr) -> exp.Expr:
    """Commas group digits anywhere, and a sign may stand apart."""
    text = native("REGEXP_REPLACE", node.this, r"^\s*([-+]?)\s*", r"\1")
    return widened(native("REPLACE", text, ",", ""))


def widened(value: exp.Expr) -> exp.Expr:
    """The value as NUMERIC."""
    sizes = [exp.DataTypeParam(this=exp.convert(size)) for size in (38, 9)]
    return exp.cast(value, exp.DataType(this=exp.DType.DECIMAL, expressions=sizes))


def _count_if(node: exp.Expr) -> exp.Expr | None:
    """DuckDB's own count_if is NULL without rows and a HUGEINT with them."""
    return exp.Count(this=exp.case(copy=False).when(node.this, exp.convert(1), copy=False))


REWRITES: dict[type[exp.Expr], Rewrite] = {
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.DataType: widen,
    exp.Div: _divide,
    exp.Mod: _modulo,
    exp.Literal: _literal,
    exp.IntDiv: renamed("div", "this", "expression"),
    exp.SafeDivide: renamed("safe_divide", "this", "expression"),
    exp.SafeAdd: renamed("safe_add", "this", "expression"),
    exp.SafeSubtract: renamed("safe_subtract", "this", "expression"),
    exp.SafeMultiply: renamed("safe_multiply", "this", "expression"),
    exp.SafeNegate: renamed("safe_negate", "this"),
    exp.CountIf: _count_if,
    exp.Sign: renamed("sign", "this"),
    exp.BitwiseRightShift: renamed("shift_right", "this", "expression"),
    exp.ParseNumeric: _parse_numeric,
}
