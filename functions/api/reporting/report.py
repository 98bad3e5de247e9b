"""The report: all conversions on one page, why so many were counted, and what became of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta

from pydantic import Field

from common.bigquery.sql import Parameter, Sql, template, with_parameters
from common.http.model import Model
from common.http.request import Ask, Days, window_of
from common.model.attribution import attributed
from common.model.run_status import COVERED, RunStatus
from common.model.window import Window
from common.untyped import JsonObject
from functions.api.reporting.figures import Day, Totals, every_day, total
from functions.api.services import Services

SOURCES = {
    "changes": "conversion_changes",
    "deliveries": "export_attempts",
    "leads": "lead_scores",
}
"""What a part of the report is read from."""
COUNTED_DAYS = 400
"""A count is explained by a run of the last so many days."""


class Counted(Model):
    """From what a run read to the rows of its days by now: each number follows from the others.

    read - duplicates - broken - refunded - otherwise = counted; counted + since = now.
    """

    run_id: str = Field(description="The run that computed the most days at once.")
    start_date: date
    end_date: date
    read: int = Field(description="Rows that the filter, or the query, let through.")
    duplicates: int = Field(description="Left out as duplicates.")
    broken: int = Field(description="Left out as they broke the contract.")
    refunded: int | None = Field(
        description="Left out as refunded in full; null where the run did not say: in `otherwise`."
    )
    otherwise: int = Field(
        description="Left out otherwise: without an order id, not qualified, counted before."
    )
    counted: int = Field(description="What that run counted.")
    since: int = Field(description="What later runs added to these days, less what they took away.")
    now: int = Field(description="Rows of these days by now.")


class ReportLine(Model):
    """A conversion: what it counted, day by day, and how that count came about."""

    id: str
    name: str
    kind: str
    totals: Totals
    days: list[Day] = Field(description="Every day of the window, oldest first.")
    counted: Counted | None = Field(description="null while no run recorded what it read.")


class ChangeCount(Model):
    """Rows that came, went or changed for one reason."""

    conversion: str
    change: str = Field(description="insert, update or delete.")
    cause: str
    rows: int
    value: float = Field(description="By how much it changed the value, each in its currency.")


class Delivery(Model):
    """Where conversions stand at a destination."""

    destination: str
    conversion: str
    state: str
    reason: str = Field(description="Stable reason of the state, empty for none.")
    conversions: int


class Chance(Model):
    """Leads whose newest probability lies in a step of five percent."""

    conversion: str
    percent: int = Field(description="Where the step begins, 0 to 95.")
    leads: int
    qualified: int


class Report(Model):
    """Everything that was counted in the days, and what became of it."""

    start_date: date
    end_date: date
    currency: str = Field(description="ISO 4217 code of all values of conversions.")
    conversions: list[ReportLine]
    changes: list[ChangeCount]
    deliveries: list[Delivery]
    leads: list[Chance]


def report(ask: Ask[Days, None], services: Services) -> Report:
    """Read all conversions on one page: what they counted, why so many, what became of them."""
    window = window_of(ask.query, services.yesterday)
    days, counted = _days(window, services), _counted(services)
    return Report(
        start_date=window.start,
        end_date=window.end,
        currency=services.settings.currency,
        conversions=[
            ReportLine(
                id=stored.id,
                # from the JSON itself: what this release cannot read is shown all the same
                name=str(stored.definition.get("name") or stored.id)[:120],
                kind=stored.kind,
                totals=total(days[stored.id]),
                days=every_day(days[stored.id], window),
                counted=counted.get(stored.id),
            )
            # also those that counted nothing: an empty line is an answer too
            for stored in services.catalog.active()
        ],
        changes=[ChangeCount(**row) for row in _rows("changes", window, services)],
        deliveries=[Delivery(**row) for row in _rows("deliveries", window, services)],
        leads=[Chance(**row) for row in _rows("leads", window, services)],
    )


def _days(window: Window, services: Services) -> dict[str, list[Day]]:
    """Id → the days that had conversions."""
    found: dict[str, list[Day]] = defaultdict(list)
    if (view := _view(services)) is not None:
        here = attributed("present")
        sql = template(__file__, "report_days", conversions=view, attributed=here)
        for row in services.warehouse.rows(_bound(sql, window)):
            found[row.pop("conversion")].append(Day(**row))
    return found


def _counted(services: Services) -> dict[str, Counted]:
    if (view := _view(services)) is None:
        return {}
    runs = services.warehouse.table("runs")
    since = services.yesterday - timedelta(days=COUNTED_DAYS)
    sql = with_parameters(
        template(__file__, runs=runs, conversions=view),
        since=since,
        counted=Parameter("ARRAY<STRING>", [*COVERED, RunStatus.UNSCORED]),
    )
    return {row["conversion"]: _chain(row) for row in services.warehouse.rows(sql)}


def _chain(row: JsonObject) -> Counted:
    # the rest follows from the others, so that the chain adds up whatever a kind leaves out
    left_out = row["duplicates"] + row["quarantined"] + (row["refunded"] or 0)
    return Counted(
        run_id=row["run_id"],
        start_date=row["start_date"],
        end_date=row["end_date"],
        read=row["rows_read"],
        duplicates=row["duplicates"],
        broken=row["quarantined"],
        refunded=row["refunded"],
        otherwise=row["rows_read"] - left_out - row["rows_total"],
        counted=row["rows_total"],
        since=row["rows_now"] - row["rows_total"],
        now=row["rows_now"],
    )


def _rows(name: str, window: Window, services: Services) -> Iterator[JsonObject]:
    source = services.warehouse.table(SOURCES[name])
    return services.warehouse.rows(
        _bound(template(__file__, f"report_{name}", source=source), window)
    )


def _bound(sql: Sql, window: Window) -> Sql:
    return with_parameters(sql, start_date=window.start, end_date=window.end)


def _view(services: Services) -> Sql | None:
    """The view of all conversions; None while no run has made it."""
    # a view over tables that do not exist yet cannot be made
    path = services.warehouse.path("conversions")
    if services.warehouse.schema_of(path) is None:
        return None
    return services.warehouse.table("conversions")
