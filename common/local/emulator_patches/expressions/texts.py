"""Text functions: FORMAT, TRIM, SUBSTR, LIKE with a backslash, UPPER, INSTR from the end,
FARM_FINGERPRINT of bytes, NET.HOST.

Seen in 1.4.0: FORMAT('%s', x) is '{}', %t and %T fail, TRIM keeps tabs, SUBSTR(x, 0, 2) has one
letter, 'a\\_c' never matches, UPPER leaves the engine for every row,
INSTR('banana', 'an', -1) is 0, NET.HOST is not known.
"""

from __future__ import annotations

import re

from sqlglot import exp

from common.local.emulator_patches.expressions.functions import Rewrite, call, native, renamed
from common.local.emulator_patches.expressions.functions import rewrite as rewrite_nodes

SPECIFIER = re.compile(r"%([-+ #0']*)(\d*)(?:\.(\d+))?([a-zA-Z%])")


def _format(node: exp.Expr) -> exp.Expr | None:
    pattern, values = node.this, list(node.expressions)
    if not isinstance(pattern, exp.Literal):
        return None
    parts: list[exp.Expr] = []
    end = 0
    for match in SPECIFIER.finditer(pattern.this):
        parts.append(exp.Literal.string(pattern.this[end : match.start()]))
        parts.append(exp.Literal.string("%") if match[4] == "%" else _piece(match, values.pop(0)))
        end = match.end()
    parts.append(exp.Literal.string(pattern.this[end:]))
    return concatenated(parts)


def concatenated(parts: list[exp.Expr]) -> exp.Expr:
    """The parts joined by ||, without empty literals; one NULL makes all of it NULL."""
    kept = [part for part in parts if part != exp.Literal.string("")] or [exp.Literal.string("")]
    joined = kept[0]
    for part in kept[1:]:
        joined = exp.DPipe(this=joined, expression=part, safe=True)
    return exp.paren(joined, copy=False)


def _piece(match: re.Match[str], value: exp.Expr) -> exp.Expr:
    flags, width, digits, kind = match.groups()
    if kind in "sStT":
        text = _shown(kind, value)
        if digits:
            text = native("LEFT", text, int(digits))
        return _padded(text, flags, int(width)) if width else text
    if "'" in flags:
        return native("FORMAT", "{:,}", value)
    if kind in "xXo":
        # of a negative number with its sign, where printf shows how it is kept
        size = exp.cast(native("ABS", value.copy()), exp.DType.BIGINT)
        sign = exp.case(copy=False).when(
            exp.LT(this=value, expression=exp.convert(0)), exp.convert("-"), copy=False
        )
        return concatenated([sign.else_(exp.convert("")), native("PRINTF", match[0], size)])
    number = exp.cast(value, exp.DType.DOUBLE if kind in "feEgG" else exp.DType.BIGINT)
    return native("PRINTF", match[0].replace("i", "d"), number)


def _shown(kind: str, value: exp.Expr) -> exp.Expr:
    if kind in "sS":
        return call("string", value)
    return call("shown" if kind == "t" else "literal", value)


def _padded(text: exp.Expr, flags: str, width: int) -> exp.Expr:
    short_by = exp.Sub(this=exp.convert(width), expression=native("LENGTH", text))
    missing = native("GREATEST", 0, short_by)
    blanks = native("REPEAT", " ", exp.cast(missing, exp.DType.BIGINT))
    parts = [text.copy(), blanks] if "-" in flags else [blanks, text.copy()]
    return concatenated(parts)


def _trim(node: exp.Expr) -> exp.Expr | None:
    if node.args.get("expression") is not None:
        return None
    position = {"LEADING": "_left", "TRAILING": "_right"}.get(node.args.get("position") or "", "")
    # DuckDB's own trim makes a set of the blanks anew for every row; a column costs no more when it
    # is named several times
    is_column = not position and isinstance(node.this, exp.Column)
    return call(f"trimmed{'_column' if is_column else position}", node.this)


def _substring(node: exp.Expr) -> exp.Expr | None:
    start, length = node.args.get("start"), node.args.get("length")
    simple = isinstance(start, exp.Literal) and int(start.this) > 0
    if start is None or (simple and (length is None or isinstance(length, exp.Literal))):
        return None
    return call("substr", node.this, start, length or exp.convert(2**31))


def _like(node: exp.Expr) -> exp.Expr | None:
    pattern = node.args["expression"]
    if isinstance(node.parent, exp.Escape) or not isinstance(pattern, exp.Literal | exp.Parameter):
        return None
    if isinstance(pattern, exp.Literal) and "\\" not in pattern.this:
        return None
    return exp.Escape(this=node.copy(), expression=exp.Literal.string("\\"))


def _net(node: exp.Expr) -> exp.Expr | None:
    return call("host", node.this.this) if isinstance(node.this, exp.Host) else None


def _sha(node: exp.Expr) -> exp.Expr | None:
    length = node.args.get("length")
    return native("bqemu_sha512", node.this) if length and length.name == "512" else None


def _hex(node: exp.Expr) -> exp.Expr | None:
    """A digest in hexadecimal is what DuckDB gives at once."""
    digest = node.this
    if (
        isinstance(digest, exp.SHA2Digest)
        and digest.args.get("length", exp.convert(256)).name == "256"
    ):
        return native("SHA256", digest.this)
    return None


def rewrite(tree: exp.Expr) -> None:
    """INSTR from the end, before the emulator's own rewrite of its fourth argument."""
    rewrite_nodes(tree, {exp.StrPosition: _position})


def _position(node: exp.Expr) -> exp.Expr | None:
    """INSTR that looks backwards; STRPOS and a plain INSTR are right as they are."""
    position = node.args.get("position")
    if not isinstance(position, exp.Neg):
        return None
    nth = node.args.get("occurrence") or 1
    return call("instr_backwards", node.this, node.args["substr"], position, nth)


def _code(node: exp.Expr) -> exp.Expr:
    """The first character's number; 0 of an empty text, where DuckDB has -1."""
    is_empty = exp.EQ(this=node.this.copy(), expression=exp.Literal.string(""))
    return exp.Case(
        ifs=[exp.If(this=is_empty, true=exp.convert(0))], default=native("UNICODE", node.this)
    )


REWRITES: dict[type[exp.Expr], Rewrite] = {
    exp.Format: _format,
    exp.Trim: _trim,
    exp.Substring: _substring,
    exp.Like: _like,
    exp.LowerHex: _hex,
    exp.SHA2: _sha,
    exp.SHA2Digest: _sha,
    exp.NetFunc: _net,
    exp.Upper: renamed("upper", "this"),
    exp.Unicode: _code,
    exp.FarmFingerprint: lambda node: call("farm_fingerprint", node.expressions[0]),
}
