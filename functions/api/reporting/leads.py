"""Scored leads: who they are in numbers, why, and what other thresholds would have chosen."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from pydantic import Field

from common.bigquery.sql import Parameter, template, with_parameters
from common.http.model import Model
from common.http.pages import PageQuery, bad_page, cursor, read_cursor
from common.http.request import MAXIMUM_DAYS, Ask, Day, Days, Text, window_of
from common.model.window import Window
from functions.api.reporting.scores import Reason
from functions.api.services import Services


class LeadsQuery(Days, PageQuery):
    """Which leads, by the day of their creation; filters that are not given let all pass."""

    start_date: Day | None = Field(
        None,
        description="First day; 30 days up to end_date unless given, and any day where a lead is.",
    )
    end_date: Day | None = Field(
        None, description="Last day; today unless given, as a lead is scored once it is loaded."
    )
    is_qualified: bool | None = Field(None, description="Qualified by its newest score.")
    status: Text = Field("", description="open, won or lost, as the CRM says.")
    id: Text = Field("", description="Only this lead.")


class Lead(Model):
    """A lead's newest score, with its reasons."""

    id: str
    created: datetime
    scored_at: datetime
    model_id: str
    probability: float = Field(description="Of a deal inside the conversion window, 0 to 1.")
    grade: str | None
    trend: float | None
    expected_value: float | None = Field(description="In the project's currency.")
    deal_value_if_won: float | None
    is_qualified: bool
    status: str | None
    reasons: list[Reason]


class LeadPage(Model):
    """Leads, the likeliest first."""

    conversion: str
    start_date: date
    end_date: date
    leads: list[Lead]
    next_page: str


class Threshold(Model):
    """What a threshold would have chosen among leads whose outcome is known, and what came."""

    threshold: float = Field(description="Least probability of a qualified lead.")
    leads: int = Field(description="Leads that it qualifies.")
    wins: int = Field(description="How many of them were won.")
    precision: float | None = Field(description="wins / leads.")
    recall: float | None = Field(description="wins / all wins.")
    expected_value: float | None = Field(description="What was expected of them.")


class Thresholds(Model):
    """Thresholds tried on the first score that each lead got, so that none knew its outcome."""

    conversion: str
    start_date: date
    end_date: date
    leads: int = Field(description="Leads created in the window that were scored.")
    wins: int
    points: list[Threshold]


def scored_leads(ask: Ask[LeadsQuery, None], services: Services) -> LeadPage:
    """List scored leads with their reasons, the likeliest first."""
    stored = services.catalog.get(ask.path["conversion"])
    window = _window(ask.query, services)
    place = read_cursor(ask.query.page, 2)
    sql = template(__file__, scores=services.warehouse.table("lead_scores"))
    bound = with_parameters(
        sql,
        conversion=stored.id,
        start_date=window.start,
        end_date=window.end,
        is_qualified=Parameter("BOOL", ask.query.is_qualified),
        status=ask.query.status,
        id=ask.query.id,
        after_probability=Parameter("FLOAT64", _number(place[0]) if place else None),
        after_id=place[1] if place else "",
        limit=ask.query.limit + 1,
    )
    found = [Lead(**row) for row in services.warehouse.rows(bound)]
    page = found[: ask.query.limit]
    more = len(found) > len(page)
    return LeadPage(
        conversion=stored.id,
        start_date=window.start,
        end_date=window.end,
        leads=page,
        # repr reads back as the same float, so that the next page begins exactly there
        next_page=cursor(repr(page[-1].probability), page[-1].id) if more else "",
    )


def _window(query: LeadsQuery, services: Services) -> Window:
    # a lead is worth most while it is new, and its day is not over then
    today = services.yesterday + timedelta(days=1)
    if query.id and not (query.start_date or query.end_date):
        # who names a lead means it, however old it is
        return Window.ending(today, MAXIMUM_DAYS)
    return window_of(query, today)


def thresholds(ask: Ask[Days, None], services: Services) -> Thresholds:
    """Try thresholds on history: whom each would have qualified, and who was won."""
    stored = services.catalog.get(ask.path["conversion"])
    window = window_of(ask.query, services.yesterday)
    sql = template(__file__, "leads_thresholds", scores=services.warehouse.table("lead_scores"))
    bound = with_parameters(sql, conversion=stored.id, start_date=window.start, end_date=window.end)
    rows = list(services.warehouse.rows(bound))
    everything = rows[0] if rows else {"leads": 0, "wins": 0}
    return Thresholds(
        conversion=stored.id,
        start_date=window.start,
        end_date=window.end,
        leads=everything["leads"],
        wins=everything["wins"],
        points=[
            Threshold(
                # whole percents in SQL, as steps of 0.05 do not add up to 0.95 in floats
                threshold=row["percent"] / 100,
                leads=row["leads"],
                wins=row["wins"],
                precision=row["wins"] / row["leads"] if row["leads"] else None,
                recall=row["wins"] / everything["wins"] if everything["wins"] else None,
                expected_value=row["expected_value"],
            )
            for row in rows
        ],
    )


def _number(text: str) -> float:
    """A probability of a cursor; raises MalformedError for anything else, NaN included."""
    try:
        number = float(text)
    except ValueError as error:
        raise bad_page() from error
    # NaN fails every comparison, and so this one too
    if not 0 <= number <= 1:
        raise bad_page()
    return number
