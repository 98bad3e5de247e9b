"""The days and values that conditions leave of a table, where constants say so.

A comparison with what a row may change bounds nothing, nor does one that is not understood. Days
are those of UTC, as BigQuery partitions moments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlglot import exp

from common.bigquery.sql import Parameter

Bound = tuple[date | None, date | None]
"""The first and the last day; None is no bound."""
SUFFIX = "suffix"
"""Type of _TABLE_SUFFIX, whose texts are days."""
WHOLE_DAYS = ("DATE", SUFFIX)
"""Types of which a value that lies after one of a day lies on a later day."""
TEXTS = ("STRING", "BOOL", "BOOLEAN")
MOMENTS = ("TIMESTAMP", "DATETIME")


@dataclass(frozen=True)
class Where:
    """Of which table a condition is asked, and with which constants."""

    alias: str
    types: Mapping[str, str]
    """Column in lower case → its type, the suffix of daily tables as `SUFFIX`."""
    parameters: Mapping[str, Parameter]
    begun: str = ""
    """Digits that a wildcard such as events_2026* says before the suffix."""


def narrowed(
    condition: exp.Expr | None, where: Where
) -> tuple[dict[str, Bound], dict[str, tuple[str, ...]]]:
    """Column → the days, and column → the only values that it may have, days as YYYY-MM-DD."""
    bounds: dict[str, Bound] = {}
    values: dict[str, tuple[str, ...]] = {}
    for part in _parts(condition):
        for name, bound in _bounded(part, where):
            # all of them hold at once
            bounds[name] = _narrower(bounds.get(name, (None, None)), bound)
        if (listed := _listed(part, where)) is not None:
            values[listed[0]] = listed[1]
    return bounds, values


def _parts(condition: exp.Expr | None) -> Iterator[exp.Expr]:
    waiting = [condition] if condition is not None else []
    while waiting:
        node = waiting.pop(0).unnest()
        if isinstance(node, exp.And):
            waiting += node.flatten()
        else:
            yield node


def _bounded(node: exp.Expr, where: Where) -> Iterator[tuple[str, Bound]]:
    """The column and the days that a comparison leaves; nothing where it bounds nothing."""
    if isinstance(node, exp.Between):
        if name := _name(node.this, where):
            low, high = (_constant(node.args[side], name, where) for side in ("low", "high"))
            yield name, (_day(low), _day(high))
        return
    if not isinstance(node, exp.EQ | exp.GT | exp.GTE | exp.LT | exp.LTE):
        return
    for column, value, mirrored in (
        (node.this, node.expression, False),
        (node.expression, node.this, True),
    ):
        name = _name(column, where)
        constant = _constant(value, name, where) if name else None
        if constant is not None:
            yield name, _side(node, constant, mirrored, where.types.get(name, "") in WHOLE_DAYS)


def _side(node: exp.Expr, constant: date, mirrored: bool, whole_days: bool) -> Bound:
    """The days on one side of a constant."""
    day = _day(constant)
    if isinstance(node, exp.EQ) or day is None:
        return day, day
    is_upper = isinstance(node, exp.LT | exp.LTE) != mirrored
    excludes = isinstance(node, exp.LT | exp.GT)
    # a moment of the same day may lie before or after the one that is compared with
    ends = is_upper and isinstance(constant, datetime) and constant.time() == time.min
    step = 1 if excludes and (whole_days or ends) else 0
    try:
        moved = day + timedelta(days=-step if is_upper else step)
    except OverflowError:
        moved = day
    return (None, moved) if is_upper else (moved, None)


def _listed(node: exp.Expr, where: Where) -> tuple[str, tuple[str, ...]] | None:
    """The column and the only values that a list allows, or None."""
    if isinstance(node, exp.EQ):
        name, listed = _name(node.this, where), [node.expression]
    elif isinstance(node, exp.In) and not node.args.get("query"):
        name, listed = _name(node.this, where), [*node.expressions, *_unnested(node)]
    else:
        return None
    found = [_values(each, name, where) for each in listed] if name else [None]
    known = [values for values in found if values is not None]
    # one that is unknown may be any
    whole = tuple(value for values in known for value in values)
    return (name, whole) if len(known) == len(found) else None


def _unnested(node: exp.In) -> list[exp.Expr]:
    unnest = node.args.get("unnest")
    listed = list(unnest.expressions) if isinstance(unnest, exp.Unnest) else []
    return [each for one in listed for each in (one.expressions if _is_array(one) else [one])]


def _is_array(node: exp.Expr) -> bool:
    return isinstance(node, exp.Array)


def _values(node: exp.Expr, name: str, where: Where) -> list[str] | None:
    """The values of a constant or of a list of constants, None where one is unknown."""
    bound = _parameter(node, where)
    type_ = where.types.get(name, "")
    if bound is not None and isinstance(bound.value, list | tuple):
        # nothing equals NULL
        listed = (each for each in bound.value if each is not None)
        found = [_value(each, type_, where.begun) for each in listed]
    elif type_ not in TEXTS:
        day = _day(_constant(node, name, where))
        found = [day.isoformat() if day else None]
    else:
        found = [_value(_literal(node, where), type_, where.begun)]
    known = [text for text in found if text is not None]
    return known if len(known) == len(found) else None


def _value(value: object, type_: str, begun: str) -> str | None:
    if type_ in TEXTS:
        return str(value).lower() if isinstance(value, bool) else _text(value)
    day = _day(_as_constant(value, type_, begun))
    return day.isoformat() if day else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _parameter(node: exp.Expr, where: Where) -> Parameter | None:
    node = node.unnest()
    return where.parameters.get(node.name) if isinstance(node, exp.Parameter) else None


def _literal(node: exp.Expr, where: Where) -> object:
    """The value of a literal or of a parameter, None of all else."""
    node = node.unnest()
    match node:
        case exp.Literal() if node.is_string:
            return node.name
        case exp.Boolean():
            return bool(node.this)
        case exp.Parameter():
            bound = _parameter(node, where)
            return bound.value if bound else None
    return None


def _name(node: exp.Expr, where: Where) -> str:
    node = node.unnest()
    is_its = isinstance(node, exp.Column) and node.table == where.alias
    return node.name.lower() if is_its else ""


def _constant(node: exp.Expr, name: str, where: Where) -> date | None:
    """The day, or the moment of UTC, that a constant expression stands for; None is unknown."""
    node = node.unnest()
    type_ = where.types.get(name, "")
    match node:
        case exp.Literal() | exp.Parameter():
            return _as_constant(_literal(node, where), type_, where.begun)
        case exp.Substring():
            return _from_letter(node, where) if type_ == SUFFIX else None
        case exp.TimeToStr():
            return _written(node, name, where) if type_ == SUFFIX else None
        case exp.Cast() | exp.TsOrDsToDate():
            return _constant_alone(node.this, where)
        case exp.Timestamp() if not node.args.get("zone"):
            return _constant_alone(node.this, where)
        case exp.DateSub() | exp.DateAdd():
            return _moved(node, where)
        case exp.Least() | exp.Greatest():
            return _chosen(node, name, where)
    return None


def _constant_alone(node: exp.Expr | None, where: Where) -> date | None:
    """What a constant stands for that is compared with no column itself."""
    return _constant(node, "", where) if node is not None else None


def _from_letter(node: exp.Substring, where: Where) -> date | None:
    """A day of which the first letters are cut off: the text from a letter on."""
    start = _number(node.args.get("start"), where)
    text = _literal(node.this, where)
    # the digits that are cut off are those that the wildcard says
    if not isinstance(text, str) or start is None or start < 1 or node.args.get("length"):
        return None
    return _as_constant(text[start - 1 :], SUFFIX, where.begun)


def _written(node: exp.TimeToStr, name: str, where: Where) -> date | None:
    """A day that is written as the suffix is."""
    day = _constant_alone(node.this, where)
    style = node.args["format"].name
    if type(day) is not date or style not in ("%Y%m%d", "%y%m%d"):
        return None
    return _as_constant(day.strftime(style), SUFFIX, where.begun)


def _moved(node: exp.DateSub | exp.DateAdd, where: Where) -> date | None:
    day, number = _constant_alone(node.this, where), _number(node.expression, where)
    if day is None or number is None or str(node.args.get("unit") or "DAY").upper() != "DAY":
        return None
    try:
        return day + timedelta(days=number if isinstance(node, exp.DateAdd) else -number)
    except OverflowError:
        return None


def _chosen(node: exp.Least | exp.Greatest, name: str, where: Where) -> date | None:
    found = [_constant(each, name, where) for each in (node.this, *node.expressions)]
    known = [it for it in found if it is not None]
    # days and moments are not compared with each other
    if len(known) < len(found) or len({type(it) for it in known}) != 1:
        return None
    return min(known) if isinstance(node, exp.Least) else max(known)


def _number(node: exp.Expr | None, where: Where) -> int | None:
    if node is None:
        return None
    node = node.unnest()
    if isinstance(node, exp.Parameter):
        bound = _parameter(node, where)
        return bound.value if bound and type(bound.value) is int else None
    return int(node.name) if isinstance(node, exp.Literal) and node.name.isdecimal() else None


def _as_constant(value: object, type_: str, begun: str) -> date | None:
    if isinstance(value, datetime):
        return _utc(value)
    if isinstance(value, date):
        return value
    if not isinstance(value, str):
        return None
    text = f"{begun}{value}" if type_ == SUFFIX else value
    # of a suffix that is shorter than a day nobody says which days it leaves
    if type_ == SUFFIX and not (len(text) == 8 and text.isdecimal()):
        return None
    try:
        if len(text) > 10 or type_ in MOMENTS:
            return _utc(datetime.fromisoformat(text))
        return date.fromisoformat(text)
    except (ValueError, OverflowError):
        return None


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _day(constant: date | None) -> date | None:
    return constant.date() if isinstance(constant, datetime) else constant


def _narrower(one: Bound, other: Bound) -> Bound:
    firsts = [day for day in (one[0], other[0]) if day]
    lasts = [day for day in (one[1], other[1]) if day]
    return (max(firsts) if firsts else None, min(lasts) if lasts else None)
