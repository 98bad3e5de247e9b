"""What would be answered otherwise than by BigQuery: refused by name, before it runs.

Seen in 1.4.0, without a word: CAST(d AS STRING FORMAT 'DD.MM.YYYY') leaves the format out,
FORMAT('%*d', 5, 7) is '%*d', DATE - DATE a number, FORMAT_DATE('%H', d) '00', PARSE_DATE without a
year in 1900, LAX_BOOL of 12 NULL, JSON_TYPE 'varchar'.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bqemulator.domain.errors import UnsupportedFeatureError
from sqlglot import exp

from common.local.emulator_patches.expressions.texts import SPECIFIER

_OF_TIME = re.compile(r"%E?[\d*]?[HIMSTRXZcpsz]")
_OF_ZONE = re.compile(r"%E?[Zz]")
_OF_YEAR = re.compile(r"%(?:E4)?[YyCFDscx]")
_UNREAD = re.compile(r"%[GgVuUW]")
_MOMENTS = (
    *(exp.Date, exp.CurrentDate, exp.DateAdd, exp.DateSub, exp.DateTrunc, exp.StrToDate),
    *(exp.Timestamp, exp.CurrentTimestamp, exp.TimestampTrunc, exp.StrToTime),
)
_KINDS = {
    exp.DType.DATE,
    exp.DType.DATETIME,
    exp.DType.TIME,
    exp.DType.TIMESTAMP,
    exp.DType.TIMESTAMPTZ,
}


def refuse(tree: exp.Expr) -> None:
    """Raises the emulator's error of a feature that it lacks, with the feature's name."""
    for node in tree.find_all(*_NAMES):
        name = _NAMES[type(node)](node)
        if name:
            raise UnsupportedFeatureError(
                f"The query uses {name}, which the local engine does not know; BigQuery does.",
                location="query",
            )


def _cast(node: exp.Expr) -> str:
    if node.args.get("format"):
        return f"CAST(... FORMAT {node.args['format'].sql('bigquery')})"
    if isinstance(node.this, exp.Interval):
        return "CAST of an INTERVAL"
    kind = node.args["to"].this
    return "CAST to INTERVAL" if kind == exp.DType.INTERVAL else ""


def _difference(node: exp.Expr) -> str:
    sides = (node.this.unnest(), node.args["expression"].unnest())
    return "DATE - DATE or the like, an INTERVAL" if all(map(_is_moment, sides)) else ""


def _is_moment(node: exp.Expr) -> bool:
    is_cast = isinstance(node, exp.Cast) and node.args["to"].this in _KINDS
    return is_cast or isinstance(node, _MOMENTS)


def _shown(node: exp.Expr) -> str:
    value, pattern = node.this, _pattern(node)
    if isinstance(value, exp.TsOrDsToTime):
        return "FORMAT_TIME"
    if isinstance(value, exp.TsOrDsToDate) and (found := _OF_TIME.search(pattern)):
        return f"FORMAT_DATE with {found[0]}, an element of a time"
    if isinstance(value, exp.TsOrDsToDatetime) and (found := _OF_ZONE.search(pattern)):
        return f"FORMAT_DATETIME with {found[0]}, an element of a zone"
    return "the format element %g" if "%g" in pattern else ""


def _read(node: exp.Expr) -> str:
    pattern = _pattern(node)
    if not pattern:
        return ""
    if found := _UNREAD.search(pattern):
        return f"{found[0]} in the format of what is parsed"
    return "" if _OF_YEAR.search(pattern) else f"the format {pattern!r} without a year"


def _pattern(node: exp.Expr) -> str:
    found = node.args.get("format")
    return str(found.this) if isinstance(found, exp.Literal) else ""


def _format(node: exp.Expr) -> str:
    text = str(node.this.this) if isinstance(node.this, exp.Literal) else ""
    if re.search(r"%[-+ #0']*\d*\.?\*", text):
        return "FORMAT with *"
    for flags, width, digits, kind in SPECIFIER.findall(text):
        is_plain = not (flags or width or digits)
        if kind in "TpP":
            return f"FORMAT with %{kind}"
        if kind == "t" and node.find(exp.Struct, exp.Tuple, exp.Interval):
            return "FORMAT with %t of a STRUCT or INTERVAL"
        if "#" in flags or (kind in "xXo" and not is_plain):
            return f"FORMAT with %{flags}{width}{kind}"
        if "'" in flags and (flags != "'" or width or digits or kind not in "di"):
            return "FORMAT with ' beside other flags"
    return ""


def _rounded(node: exp.Expr) -> str:
    return "ROUND with a mode" if node.args.get("truncate") else ""


def _extracted(node: exp.Expr) -> str:
    part = node.this
    if isinstance(part, exp.WeekStart):
        return f"EXTRACT(WEEK({part.name}))"
    return f"EXTRACT({part.name})" if part.name.upper() in ("TIME", "DATETIME") else ""


def _truncated(node: exp.Expr) -> str:
    unit, zone = node.args.get("unit"), node.args.get("zone")
    is_isoyear = zone is not None and unit is not None and unit.name.upper() == "ISOYEAR"
    return "TIMESTAMP_TRUNC to an ISOYEAR of a zone" if is_isoyear else ""


def _always(name: str) -> Callable[[exp.Expr], str]:
    return lambda node: name


_NAMES: dict[type[exp.Expr], Callable[[exp.Expr], str]] = {
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Sub: _difference,
    exp.TimeToStr: _shown,
    exp.StrToDate: _read,
    exp.StrToTime: _read,
    exp.ParseDatetime: _read,
    exp.Format: _format,
    exp.Round: _rounded,
    exp.Extract: _extracted,
    exp.TimestampTrunc: _truncated,
    exp.ParseBignumeric: _always("PARSE_BIGNUMERIC"),
    exp.JSONType: _always("JSON_TYPE"),
    exp.LaxBool: _always("LAX_BOOL"),
    exp.LaxString: _always("LAX_STRING"),
    exp.Soundex: _always("SOUNDEX"),
}
