"""What the daily run costs, as a whole and for each conversion, before it is paid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from pydantic import Field

from common.bigquery.sql import Sql, with_parameters
from common.catalog import identity_sources, plan
from common.catalog.definitions import DefinitionVersion
from common.cost.forecast import Price, Table, forecast
from common.cost.words import money, size_in_words
from common.errors import UnreadableDefinitionError, UserError
from common.ga4 import stage
from common.http.model import Model
from common.http.request import Ask, Nothing
from common.identity import graph
from common.kinds import AnyConversion
from common.kinds.conversion import Conversion
from common.model.run_status import RunStatus
from common.model.window import LATE_DAYS, Window
from functions.api.definitions import graph as graph_of_definitions
from functions.api.definitions.own_work import own_work, recent
from functions.api.runs import runs
from functions.api.services import Services


class RunCost(Model):
    """One daily run."""

    bytes: int | None = Field(description="Null when BigQuery does not tell all of it.")
    usd: float | None


class Scan(Model):
    """The one statement that reads the days of the GA4 export which may still change."""

    bytes: int
    usd_a_month: float
    cap: int = Field(description="What a query may read: maximum_bytes_billed.")
    cap_needed: int = Field(
        description="Bytes of the largest statement: a day's table cannot be read in part."
    )


class OfConversion(Model):
    """What one conversion reads on its own, beside the scan that all share."""

    conversion: str
    bytes: int | None = Field(description="A day; null when BigQuery does not tell all of it.")
    usd_a_month: float | None
    largest_bytes: int | None = Field(description="Its largest statement.")
    cap_needed: int | None = Field(
        description="The cap that it needs where the cap is too low, else null."
    )
    text: str = Field(description="The same for a person.")


class ForecastQuery(Model):
    """With which capacity."""

    slots: int | None = Field(
        None,
        ge=0,
        le=100_000,
        description="Slots to be reserved, 0 on demand; left out, those of the installation.",
    )


class OfRun(Model):
    """What one run reads."""

    bytes: int | None = Field(description="Null when BigQuery does not tell all of it.")
    price_usd: float | None
    text: str = Field(description="The same for a person.")


class Slots(Model):
    """Slots that are reserved; what is read costs nothing beside them."""

    slots: int
    usd_a_month: float


class Forecasted(Model):
    """What a month of daily runs costs."""

    day: RunCost
    month_usd: float | None = Field(description="30 days, and what is reserved.")
    scan: Scan | None = Field(description="Null where there is no GA4 export.")
    conversions: list[OfConversion] = Field(description="The dearest first.")
    slots: Slots | None = Field(description="Null on demand.")
    text: str = Field(description="The same for a person.")


class DraftBody(Model):
    """A draft whose cost is asked for."""

    definition: AnyConversion


def forecast_all(ask: Ask[ForecastQuery, None], services: Services) -> Forecasted:
    """Forecast what a month of daily runs costs, as a whole and for each conversion.

    By the statements that will run and by the sizes of tables that BigQuery tells; nothing is read
    but these sizes. What the stage writes is not in it.
    """
    known = plan.known(services.warehouse, services.catalog.active(), services.now())
    tables = recent(services)
    price = Price.of(services.settings)
    if ask.query.slots is not None:
        price = replace(price, slots=ask.query.slots)
    scan = _scan(known, tables, price, services)
    found = [
        _of_saved(stored.conversion, known.definitions, price, services)
        for stored in known.definitions.values()
    ]
    shared = forecast([*_shared(known, services)], tables, price).bytes
    bytes = _sum([scan.bytes if scan else 0, shared, *(each.bytes for each in found)])
    # a reservation costs the same whatever is read
    known_usd = price.slots or bytes is not None
    usd = price.cost(bytes or 0).usd_a_month + price.reservation_a_month if known_usd else None
    slots = Slots(slots=price.slots, usd_a_month=round(price.reservation_a_month, 2))
    return Forecasted(
        day=RunCost(bytes=bytes, usd=None if bytes is None else round(price.cost(bytes).usd, 4)),
        month_usd=None if usd is None else round(usd, 2),
        scan=scan,
        conversions=sorted(found, key=lambda each: (-(each.bytes or 0), each.conversion)),
        slots=slots if price.slots else None,
        text=_in_words(bytes, usd, price, scan, found),
    )


def forecast_one(ask: Ask[Nothing, DraftBody], services: Services) -> OfConversion:
    """Forecast what a draft costs each day on its own, before it is saved."""
    draft = ask.body.definition
    graph_of_definitions.check(draft, {stored.id: stored for stored in services.catalog.all()})
    known = plan.known(services.warehouse, services.catalog.active(), services.now())
    _require_known(draft, known)
    price = Price.of(services.settings)
    return _of(draft, known.definitions, price, services)


def forecast_run(ask: Ask[Nothing, None], services: Services) -> OfRun:
    """Forecast what a run reads, by the days of its conversions and of its stage.

    404 until its first entry, which comes within a minute.
    """
    run = runs.get_run(ask, services)
    known = plan.known(services.warehouse, services.catalog.active(), services.now())
    price = Price.of(services.settings)
    windows = {
        entry.conversion: Window(entry.start_date, entry.end_date)
        for entry in run.entries
        if entry.conversion in known.definitions and entry.start_date and entry.end_date
    }
    own = [
        _of_saved(known.definitions[id].conversion, known.definitions, price, services, it)
        for id, it in windows.items()
    ]
    staged = {
        Window(entry.start_date, entry.end_date)
        for entry in run.entries
        if entry.status == RunStatus.STAGED and entry.start_date and entry.end_date
    }
    events = plan.stage_events(known.definitions.values())
    scans = [
        piece.bytes
        for window in sorted(staged, key=lambda it: it.start)
        for piece in stage.pieces(services.warehouse, stage.Span(window, events), known.yesterday)
    ]
    bytes = _sum([*scans, *(each.bytes for each in own)])
    usd = None if bytes is None else round(price.cost(bytes).usd, 4)
    return OfRun(bytes=bytes, price_usd=usd, text=_of_run_in_words(bytes, usd, len(windows)))


def _require_known(draft: Conversion, known: plan.Known) -> None:
    """Raises UnreadableDefinitionError where the draft refers to what cannot run itself."""
    for id in sorted(draft.references() - {draft.id} - set(known.definitions)):
        raise UnreadableDefinitionError(
            f"It refers to {id!r}, which cannot run. {known.stopped.get(id, '')}".strip(),
            fix=f"Save {id!r} again in the present form first.",
            field=draft.named()[id],
        )


def _of_saved(
    conversion: Conversion,
    definitions: Mapping[str, DefinitionVersion],
    price: Price,
    services: Services,
    window: Window | None = None,
) -> OfConversion:
    try:
        return _of(conversion, definitions, price, services, window)
    except UserError as error:
        # a query that was saved may fail by now, which is no reason to tell nothing of the others
        return OfConversion(
            conversion=conversion.id,
            bytes=None,
            usd_a_month=None,
            largest_bytes=None,
            cap_needed=None,
            text=f"Nobody can tell what it reads: {error.detail}",
        )


def _of(
    conversion: Conversion,
    definitions: Mapping[str, DefinitionVersion],
    price: Price,
    services: Services,
    window: Window | None = None,
) -> OfConversion:
    """What it reads in a run of these days, of a daily one unless they are named."""
    days = conversion.open_days(lambda member: plan.open_days(member, definitions))
    window = window or Window.ending(services.yesterday, days)
    own = own_work(conversion, definitions, window, services)
    # BigQuery alone can tell what a user's own query reads
    asked = list(_queries(conversion, window, services))
    bytes = _sum([own.bytes, *asked])
    largest = None if None in asked else max([own.largest, *(size or 0 for size in asked)])
    usd = None if bytes is None else round(price.cost(bytes).usd_a_month, 4)
    cap = services.settings.maximum_bytes_billed
    needed = largest if largest is not None and largest > cap else None
    return OfConversion(
        conversion=conversion.id,
        bytes=bytes,
        usd_a_month=usd,
        largest_bytes=largest,
        cap_needed=needed,
        text=_of_one_in_words(bytes, usd, needed),
    )


def _queries(conversion: Conversion, window: Window, services: Services) -> Iterator[int | None]:
    # the guard's parser is imported only where SQL is judged, for quick cold starts
    from functions.api.definitions import queries

    for query in conversion.queries():
        yield queries.planned_bytes(query, services.runner, window)


def _scan(
    known: plan.Known, tables: Mapping[str, Table], price: Price, services: Services
) -> Scan | None:
    if not services.settings.ga4_datasets:
        return None
    # a daily run reads again what GA4 may still rewrite
    late = Window.ending(known.yesterday, LATE_DAYS)
    span = stage.Span(late, plan.stage_events(known.definitions.values()))
    sql, exported = stage.weighed_scan(services.warehouse, span, known.yesterday)
    if sql is None:
        return None
    found = forecast([sql], {**tables, **exported}, price)
    return Scan(
        bytes=found.bytes,
        usd_a_month=round(found.cost.usd_a_month, 4),
        cap=services.settings.maximum_bytes_billed,
        cap_needed=found.largest,
    )


def _shared(known: plan.Known, services: Services) -> Iterator[Sql]:
    """What one statement reads for all conversions: who is who, where anything counts persons."""
    counting = [it for it in known.definitions.values() if it.conversion.counts_persons()]
    if counting:
        listed = known.definitions.values()
        sources = identity_sources.tables(counting[0].conversion, listed, services.warehouse)
        edges = graph.edges(services.warehouse.table("ga4_events"), sources)
        yield with_parameters(edges, end_date=services.yesterday)


def _sum(parts: list[int | None]) -> int | None:
    known = [part for part in parts if part is not None]
    # one that is unknown makes the sum unknown, never smaller
    return sum(known) if len(known) == len(parts) else None


def _of_one_in_words(bytes: int | None, usd: float | None, needed: int | None) -> str:
    if bytes is None or usd is None:
        return "BigQuery does not tell beforehand what its query reads."
    read = f"It reads {size_in_words(bytes)} a day, {money(usd)} USD a month."
    return read if needed is None else f"{read} It needs maximum_bytes_billed = {needed}."


def _many(count: int) -> str:
    return "1 conversion" if count == 1 else f"{count} conversions"


def _of_run_in_words(bytes: int | None, usd: float | None, many: int) -> str:
    if bytes is None or usd is None:
        return f"BigQuery does not tell beforehand what a run of {_many(many)} reads."
    read = size_in_words(bytes)
    return f"A run of {_many(many)} reads {read} by forecast, {money(usd)} USD."


def _in_words(
    bytes: int | None,
    usd: float | None,
    price: Price,
    scan: Scan | None,
    found: Sequence[OfConversion],
) -> str:
    conversions = _many(len(found))
    read = "an unknown size" if bytes is None else size_in_words(bytes)
    text = f"A daily run of {conversions} reads {read}"
    if price.slots:
        paid = money(price.reservation_a_month)
        text += f", {paid} USD a month for {price.slots:,} reserved slots, whatever is read."
    elif usd is None:
        unknown = [each.conversion for each in found if each.bytes is None]
        text += f", because BigQuery does not tell it of {', '.join(unknown)}."
    else:
        text += f", {money(usd)} USD a month."
    if scan and scan.cap_needed > scan.cap:
        return f"{text} Its scan needs maximum_bytes_billed = {scan.cap_needed}."
    return text
