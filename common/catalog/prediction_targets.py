"""Which conversions a value can be predicted for, and why the others are not among them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from common.bigquery.sql import Sql, bind, join, template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.catalog.definitions import DefinitionVersion
from common.catalog.dependents import with_dependents
from common.catalog.soundness import sound

TARGET_DAYS = 60
"""A target needs a conversion in so many calendar days up to yesterday."""


@dataclass(frozen=True)
class PredictionTarget:
    """A possible target conversion; `reason` says why it is none, "" that it is one."""

    id: str
    name: str
    reason: str
    conversions: int = 0
    """With user id and value, in the last TARGET_DAYS days."""


def targets(
    warehouse: Warehouse,
    definitions: Iterable[DefinitionVersion],
    yesterday: date,
    source: str = "",
) -> list[PredictionTarget]:
    """Every active conversion but the source itself, the eligible ones first, then by id.

    `source` is the id of the conversion whose value is to be predicted, where it has one already.
    """
    active = sound(stored for stored in definitions if stored.status == "active")
    # to learn from what is computed of oneself would be a circle
    waiting = with_dependents([source], active)
    candidates = [stored for stored in active if stored.id != source]
    reasons = {stored.id: _reason(stored, waiting) for stored in candidates}
    counts = _counts(warehouse, [id for id, reason in reasons.items() if not reason], yesterday)
    found = []
    for stored in candidates:
        number = counts.get(stored.id)
        found.append(
            PredictionTarget(
                id=stored.id,
                name=stored.conversion.name,
                reason=reasons[stored.id] or _reason_of_count(number),
                conversions=number or 0,
            )
        )
    # those that can be chosen first: the list is shown as it comes
    return sorted(found, key=lambda target: (bool(target.reason), target.id))


def _reason(stored: DefinitionVersion, waiting: frozenset[str]) -> str:
    conversion = stored.conversion
    if not conversion.tells_outcomes:
        return f"It is a {stored.kind.replace('_', ' ')} conversion; a target must be a custom one."
    if conversion.scoring():
        return "Its own value is a prediction."
    if stored.id in waiting:
        return "It is itself computed from this conversion."
    return ""


def _reason_of_count(number: int | None) -> str:
    if number is None:
        return "It has no rows yet; run it first."
    if number == 0:
        return f"It had no conversion with user id and value in the past {TARGET_DAYS} days."
    return ""


def _counts(warehouse: Warehouse, ids: list[str], yesterday: date) -> dict[str, int]:
    """Id → conversions that count; ids whose table does not exist yet are left out."""
    # one list instead of a look at each table
    names = set(warehouse.tables_in(warehouse.path("").rstrip("."))) if ids else set()
    parts = [_count(warehouse, id) for id in ids if f"conversion_{id}" in names]
    if not parts:
        return {}
    sql = with_parameters(
        join("\nUNION ALL\n", parts),
        start_date=yesterday - timedelta(days=TARGET_DAYS - 1),
        end_date=yesterday,
    )
    return {row["id"]: row["conversions"] for row in warehouse.rows(sql)}


def _count(warehouse: Warehouse, id: str) -> Sql:
    return template(__file__, id=bind(id), conversion=warehouse.table(f"conversion_{id}"))
