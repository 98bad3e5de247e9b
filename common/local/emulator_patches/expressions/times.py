"""Dates and times: differences, weeks, fractions of a second, formats, zones.

Seen in 1.4.0: TIMESTAMP_DIFF counts boundaries (23:30 to 01:00 is a day), WEEK(MONDAY) begins on
Sunday, TIMESTAMP_TRUNC(t, WEEK) on Monday, UNIX_SECONDS rounds up, EXTRACT(MILLISECOND) counts the
seconds too, %E3S and %s stay as they are, PARSE_TIMESTAMP forgets its zone.
"""

from __future__ import annotations

import re

from sqlglot import exp

from common.local.emulator_patches.expressions.functions import Rewrite, call, native, renamed
from common.local.emulator_patches.expressions.texts import concatenated

_MICROS = {
    "MICROSECOND": 1,
    "MILLISECOND": 1_000,
    "SECOND": 1_000_000,
    "MINUTE": 60_000_000,
    "HOUR": 3_600_000_000,
    "DAY": 86_400_000_000,
}
_DAYS = {
    day: number
    for number, day in enumerate(
        ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"), start=1
    )
}
_BUCKETS = {"DAY": "1 day", "MONTH": "1 month", "QUARTER": "3 months", "YEAR": "12 months"}
"""DuckDB's date_trunc makes a time of a date; its time_bucket keeps the type."""
_UTC = exp.Literal.string("UTC")
_FORMAT = re.compile(r"%E\dS|%E\*S|%Ez|%-?.")
_SPELLED = {"%D": "%m/%d/%y", "%R": "%H:%M", "%F": "%Y-%m-%d", "%T": "%H:%M:%S", "%h": "%b"}


def _unit(node: exp.Expr) -> str:
    unit = node.args.get("unit")
    return unit.name.upper() if unit is not None else ""


def _first_day(unit: exp.Expr | None) -> int | None:
    """The ISO day on which the unit's weeks begin, or None when it is no week."""
    if isinstance(unit, exp.WeekStart):
        return _DAYS[unit.name.upper()]
    name = unit.name.upper() if unit is not None else ""
    return {"WEEK": 7, "ISOWEEK": 1}.get(name)


def _timestamp_diff(node: exp.Expr) -> exp.Expr | None:
    size = _MICROS.get(_unit(node))
    if size is None:
        return None
    later, earlier = call("micros", node.this), call("micros", node.args["expression"])
    # BigQuery counts whole units between two moments, DuckDB the boundaries crossed
    difference = exp.paren(exp.Sub(this=later, expression=earlier), copy=False)
    return call("div", difference, size)


def _date_diff(node: exp.Expr) -> exp.Expr | None:
    first = _first_day(node.args.get("unit"))
    return None if first is None else call("week_diff", node.this, node.args["expression"], first)


def _trunc(node: exp.Expr) -> exp.Expr | None:
    first = _first_day(node.args.get("unit"))
    if isinstance(node, exp.DateTrunc) and _unit(node) in _BUCKETS:
        return native("TIME_BUCKET", exp.var(f"INTERVAL '{_BUCKETS[_unit(node)]}'"), node.this)
    if first is None:
        return None
    if isinstance(node, exp.TimestampTrunc):
        return call("week_timestamp", node.this, first, node.args.get("zone") or _UTC)
    week = call("week", node.this, first)
    return exp.cast(week, exp.DType.TIMESTAMP) if isinstance(node, exp.DatetimeTrunc) else week


def _last_day(node: exp.Expr) -> exp.Expr | None:
    unit = node.args.get("unit")
    # the emulator itself knows weeks that begin on Sunday
    if not isinstance(unit, exp.WeekStart) and (unit is None or unit.name.upper() != "ISOWEEK"):
        return None
    week = call("week", node.this, _first_day(unit))
    return exp.cast(exp.Add(this=week, expression=exp.convert(6)), exp.DType.DATE)


def _extract(node: exp.Expr) -> exp.Expr | None:
    unit = {"MILLISECOND": 1_000, "MICROSECOND": 1}.get(node.this.name.upper())
    return None if unit is None else call("subsecond", node.args["expression"], unit)


def _unix(unit: str) -> Rewrite:
    return lambda node: call("unix", node.this, _MICROS[unit])


def _from_unix(node: exp.Expr) -> exp.Expr | None:
    scale = node.args.get("scale")
    if scale is None:
        return None
    # the macro takes microseconds, so milliseconds are multiplied here
    micros = (
        node.this
        if scale.name == "6"
        else exp.Mul(this=exp.paren(node.this), expression=exp.convert(1000))
    )
    return call("timestamp_micros", micros)


def _format(node: exp.Expr) -> exp.Expr | None:
    pattern = node.args["format"]
    if not isinstance(pattern, exp.Literal):
        return None
    value = node.this
    # only a TIMESTAMP is shown in a zone; a DATETIME has none
    zoned = isinstance(value, exp.TsOrDsToTimestamp)
    value = (
        value.this
        if isinstance(value, exp.TsOrDsToTimestamp | exp.TsOrDsToDate | exp.TsOrDsToDatetime)
        else value
    )
    zone = node.args.get("zone") or _UTC
    local = call("local", value, zone) if zoned else exp.cast(value, exp.DType.TIMESTAMP)
    return concatenated(list(_pieces(pattern.this, local, value, zone)))


def _pieces(pattern: str, local, value, zone):  # type: ignore[no-untyped-def]
    plain = ""
    for token in _tokens(pattern):
        special = _special(token, local, value, zone)
        if special is None:
            plain += _SPELLED.get(token, token)
            continue
        yield _strftime(local, plain)
        plain = ""
        yield special
    yield _strftime(local, plain)


def _tokens(pattern: str) -> list[str]:
    tokens, end = [], 0
    for match in _FORMAT.finditer(pattern):
        tokens += [*pattern[end : match.start()], match[0]]
        end = match.end()
    return [*tokens, *pattern[end:]]


def _strftime(local: exp.Expr, pattern: str) -> exp.Expr:
    if "%" not in pattern:
        return exp.Literal.string(pattern)
    return native("STRFTIME", local.copy(), pattern)


def _special(token: str, local, value, zone):  # type: ignore[no-untyped-def]
    local, value, zone = local.copy(), value.copy(), zone.copy()
    if token in ("%n", "%t"):
        return exp.Literal.string({"%n": "\n", "%t": "\t"}[token])
    if token == "%E*S":
        return call("second_all", local)
    if re.fullmatch(r"%E\dS", token):
        return call("second_text", local, int(token[2]))
    if token == "%s":
        return call("string", call("unix", value, 1_000_000))
    if token in ("%Ez", "%z"):
        return call(
            "offset_text", call("offset_minutes", value, zone), ":" if token == "%Ez" else ""
        )
    if token == "%Z":
        return call("zone_name", call("offset_minutes", value, zone))
    if token == "%Q":
        return call("string", native("QUARTER", local))
    if token in ("%e", "%-d"):
        return native("LPAD", native("STRFTIME", local, "%-d"), 2, " ")
    return None


def _parse(node: exp.Expr) -> exp.Expr | None:
    pattern = node.args["format"]
    if not isinstance(pattern, exp.Literal):
        return None
    if pattern.this == "%s":
        return native("TO_TIMESTAMP", exp.cast(node.this, exp.DType.BIGINT))
    parsed = native("STRPTIME", node.this, _parse_patterns(pattern.this))
    return call("parsed_timestamp", parsed, node.args.get("zone") or _UTC)


def _parse_datetime(node: exp.Expr) -> exp.Expr | None:
    pattern = node.args["format"]
    if not isinstance(pattern, exp.Literal):
        return None
    return exp.cast(
        native("STRPTIME", node.this, _parse_patterns(pattern.this)), exp.DType.TIMESTAMP
    )


def _parse_patterns(pattern: str) -> exp.Expr:
    """DuckDB tries each in turn: a fraction of a second may be there or not."""
    pattern = pattern.replace("%Ez", "%z")
    for short, long in _SPELLED.items():
        pattern = pattern.replace(short, long)
    whole = re.sub(r"%E[\d*]S", "%S", pattern)
    fraction = re.sub(r"%E[\d*]S", "%S.%f", pattern)
    return exp.Array(
        expressions=[exp.Literal.string(it) for it in dict.fromkeys((fraction, whole))]
    )


def _timestamps(node: exp.Expr) -> exp.Expr | None:
    for bound in ("start", "end"):
        if isinstance(node.args[bound], exp.Literal):
            node.set(bound, exp.cast(node.args[bound], exp.DType.TIMESTAMPTZ))
    return None


def _date(node: exp.Expr) -> exp.Expr | None:
    zone = node.args.get("zone")
    if zone is None or node.expressions:
        return None
    return call("day", exp.cast(node.this, exp.DType.TIMESTAMPTZ), zone)


def _string(node: exp.Expr) -> exp.Expr | None:
    zone = node.args.get("zone")
    return call("zoned_text", node.this, zone) if zone is not None else call("string", node.this)


def _current_datetime(node: exp.Expr) -> exp.Expr | None:
    return native("TIMEZONE", node.this or _UTC, exp.CurrentTimestamp())


REWRITES: dict[type[exp.Expr], Rewrite] = {
    exp.TimestampDiff: _timestamp_diff,
    exp.DateDiff: _date_diff,
    exp.DatetimeDiff: _date_diff,
    exp.DateTrunc: _trunc,
    exp.DatetimeTrunc: _trunc,
    exp.TimestampTrunc: _trunc,
    exp.Extract: _extract,
    exp.LastDay: _last_day,
    exp.Date: _date,
    exp.CurrentDatetime: _current_datetime,
    exp.String: _string,
    exp.UnixSeconds: _unix("SECOND"),
    exp.UnixMillis: _unix("MILLISECOND"),
    exp.UnixMicros: renamed("micros", "this"),
    exp.UnixToTime: _from_unix,
    exp.TimeToStr: _format,
    exp.StrToTime: _parse,
    exp.ParseDatetime: _parse_datetime,
    exp.GenerateTimestampArray: _timestamps,
}
