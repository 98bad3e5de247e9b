"""GoogleSQL values and types on their way between Python, literals and the judge's messages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from zetasql.wasi._pb2.zetasql.public import type_pb2, value_pb2

from common.local.analyzer.analysis import spelled


def literal(value: Any, type_: type_pb2.TypeProto) -> str:
    """The value as an expression of exactly that type; a missing field of a struct is NULL."""
    if type_.HasField("array_type"):
        element = type_.array_type.element_type
        return f"ARRAY<{quoted(element)}>[{', '.join(literal(it, element) for it in value or [])}]"
    if type_.HasField("struct_type") and value is not None:
        cells = (literal(value.get(it.field_name), it.field_type) for it in type_.struct_type.field)
        return f"STRUCT<{quoted(type_)[7:-1]}>({', '.join(cells)})"
    if type_.type_kind == type_pb2.TYPE_JSON and value is not None:
        return f"PARSE_JSON({json.dumps(json.dumps(value))})"
    return f"CAST({_bare(value)} AS {quoted(type_)})"


def quoted(type_: type_pb2.TypeProto) -> str:
    """The same with field names in backquotes, for use in a statement."""
    if type_.HasField("array_type"):
        return f"ARRAY<{quoted(type_.array_type.element_type)}>"
    if type_.HasField("struct_type"):
        fields = type_.struct_type.field
        return f"STRUCT<{', '.join(f'`{f.field_name}` {quoted(f.field_type)}' for f in fields)}>"
    return spelled(type_)


def _bare(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return "b'" + "".join(f"\\x{byte:02x}" for byte in value) + "'"
    if isinstance(value, datetime):
        return f"'{value.isoformat(sep=' ')}'"
    return json.dumps(str(value))


def python(value: value_pb2.ValueProto, type_: type_pb2.TypeProto) -> Any:
    """The value as the BigQuery client returns it."""
    field = value.WhichOneof("value")
    if field is None:
        return None
    if field == "array_value":
        return [python(it, type_.array_type.element_type) for it in value.array_value.element]
    if field == "struct_value":
        fields = type_.struct_type.field
        cells = zip(fields, value.struct_value.field, strict=True)
        return {it.field_name: python(cell, it.field_type) for it, cell in cells}
    return _DECODERS.get(field, _same)(getattr(value, field))


def _same(value: Any) -> Any:
    return value


def _packed(bits: int, *widths: int) -> Iterable[int]:
    parts = []
    for width in reversed(widths):
        parts.append(bits & ((1 << width) - 1))
        bits >>= width
    return [bits, *reversed(parts)]


def _decimal(digits: int) -> Callable[[bytes], Decimal]:
    return lambda raw: Decimal(int.from_bytes(raw, "little", signed=True)).scaleb(-digits)


def _time(bits: int) -> time:
    hour, minute, second, nanos = _packed(bits, 6, 6, 30)
    return time(hour, minute, second, nanos // 1000)


def _datetime(value: value_pb2.ValueProto.Datetime) -> datetime:
    year, month, day, hour, minute, second = _packed(
        value.bit_field_datetime_seconds, 4, 5, 5, 6, 6
    )
    return datetime(year, month, day, hour, minute, second, value.nanos // 1000)


_DECODERS: dict[str, Callable[[Any], Any]] = {
    "date_value": lambda days: date(1970, 1, 1) + timedelta(days=days),
    "timestamp_value": lambda value: value.ToDatetime(tzinfo=UTC),
    "datetime_value": _datetime,
    "time_value": _time,
    "numeric_value": _decimal(9),
    "bignumeric_value": _decimal(38),
    "json_value": json.loads,
}
