"""What a run does, decided from definitions and the ledger alone: which conversions, tiers, days.

The run itself and whoever tells its price beforehand plan by the same functions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from common.bigquery.warehouse import Warehouse
from common.catalog import progress
from common.catalog.definitions import DefinitionVersion
from common.catalog.dependents import with_dependents, with_prerequisites
from common.catalog.identity_sources import identity_sources
from common.catalog.soundness import sound, stopped
from common.errors import UserError
from common.ga4 import stage
from common.ga4.export import ALWAYS
from common.messaging.messages import RunRequested
from common.model.window import Window, yesterday

CHUNK_DAYS = 90
"""Days of one task: a MERGE may touch 4,000 partitions, and a task must end within 480 s."""


@dataclass(frozen=True)
class Known:
    """What is known when a run is planned."""

    definitions: Mapping[str, DefinitionVersion]
    """The active ones that can run, by id."""
    done: Mapping[tuple[str, int], date]
    """(id, version) → last day that is up to date."""
    yesterday: date
    exported: Window | None
    """The days that GA4 has daily tables for; None where there is no export."""
    changed: stage.Changed = field(default_factory=stage.Changed)
    """Days whose daily tables landed or changed since the stage read them, however old."""
    counted: Mapping[str, progress.Counted] = field(default_factory=dict)
    """Id → which days it counts, of each that ever ran, and which it has to count again."""
    stopped: Mapping[str, str] = field(default_factory=dict)
    """Id → why it cannot run, of the active ones that cannot."""

    def done_until(self, id: str) -> date | None:
        """The last day that is up to date under the newest version."""
        return self.done.get((id, self.definitions[id].version))


def known(
    warehouse: Warehouse,
    definitions: Iterable[DefinitionVersion],
    now: datetime,
) -> Known:
    """What the ledger and the export say about these active definitions."""
    # it is walked twice, and a generator would be empty the second time
    listed = list(definitions)
    last = yesterday(now, warehouse.settings.timezone)
    return Known(
        definitions={stored.id: stored for stored in sound(listed)},
        stopped=stopped(listed),
        done=progress.done_until(warehouse),
        yesterday=last,
        exported=stage.exported_days(warehouse, last),
        changed=stage.changed(warehouse, last, orders=counts_purchases(sound(listed))),
        counted=progress.counted(warehouse, now),
    )


def chosen(request: RunRequested, known: Known) -> frozenset[str]:
    """What was named, what is computed from it, and what it needs that has never run.

    Raises UserError for a name that no active conversion has.
    """
    definitions = known.definitions
    # none named is all: the daily run's own message names none
    if not request.conversions:
        return frozenset(definitions)
    # what cannot run is no unknown name, and the others that were named run all the same
    asked = set(request.conversions) - set(known.stopped)
    if unknown := sorted(asked - set(definitions)):
        raise UserError(
            f"There is no active conversion {', '.join(unknown)}.",
            code="unknown_conversion",
            fix="GET /api/conversions lists them; an archived one is brought back by saving it.",
        )
    named = with_dependents(asked, definitions.values())
    needed = with_prerequisites(named, definitions.values()) - named
    # a prerequisite that has run keeps its own rhythm; one that never ran would be an empty table
    return named | {id for id in needed if known.done_until(id) is None}


def windows(
    request: RunRequested, trigger: str, ids: Iterable[str], known: Known
) -> dict[str, Window]:
    """Id → the days that the run brings up to date; what cannot run now is left out."""
    found = {}
    # sorted, so that a run delivered twice plans the same tasks in the same order
    for id in sorted(ids):
        if (end := _last_day(id, request, trigger, known)) is not None:
            due = due_window(known.definitions[id], known.definitions, end, known.done)
            start = _asked_day(id, request, due, known) or _first_day(id, due, known)
            # a start after the last day that GA4 has would be a window without days
            found[id] = Window(min(start, due.end), due.end)
    return _following_members(found, known.definitions)


def whole(windows: Iterable[Window]) -> Window:
    """From the first day of any of the windows to the last; there is at least one."""
    listed = list(windows)
    return Window(min(it.start for it in listed), max(it.end for it in listed))


def tiers(definitions: Iterable[DefinitionVersion]) -> dict[str, int]:
    """Id → tier: 0 for what needs nothing, else one more than the deepest reference.

    Whoever asks others who is who comes after them as well, although it runs without them. What
    waits for a model comes after everything that does not, so that a slow training holds up
    nobody else. Raises UserError for a reference to nothing and for a cycle, naming its ids.
    """
    listed = list(definitions)
    needed = {stored.id: stored.conversion.references() for stored in listed}
    # before tiers are counted: _place would not come back from a circle
    for id in needed:
        _refuse_circles(id, needed, ())
    scored = with_dependents([one.id for one in listed if one.conversion.scoring()], listed)
    # an identity source is asked, not needed: a circle through it is no mistake
    before = {
        stored.id: needed[stored.id] | identity_sources(stored.conversion, listed)
        for stored in listed
    }
    found: dict[str, int] = {}
    # models last, in tiers of their own: training takes minutes, and nobody else need wait for it
    for group in (set(needed) - scored, scored):
        first = max(found.values(), default=-1) + 1
        for id in sorted(group):
            _place(id, before, group, first, found)
    return found


def _place(
    id: str,
    before: Mapping[str, frozenset[str]],
    group: Collection[str],
    first: int,
    found: dict[str, int],
) -> int:
    """The tier of the id inside its group, which begins at `first`; remembers it in `found`."""
    if id not in found:
        below = [_place(other, before, group, first, found) for other in before[id] & set(group)]
        found[id] = max((tier + 1 for tier in below), default=first)
    return found[id]


def _refuse_circles(id: str, needed: Mapping[str, frozenset[str]], path: tuple[str, ...]) -> None:
    if id in path:
        circle = " → ".join([*path[path.index(id) :], id])
        raise UserError(
            f"Conversions refer to each other in a circle: {circle}.",
            code="cycle",
            fix="Take one of these references out of its definition.",
        )
    if id not in needed:
        raise UserError(
            f"{path[-1]!r} refers to {id!r}, which does not exist.",
            code="unknown_reference",
            fix="Create it, or take it out of the definition.",
        )
    for other in sorted(needed[id]):
        _refuse_circles(other, needed, (*path, id))


def reading(table: str, definitions: Iterable[DefinitionVersion]) -> frozenset[str]:
    """Ids of the conversions whose stored lineage names the table (project.dataset.table)."""
    return frozenset(
        stored.id
        for stored in definitions
        if any(_matches(pattern, table) for pattern in stored.referenced_tables)
    )


def _matches(pattern: str, table: str) -> bool:
    return table.startswith(pattern[:-1]) if pattern.endswith("*") else table == pattern


def open_days(id: str, definitions: Mapping[str, DefinitionVersion]) -> int:
    """How many complete days of the conversion, up to yesterday, may still change."""
    return definitions[id].conversion.open_days(lambda member: open_days(member, definitions))


def value_days(id: str, definitions: Mapping[str, DefinitionVersion]) -> int:
    """For how many days after a row of the conversion its value may change."""
    return definitions[id].conversion.value_days(lambda member: value_days(member, definitions))


def due_window(
    stored: DefinitionVersion,
    definitions: Mapping[str, DefinitionVersion],
    end: date,
    done_until: Mapping[tuple[str, int], date],
) -> Window:
    """The days up to `end` that a run without own days brings up to date.

    A version that never ran starts `BACKFILL_DAYS` back; after missed days the window is that of
    the first of them, so that nothing which its run would have seen is lost.
    """
    last = done_until.get((stored.id, stored.version))
    if last is None:
        return Window.ending(end, stage.BACKFILL_DAYS)
    days = open_days(stored.id, definitions)
    # nothing is done twice only because a run comes early on the same day
    first = min(end, last + timedelta(days=1))
    return Window(first - timedelta(days=days - 1), end)


def _last_day(id: str, request: RunRequested, trigger: str, known: Known) -> date | None:
    """The last day that a run brings up to date; None leaves the conversion to the next one.

    GA4's events are there up to the newest daily table: to close a day before would pass over what
    lands later. A load reads nothing from GA4, so what counts its events stays where it is. What is
    made of others is done where all of them are. Where rows silence later ones, a run of days long
    past goes on to the last day that is done. Leads that have just been loaded are scored at once,
    not when their day is over.
    """
    conversion, done = known.definitions[id].conversion, known.done_until(id)
    scoring = conversion.scoring()
    if trigger == "load" and scoring and scoring.precedes_rows:
        # today counts too: a lead is worth most while it is new
        return known.yesterday + timedelta(days=1)
    # a day that is not over would be counted too low and exported so
    end = min(request.end_date or known.yesterday, known.yesterday)
    of_members = (_last_day(member, request, trigger, known) for member in conversion.members())
    end = min([end, *(day for day in of_members if day)])
    if conversion.silences() and done is not None:
        end = max(end, done)
    if not conversion.events():
        return end
    if trigger == "load":
        return done
    return min(end, known.exported.end) if known.exported else end


def reaching(id: str, request: RunRequested, trigger: str, known: Known) -> date | None:
    """The last day that the run computes, though GA4 may not have exported it whole yet.

    None where `windows` leaves the conversion out.
    GA4's newest daily table may hold hours of the day after it, where the property's days end later
    than the project's. Whether or not it does is not asked: what it held once and holds no more has
    to go. What is made of others reaches as far as the one of them that reaches farthest.
    """
    conversion, end = known.definitions[id].conversion, _last_day(id, request, trigger, known)
    if end is None:
        return None
    if conversion.events() and known.exported and end == known.exported.end and trigger != "load":
        has_later_rows = conversion.silences() and known.done_until(id) is not None
        asked = request.end_date if request.end_date and not has_later_rows else known.yesterday
        return max(end, min(asked, known.yesterday, end + timedelta(days=1)))
    of_members = (reaching(member, request, trigger, known) for member in conversion.members())
    return max([end, *(day for day in of_members if day)])


def _asked_day(id: str, request: RunRequested, due: Window, known: Known) -> date | None:
    """The first day that was asked for, or an earlier one after which nothing is done yet.

    To close a later day would pass over the days between for ever, and leave to a version that has
    never run the rows of the one before it.
    """
    done, asked = known.done_until(id), request.start_date
    if asked and done is None and _is_edited(id, known):
        return min(asked, _first_day(id, due, known))
    # the day after the last one that is done, so that no gap is left behind the days asked for
    return min(asked, done + timedelta(days=1)) if asked and done else asked


def _is_edited(id: str, known: Known) -> bool:
    """Whether the table has rows of an earlier version."""
    return any(other == id for other, _ in known.done)


def _first_day(id: str, due: Window, known: Known) -> date:
    """The first day that is due.

    Who counts users' first purchases begins with the oldest data, and what counts GA4's events with
    the oldest day whose value the oldest changed day may touch: what it tells by now may be the
    refund of a purchase long before it.
    """
    conversion, is_new = known.definitions[id].conversion, known.done_until(id) is None
    if known.exported and conversion.begins_with_oldest() and is_new:
        return min(due.start, known.exported.start)
    counted = known.counted.get(id)
    if is_new or not counted or not conversion.events():
        return due.start
    reach = timedelta(days=value_days(id, known.definitions))
    told_anew = [*known.changed.days, *([counted.unfollowed] if counted.unfollowed else [])]
    # days before its own first one were never wanted of it
    return min([due.start, *(max(day - reach, counted.begins) for day in told_anew)])


def _following_members(
    windows: Mapping[str, Window], definitions: Mapping[str, DefinitionVersion]
) -> dict[str, Window]:
    """The windows of a run, those of combined conversions as long as their members'.

    A member that is computed anew for older days, because it was edited or caught up, changes what
    its combined conversions are made of on those days.
    """

    def start(id: str) -> date:
        members = definitions[id].conversion.members()
        return min([windows[id].start, *(start(member) for member in members if member in windows)])

    # a member may begin after this one ends, where it reaches only the days that it has
    return {id: Window(min(start(id), window.end), window.end) for id, window in windows.items()}


def counts_purchases(definitions: Iterable[DefinitionVersion]) -> bool:
    """Whether any of them counts purchases, whose order ids are judged over all history."""
    return any("purchase" in stored.conversion.events() for stored in definitions)


def stage_events(definitions: Iterable[DefinitionVersion]) -> frozenset[str]:
    """The GA4 events that the conversions count, and those that every stage holds."""
    return frozenset(ALWAYS).union(*(stored.conversion.events() for stored in definitions))
