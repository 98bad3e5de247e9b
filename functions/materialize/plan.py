"""What a run does, decided from definitions and the ledger alone: tiers, windows, tasks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
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

    What waits for a model comes after everything that does not, so that a slow training holds up
    nobody else. Raises UserError for a reference to nothing and for a cycle, naming its ids.
    """
    listed = list(definitions)
    needed = {stored.id: references(stored.conversion) for stored in listed}
    for id in needed:
        _refuse_circles(id, needed, ())
    scored = with_dependents([one.id for one in listed if is_scored(one.conversion)], listed)
    found: dict[str, int] = {}
    for group in (set(needed) - scored, scored):
        first = max(found.values(), default=-1) + 1
        for id in sorted(group):
            _place(id, needed, group, first, found)
    return found


def is_scored(conversion: Conversion) -> bool:
    """Whether a model decides about its rows or their values."""
    match conversion:
        case LeadScoring():
            return True
        case Custom(predicted_value=prediction):
            return prediction is not None
    return False


def _place(
    id: str,
    needed: Mapping[str, frozenset[str]],
    group: Collection[str],
    first: int,
    found: dict[str, int],
) -> int:
    """The tier of the id inside its group, which begins at `first`; remembers it in `found`."""
    if id not in found:
        below = [_place(other, needed, group, first, found) for other in needed[id] & set(group)]
        found[id] = max((tier + 1 for tier in below), default=first)
    return found[id]


def _refuse_circles(id: str, needed: Mapping[str, frozenset[str]], path: tuple[str, ...]) -> None:
    if id in path:
        circle = " → ".join([*path[path.index(id) :], id])
        raise UserError(f"Conversions refer to each other in a circle: {circle}.", code="cycle")
    if id not in needed:
        raise UserError(
            f"{path[-1]!r} refers to {id!r}, which does not exist.",
            code="unknown_reference",
            fix="Create it, or take it out of the definition.",
        )
    for other in sorted(needed[id]):
        _refuse_circles(other, needed, (*path, id))


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

    A refund on the last day of its window may itself arrive LATE_DAYS later. A combined
    conversion changes as long as any of its members does. A kind that says nothing about it changes
    as long as GA4 does.
    """
    match conversion:
        case Simple(refunds=refunds):
            return LATE_DAYS + (refunds.days if refunds else 0)
        case Custom(adjustment_days=days) | LeadScoring(adjustment_days=days):
            return max(1, days or 0)
        case Combined(conversions=members):
            return max(
                adjustment_days(definitions[member].conversion, definitions) for member in members
            )
    return LATE_DAYS


def due_window(
    stored: Stored,
    definitions: Mapping[str, Stored],
    yesterday: date,
    done_until: Mapping[tuple[str, int], date],
) -> Window:
    """The days that a run without own days brings up to date.

    A version that never ran starts BACKFILL_DAYS back; after missed days the window is that of the
    first of them, so that nothing which its run would have seen is lost.
    """
    last = done_until.get((stored.id, stored.version))
    if last is None:
        return Window.ending(yesterday, BACKFILL_DAYS)
    days = adjustment_days(stored.conversion, definitions)
    first = min(yesterday, last + timedelta(days=1))
    return Window(first - timedelta(days=days - 1), yesterday)


def following_members(
    windows: Mapping[str, Window], definitions: Mapping[str, Stored]
) -> dict[str, Window]:
    """The windows of a run, those of combined conversions as long as their members'.

    A member that is computed anew for older days, because it was edited or caught up, changes what
    its combined conversions are made of on those days.
    """

    def start(id: str) -> date:
        conversion = definitions[id].conversion
        members = conversion.conversions if isinstance(conversion, Combined) else ()
        return min([windows[id].start, *(start(member) for member in members if member in windows)])

    return {id: Window(min(start(id), window.end), window.end) for id, window in windows.items()}


def last_day_of(
    conversion: Conversion, yesterday: date, exported: date | None, done: date | None, trigger: str
) -> date | None:
    """The last day that a run brings up to date; None leaves the conversion to the next one.

    GA4's events are there up to the newest daily table (`exported`, None where there is no export):
    to close a day before would pass over what lands later. A load reads nothing from GA4, so what
    counts its events stays at the day that is `done`.
    """
    if not isinstance(conversion, Simple):
        return yesterday
    if trigger == "load":
        return done
    return min(yesterday, exported or yesterday)


def stage_events(definitions: Iterable[Stored]) -> frozenset[str]:
    """The GA4 events that the simple conversions count, and those that every stage holds."""
    counted = {
        name
        for stored in definitions
        if isinstance(stored.conversion, Simple)
        for name in stored.conversion.event_names
    }
    return frozenset(counted | set(ALWAYS))
