"""A conversion's rows, newest first, page by page; never the personal data in them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from pydantic import Field

from common.bigquery.sql import Parameter, Sql, template, with_parameters
from common.http.model import Model
from common.http.pages import PageQuery, cursor, read_cursor, read_moment
from common.http.request import Ask, Day, Days, window_of
from common.model.window import Window
from functions.api.reporting.tables import rows_of
from functions.api.services import Services

Place = tuple[datetime, str]
"""Where a page ended: `created` and `id` of its last row."""


class RecordsQuery(Days, PageQuery):
    """Which rows; filters that are not given let everything pass."""

    end_date: Day | None = Field(
        None, description="Last day; today unless given, as leads count once they are loaded."
    )
    id: str | None = Field(None, description="Id of the conversion or order.")
    client_id: str | None = Field(None, description="Google Analytics client id.")
    user_id: str | None = Field(None, description="User id.")
    is_qualified: bool | None = Field(None, description="Reached its target status.")
    minimum_value: float | None = Field(
        None, allow_inf_nan=False, description="Worth at least this, in the project's currency."
    )
    maximum_value: float | None = Field(
        None, allow_inf_nan=False, description="Worth at most this, in the project's currency."
    )
    country: str | None = Field(
        None, description="Country as by-country names it, (not set) included."
    )
    source: str | None = Field(None, description="Source as by-channel names it.")
    medium: str | None = Field(None, description="Medium as by-channel names it.")
    campaign: str | None = Field(None, description="Campaign.")


class Param(Model):
    """A custom parameter."""

    key: str | None
    value: str | None


class Record(Model):
    """One conversion. E-mail, phone, name and address of a person stay in BigQuery."""

    id: str
    created: datetime
    date: date
    client_id: str | None
    user_id: str | None
    lead_id: str | None
    order_id: str | None
    component: str | None
    value: float | None
    currency: str | None
    value_gross: float | None
    value_refunded: float | None
    refund_status: str | None
    value_kind: str | None
    value_project: float | None
    normalization_factor: float | None
    is_qualified: bool | None
    source: str | None
    medium: str | None
    campaign: str | None
    country: str | None
    region: str | None
    city: str | None
    params: list[Param]
    definition_version: int | None
    run_id: str | None
    first_seen_at: datetime | None
    updated_at: datetime | None


class RecordPage(Model):
    """Rows, newest first; `next_page` is empty on the last page."""

    conversion: str
    start_date: date
    end_date: date
    records: list[Record]
    next_page: str


# the answer's own fields and no others: a column of a person can only be shown by adding it there
_COLUMNS = ", ".join(f"conversion.{name}" for name in Record.model_fields)
_FILTERS = {
    "id": "STRING",
    "client_id": "STRING",
    "user_id": "STRING",
    "is_qualified": "BOOL",
    "minimum_value": "FLOAT64",
    "maximum_value": "FLOAT64",
    "country": "STRING",
    "source": "STRING",
    "medium": "STRING",
    "campaign": "STRING",
}


def records(ask: Ask[RecordsQuery, None], services: Services) -> RecordPage:
    """List a conversion's rows, newest first."""
    # a load counts leads of a day that is not over, and the newest rows come first
    window = window_of(ask.query, services.yesterday + timedelta(days=1))
    table = rows_of(ask.path["id"], services)
    place = read_cursor(ask.query.page, 2)
    before = (read_moment(place[0]), place[1]) if place else None
    found = _found(table, ask.query, window, before, services) if table else []
    more = len(found) > ask.query.limit
    return RecordPage(
        conversion=ask.path["id"],
        start_date=window.start,
        end_date=window.end,
        records=found[: ask.query.limit],
        # by place and not by number: rows that a run adds meanwhile shift no page
        next_page=_after(found[ask.query.limit - 1]) if more else "",
    )


def _found(
    table: Sql, query: RecordsQuery, window: Window, before: Place | None, services: Services
) -> list[Record]:
    """The rows of the page and, if there is one, the first of the next."""
    created, id = before or (None, None)
    sql = with_parameters(
        template(__file__, conversion=table, columns=_COLUMNS),
        **{name: Parameter(type_, getattr(query, name)) for name, type_ in _FILTERS.items()},
        start_date=window.start,
        end_date=window.end,
        before_created=Parameter("TIMESTAMP", created),
        before_id=Parameter("STRING", id),
        limit=query.limit + 1,
    )
    return [Record(**row) for row in services.warehouse.rows(sql)]


def _after(record: Record) -> str:
    return cursor(record.created.isoformat(), record.id)
