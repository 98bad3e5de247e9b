"""Reads case folders (definition, given, expected) in words that are short enough to write.

given.yaml holds the window, settings, and rows:
  window: [2026-11-01, 2026-11-30]
  events:    staged GA4 events; `at` (2026-11-03T10:00:00Z) and `name` are enough; `client`, `user`,
             `session`, `order`, `params`, `properties`, `items` and columns of the stage may follow
  published: {conversion id: rows that earlier runs wrote}
  identity_sources: ids of the conversions there that tell who is who
  answer:    rows of the user's own query, for custom conversions
  scores:    rows of lead_scores
  rates:     rows of date, currency, rate
  dollars:   rows of ga4_rates, what the export itself tells
  orders:    rows of order_memory
expected.yaml holds the candidates in order of created and id; only columns it names are compared:
begin with one row that names them, and `pytest --update` fills in the values.

A folder of cases/runs tells of whole runs. definition.yaml lists the conversions, given.yaml holds
timezone, property_timezone, currency, ga4_streaming, rates, and steps, each with
  day:       the run is that of the morning after
  define:    definitions that are saved before it
  events:    GA4 events that have arrived, in days of the property
  gone:      days of the property whose tables are deleted
  export:    {beginning of tables' names: file of rows as GA4 exports them, without its NULLs}
  orders:    what the table crm.orders holds from now on, because it was loaded
  load:      partitions; instead of the daily run a message says that the table was loaded
  force:     the run does not brake
expected.yaml lists for each step rows by conversion id, and where it matters `status` and `until`
(the day that it is up to date to) by conversion id, `counted` (rows by conversion id), `causes`
(its history so far), `incidents` (their codes so far) or `refused` (the code of the run's refusal).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from common import schemas
from common.kinds import CONVERSION
from common.kinds.conversion import Conversion

CASES = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    """One case as typed data; rows are dictionaries with every column of their table."""

    folder: Path
    conversion: Conversion
    window: tuple[date, date]
    timezone: str
    currency: str
    events: list[dict[str, Any]]
    published: dict[str, list[dict[str, Any]]]
    identity_sources: list[str]
    answer: list[dict[str, Any]]
    answer_schema: list[dict[str, Any]]
    scores: list[dict[str, Any]]
    rates: list[dict[str, Any]]
    dollars: list[dict[str, Any]]
    orders: list[dict[str, Any]]
    expected: list[dict[str, Any]]


def folders() -> list[Path]:
    """Every case folder of kinds, sorted."""
    return sorted(
        path.parent
        for path in CASES.glob("*/*/definition.yaml")
        if path.parent.parent.name != "runs"
    )


@dataclass(frozen=True)
class Story:
    """A case of whole runs: what is defined, what happens step by step, what is there then."""

    definitions: list[dict[str, Any]]
    world: dict[str, Any]
    rates: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    expected: list[dict[str, Any]]


def stories() -> list[Path]:
    """Every case folder of whole runs, sorted."""
    return sorted(path.parent for path in CASES.glob("runs/*/given.yaml"))


def load_story(folder: Path) -> Story:
    """The story of a folder; raises KeyError for a word that no story knows."""
    given = _yaml(folder / "given.yaml")
    world = {
        name: given.pop(name)
        for name in ("timezone", "property_timezone", "currency", "ga4_streaming")
        if name in given
    }
    rates, steps = given.pop("rates", []), given.pop("steps")
    words = {"day", "define", "events", "gone", "export", "orders", "load", "force"}
    if unknown := {*given, *(word for step in steps for word in step if word not in words)}:
        raise KeyError(f"{folder.name}/given.yaml: {sorted(unknown)}")
    for step in steps:
        step["export"] = {
            prefix: _ndjson(folder / name) for prefix, name in step.get("export", {}).items()
        }
    definitions = _yaml(folder / "definition.yaml")
    return Story(definitions, world, rates, steps, _yaml(folder / "expected.yaml"))


def load(folder: Path) -> Case:
    """The case of a folder; raises KeyError for a word that no case knows."""
    given = _yaml(folder / "given.yaml") or {}
    known = {
        "window", "timezone", "currency", "events", "published", "identity_sources", "answer",
        "scores", "rates", "dollars", "orders",
    }  # fmt: skip
    if unknown := set(given) - known:
        raise KeyError(f"{folder.name}/given.yaml: {sorted(unknown)}")
    zone = given.get("timezone", "UTC")
    start, end = given.get("window", [date(2026, 11, 1), date(2026, 11, 30)])
    conversion = CONVERSION.validate_python(_yaml(folder / "definition.yaml"))
    answer = given.get("answer", [])
    return Case(
        folder=folder,
        conversion=conversion,
        window=(start, end),
        timezone=zone,
        currency=given.get("currency", "USD"),
        events=[staged(row, zone, number) for number, row in enumerate(given.get("events", []))],
        published={
            id: [published(row, zone) for row in rows]
            for id, rows in given.get("published", {}).items()
        },
        identity_sources=given.get("identity_sources", []),
        answer=[{name: moment(value) for name, value in row.items()} for row in answer],
        answer_schema=_answer_schema(answer),
        scores=[scored(row) for row in given.get("scores", [])],
        rates=given.get("rates", []),
        dollars=[complete(row, "ga4_rates") for row in given.get("dollars", [])],
        orders=[complete(row, "order_memory") for row in given.get("orders", [])],
        expected=_yaml(folder / "expected.yaml") or [],
    )


def staged(row: dict[str, Any], zone: str, number: int) -> dict[str, Any]:
    """A row of the stage from the short form of an event; raises ValueError for an `at` that YAML
    reads as text."""
    short = dict(row)
    occurred_at = moment(short.pop("at"))
    if not isinstance(occurred_at, datetime):
        raise ValueError(f"{occurred_at!r} is no moment: write 2026-11-03T10:00:00Z")
    name = short.pop("name")
    key = short.pop("key", f"{number:03d}")
    full = {
        "date": occurred_at.astimezone(ZoneInfo(zone)).date(),
        "event_key": str(key),
        "property": "test-project.analytics_1",
        "event_name": name,
        "occurred_at": occurred_at,
        "client_id": short.pop("client", None),
        "user_id": short.pop("user", None),
        "session_id": short.pop("session", None),
        "order_id": short.pop("order", None),
        "event_params": _spread(short.pop("params", {})),
        "user_properties": _spread(short.pop("properties", {})),
        "items": [_item(item) for item in short.pop("items", [])],
    }
    if "value" in short:
        short.setdefault("revenue", short["value"])
    return complete({**full, **short}, "ga4_events")


def published(row: dict[str, Any], zone: str) -> dict[str, Any]:
    """A row of a conversion table from its short form; created and id are enough."""
    created = moment(row["created"])
    full = {
        "date": created.astimezone(ZoneInfo(zone)).date(),
        "definition_version": 1,
        "params": [],
        "fence": 1,
        "row_hash": int(hashlib.sha256(str(row["id"]).encode()).hexdigest()[:12], 16),
        "first_seen_at": created,
        "updated_at": created,
    }
    moments = {name: moment(value) for name, value in row.items()}
    return complete({**full, **moments}, "conversion")


def scored(row: dict[str, Any]) -> dict[str, Any]:
    """A row of lead_scores from its short form."""
    moments = {name: moment(value) for name, value in row.items()}
    # the partition is the day of `created`
    day = (moments.get("created") or moments["scored_at"]).date()
    by_type = {"DATE": day, "FLOAT": 0.5, "BOOLEAN": True, "STRING": "any", "TIMESTAMP": day}
    required = [c for c in schemas.load("lead_scores")["schema"] if c["mode"] == "REQUIRED"]
    full = {column["name"]: by_type[column["type"]] for column in required}
    return complete({**full, **moments}, "lead_scores")


def complete(row: dict[str, Any], table: str) -> dict[str, Any]:
    """The row with every column of the table; raises KeyError for a column that it lacks."""
    columns = schemas.load(table)["schema"]
    if unknown := set(row) - {column["name"] for column in columns}:
        raise KeyError(f"{table} has no column {sorted(unknown)}")
    empty: dict[str, Any] = {
        column["name"]: [] if column["mode"] == "REPEATED" else None for column in columns
    }
    return {**empty, **row}


def moment(value: Any) -> Any:
    """YAML timestamps as UTC; everything else as it is."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)
    return value


def _spread(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"key": key, "text": None if value is None else str(value), "number": _number(value)}
        for key, value in values.items()
    ]


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _item(values: dict[str, Any]) -> dict[str, Any]:
    columns = next(c for c in schemas.load("ga4_events")["schema"] if c["name"] == "items")
    return {**{field["name"]: None for field in columns["fields"]}, **values}


def _answer_schema(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The schema of the user's own query, from the column contract."""
    from common.model.contract import contract

    names = {name for row in rows for name in row}
    columns = [column for column in contract().columns if column.name in names]
    return [
        {
            "name": column.name,
            "type": column.type,
            "mode": column.mode,
            "fields": [dict(field) for field in column.fields],
        }
        for column in columns
    ]


def _ndjson(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else None
