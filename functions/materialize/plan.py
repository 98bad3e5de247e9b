"""What a run does, decided from definitions and the ledger alone: tiers, windows, tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from common.catalog import Stored
from common.conversions import Combined, Conversion, Custom, LeadScoring, Simple, references
from common.errors import UserError
from common.ga4 import ALWAYS
from common.window import LATE_DAYS, Window

BACKFILL_DAYS = 90
"""How far back a conversion begins that has never run, unless its run names the days."""

CHUNK_DAYS = 90
"""Days of one task: a MERGE may touch 4,000 partitions, and a task must end within 480 s."""


@dataclass(frozen=True)
class Planned:
    """One conversion of a run: in which tier, for which days."""

    stored: Stored
    tier: int
    window: Window


def tiers(definitions: Iterable[Stored]) -> dict[str, int]:
    """Id → tier: 0 for what needs nothing, else one more than the deepest reference.

    Raises UserError for a reference to nothing and for a cycle, naming the ids on it.
    """
    needed = {stored.id: references(stored.conversion) for stored in definitions}
    found: dict[str, int] = {}

    def tier(id: str, path: tuple[str, ...]) -> int:
        if id in path:
            circle = " → ".join([*path[path.index(id) :], id])
            raise UserError(f"Conversions refer to each other in a circle: {circle}.", code="cycle")
        if id not in needed:
            raise UserError(
                f"{path[-1]!r} refers to {id!r}, which does not exist.",
                code="unknown_reference",
                fix="Create it, or take it out of the definition.",
            )
        if id not in found:
            found[id] = max((tier(other, (*path, id)) + 1 for other in needed[id]), default=0)
        return found[id]

    for id in needed:
        tier(id, ())
    return found


def with_dependents(ids: Iterable[str], definitions: Iterable[Stored]) -> frozenset[str]:
    """The ids and everything that is computed from them, directly or not."""
    needed = {stored.id: references(stored.conversion) for stored in definitions}
    affected = set(ids)
    while grown := {id for id, others in needed.items() if others & affected} - affected:
        affected |= grown
    return frozenset(affected & set(needed))


def with_prerequisites(ids: Iterable[str], definitions: Iterable[Stored]) -> frozenset[str]:
    """The ids and everything that they are computed from, directly or not."""
    needed = {stored.id: references(stored.conversion) for stored in definitions}
    wanted = set(ids)
    while grown := {other for id in wanted for other in needed.get(id, ())} - wanted:
        wanted |= grown
    return frozenset(wanted & set(needed))


def reading(table: str, definitions: Iterable[Stored]) -> frozenset[str]:
    """Ids of the conversions whose stored lineage names the table (project.dataset.table)."""
    return frozenset(
        stored.id
        for stored in definitions
        if any(_matches(pattern, table) for pattern in stored.referenced_tables)
    )


def _matches(pattern: str, table: str) -> bool:
    return table.startswith(pattern[:-1]) if pattern.endswith("*") else table == pattern


def adjustment_days(conversion: Conversion, definitions: Mapping[str, Stored]) -> int:
    """How many complete days, up to yesterday, may still change.

    A combined conversion changes as long as any of its members does.
    """
    match conversion:
        case Simple(refunds=refunds):
            return max(LATE_DAYS, refunds.days if refunds else 0)
        case Custom(adjustment_days=days) | LeadScoring(adjustment_days=days):
            return max(1, days or 0)
        case Combined(conversions=members):
            return max(
                adjustment_days(definitions[member].conversion, definitions) for member in members
            )
    raise TypeError(f"no adjustment window for {type(conversion).__name__}")


def due_window(
    stored: Stored,
    definitions: Mapping[str, Stored],
    yesterday: date,
    done_until: Mapping[tuple[str, int], date],
) -> Window:
    """The days that a run without own days brings up to date.

    A version that never ran starts BACKFILL_DAYS back; after missed days the window reaches back to
    the first of them.
    """
    last = done_until.get((stored.id, stored.version))
    if last is None:
        return Window.ending(yesterday, BACKFILL_DAYS)
    days = adjustment_days(stored.conversion, definitions)
    start = min(yesterday - timedelta(days=days - 1), last + timedelta(days=1))
    return Window(min(start, yesterday), yesterday)


def stage_events(definitions: Iterable[Stored]) -> frozenset[str]:
    """The GA4 events that the simple conversions count, and those that every stage holds."""
    counted = {
        name
        for stored in definitions
        if isinstance(stored.conversion, Simple)
        for name in stored.conversion.event_names
    }
    return frozenset(counted | set(ALWAYS))
