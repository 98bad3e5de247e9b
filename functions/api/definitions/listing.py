"""The list of conversions: what each counted lately and how it fares, in one answer.

Counts come from the summary that materialize writes into the ledger with every run, so that no
conversion's table is read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from pydantic import Field

from common.bigquery.sql import Parameter, template, with_parameters
from common.catalog.definitions import Catalog, DefinitionVersion
from common.catalog.soundness import stopped
from common.http.model import Model
from common.http.pages import PageQuery, part_of
from common.http.request import Ask, Text
from common.incidents.current import State, current
from common.model.run_status import DONE, RunStatus
from common.untyped import JsonObject, Row
from functions.api.definitions.definitions import LastRun, last_runs, mapped_conversions
from functions.api.services import Services

TREND_DAYS = 30
LATE_HOURS = 26
"""A daily conversion without a success for longer missed its day."""
LATE_DAYS = 2
"""GA4 may bring a day this late before it is worth a look."""
INCIDENT_DAYS = 92

Health = Literal["fresh", "late", "held", "failing", "unexported", "new", "unreadable", "archived"]
GRAVEST: tuple[Health, ...] = ("unreadable", "failing", "held", "late", "unexported")
"""What a person should look at, the gravest first."""
ATTENTION = 5
"""So many are named; of more, only the number."""
Sort = Literal["name", "-name", "conversions", "-conversions", "value", "-value", "-created_at"]


class ListQuery(PageQuery):
    """Which conversions to list, in which order."""

    status: Literal["active", "archived", "all"] = Field("active", description="Which ones.")
    kind: Text = Field("", description="Only those of this kind.")
    health: Health | Literal[""] = Field("", description="Only those that fare so.")
    search: Text = Field("", description="Only those whose id or name contains this text.")
    sort: Sort = Field("name", description="A hyphen puts the largest first.")
    limit: int = Field(500, ge=1, le=1000, description="At most so many on one page.")


class TrendDay(Model):
    """What was counted on one day."""

    date: date
    conversions: int
    value: float | None


class ConversionLine(Model):
    """A conversion in one line: what it is, what it counted, how it fares."""

    id: str
    name: str
    kind: str
    version: int
    status: Literal["active", "archived"]
    created_at: datetime = Field(description="When this version was saved.")
    created_by: str | None
    health: Health
    health_detail: str = Field(description="Why, in one sentence; empty when all is well.")
    incidents: int = Field(description="Open incidents of the conversion.")
    destinations: list[str] = Field(description="Active destinations that send it.")
    conversions: int = Field(description=f"Counted in the last {TREND_DAYS} days.")
    value: float | None = Field(description="Their value; null when none has one.")
    trend: list[TrendDay] = Field(description=f"Each of the last {TREND_DAYS} days.")
    last_run: LastRun | None


class Attention(Model):
    """An active conversion that a person should look at, and why."""

    id: str
    name: str
    health: Health
    health_detail: str
    last_run_at: datetime | None


class ConversionList(Model):
    """Conversions, each in one line."""

    currency: str = Field(description="ISO 4217 code of all values.")
    start_date: date = Field(description="First day of the trends.")
    end_date: date = Field(description="Last day of the trends.")
    total: int = Field(description="How many fit the request, on all pages.")
    conversions: list[ConversionLine]
    next_page: str = Field(description="Empty on the last page.")
    attention: list[Attention] = Field(
        description="What to look at first among all active ones, whatever the request asks for."
    )
    attention_total: int = Field(description="How many those are, if all were named.")


@dataclass(frozen=True)
class Facts:
    """What is known beside the definitions."""

    runs: Mapping[str, LastRun]
    recent: Mapping[str, Row]
    """Id → the newest summary (recent, recorded_at), and how far it is up to date (end_date)."""
    stopped: Mapping[str, str]
    incidents: Mapping[str, list[Row]]
    """Conversion, destination or destination/conversion → its open incidents."""
    destinations: Mapping[str, list[str]]
    """Id of a conversion → active destinations that send it."""
    now: datetime
    yesterday: date


def list_all(ask: Ask[ListQuery, None], services: Services) -> ConversionList:
    """List the conversions: what each counted lately, how it fares, its newest run."""
    stored = services.catalog.all()
    facts = _facts(stored, services)
    lines = [line_of(one, facts) for one in stored]
    fitting = sorted((line for line in lines if _fits(line, ask.query)), key=lambda line: line.id)
    # one after the other, as sorting is stable; by id before, so that pages do not overlap
    for key, reverse in _order(ask.query.sort):
        fitting.sort(key=key, reverse=reverse)
    found, next_page = part_of(fitting, ask.query, lambda line: line.id)
    unwell = sorted(
        (line for line in lines if line.health in GRAVEST), key=lambda it: GRAVEST.index(it.health)
    )
    return ConversionList(
        currency=services.settings.currency,
        start_date=_first_day(facts),
        end_date=facts.yesterday,
        total=len(fitting),
        conversions=[_with_trend(line, facts) for line in found],
        next_page=next_page,
        attention=[_attention(line) for line in unwell[:ATTENTION]],
        attention_total=len(unwell),
    )


def _attention(line: ConversionLine) -> Attention:
    return Attention(
        id=line.id,
        name=line.name,
        health=line.health,
        health_detail=line.health_detail,
        last_run_at=line.last_run.recorded_at if line.last_run else None,
    )


def line_of(stored: DefinitionVersion, facts: Facts) -> ConversionLine:
    """The conversion in one line, without its trend, which only the lines of the page need."""
    counted = _counted(stored.id, facts).values()
    values = [day["value"] for day in counted if day["value"] is not None]
    health, detail = health_of(stored, facts)
    return ConversionLine(
        id=stored.id,
        name=str(stored.definition.get("name") or stored.id)[:120],
        kind=stored.kind,
        version=stored.version,
        status=stored.status,
        created_at=stored.created_at,
        created_by=stored.created_by,
        health=health,
        health_detail=detail,
        incidents=len(_incidents(stored.id, facts)),
        destinations=facts.destinations.get(stored.id, []),
        conversions=sum(day["conversions"] for day in counted),
        value=round(sum(values), 6) if values else None,
        # filled for the page alone: what is not shown needs no days
        trend=[],
        last_run=facts.runs.get(stored.id),
    )


def health_of(stored: DefinitionVersion, facts: Facts) -> tuple[Health, str]:
    """How a conversion fares, the gravest first, and why in one sentence."""
    run, done = facts.runs.get(stored.id), facts.recent.get(stored.id)
    if stored.status == "archived":
        return "archived", "It is no longer computed."
    if why := facts.stopped.get(stored.id):
        return "unreadable", why
    if run is None:
        return "new", "It has not run yet."
    # the newest run decides: an older success says nothing about the days since
    if run.status == RunStatus.FAILED:
        return "failing", run.detail or "Its newest run failed."
    if run.status == RunStatus.HELD:
        return "held", run.detail or "Its newest run waits for a person."
    if late := _lateness(done, facts):
        return "late", late
    if troubles := _export_troubles(stored.id, facts):
        return "unexported", troubles[0]
    return "fresh", ""


def _lateness(done: Row | None, facts: Facts) -> str:
    if done is None:
        return ""
    # by the run's end and not by its days: a run that finds nothing new is on time as well
    hours = (facts.now - done["recorded_at"]).total_seconds() / 3600
    if hours > LATE_HOURS:
        return f"Its last successful run was {hours:.0f} hours ago."
    if done["end_date"] < facts.yesterday - timedelta(days=LATE_DAYS):
        return f"It is counted up to {done['end_date']}."
    return ""


def _export_troubles(id: str, facts: Facts) -> list[str]:
    # a warning of a destination is no reason to call a conversion unexported
    return [
        f"{destination}: {incident['detail'].removeprefix(f'{subject}: ')}"
        for destination in facts.destinations.get(id, ())
        for subject in (f"{destination}/{id}", destination)
        for incident in facts.incidents.get(subject, ())
        if incident["severity"] == "error"
    ]


def _incidents(id: str, facts: Facts) -> list[Row]:
    """Open incidents of the conversion, those of its deliveries included."""
    subjects = [id, *(f"{destination}/{id}" for destination in facts.destinations.get(id, ()))]
    return [incident for subject in subjects for incident in facts.incidents.get(subject, ())]


def _with_trend(line: ConversionLine, facts: Facts) -> ConversionLine:
    """The line with each of the last days; those that the summary does not name had none."""
    counted, nothing = _counted(line.id, facts), {"conversions": 0, "value": None}
    days = [_first_day(facts) + timedelta(days=number) for number in range(TREND_DAYS)]
    # 15,000 of them for 500 conversions; what a run wrote needs no second look
    trend = [TrendDay.model_construct(date=day, **counted.get(str(day), nothing)) for day in days]
    return line.model_copy(update={"trend": trend})


def _counted(id: str, facts: Facts) -> dict[str, JsonObject]:
    """Day as YYYY-MM-DD → conversions and value, of the last days that had conversions."""
    # entries of before there were summaries have none
    known = json.loads(facts.recent.get(id, {}).get("recent") or "[]")
    first, last = str(_first_day(facts)), str(facts.yesterday)
    return {
        each["date"]: {"conversions": each["conversions"], "value": each["value"]}
        for each in known
        if first <= each["date"] <= last
    }


def _first_day(facts: Facts) -> date:
    """First day of the trends."""
    return facts.yesterday - timedelta(days=TREND_DAYS - 1)


def _facts(stored: Iterable[DefinitionVersion], services: Services) -> Facts:
    return Facts(
        runs=last_runs(services, ""),
        recent=_recent(services),
        stopped=stopped(one for one in stored if one.status == "active"),
        incidents=_open_incidents(services),
        destinations=_destinations(services),
        now=services.now(),
        yesterday=services.yesterday,
    )


def _recent(services: Services) -> dict[str, Row]:
    sql = template(__file__, "listing_recent", runs=services.warehouse.table("runs"))
    bound = with_parameters(
        sql,
        since=services.yesterday - timedelta(days=INCIDENT_DAYS),
        # rows that wait for their scores are counted already
        done=Parameter("ARRAY<STRING>", [*DONE, RunStatus.UNSCORED]),
    )
    return {row["conversion"]: row for row in services.warehouse.rows(bound)}


def _open_incidents(services: Services) -> dict[str, list[Row]]:
    since = services.now().date() - timedelta(days=INCIDENT_DAYS)
    sql = template(__file__, "listing_incidents", current=current(services.warehouse, since))
    found: dict[str, list[Row]] = {}
    for row in services.warehouse.rows(with_parameters(sql, open=State.OPEN)):
        found.setdefault(row["conversion"], []).append(row)
    return found


def _destinations(services: Services) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for stored in Catalog(services.warehouse, "destination").active():
        for id in mapped_conversions(stored.definition):
            found.setdefault(id, []).append(stored.id)
    return found


def _fits(line: ConversionLine, query: ListQuery) -> bool:
    return (
        query.status in (line.status, "all")
        and query.kind in ("", line.kind)
        and query.health in ("", line.health)
        and query.search.casefold() in f"{line.id}\n{line.name}".casefold()
    )


def _order(sort: Sort) -> list[tuple[Callable[[ConversionLine], Any], bool]]:
    """Keys to sort by, one after the other; what has no value comes last either way."""
    name, reverse = sort.removeprefix("-"), sort.startswith("-")
    if name == "name":
        return [(lambda line: line.name.casefold(), reverse)]
    return [
        (lambda line: getattr(line, name) or 0, reverse),
        (lambda line: getattr(line, name) is None, False),
    ]
