"""What a conversion counted: totals, one row a day, and by country."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, Literal

from pydantic import Field

from common.bigquery.sql import template, with_parameters
from common.http.model import Model
from common.http.request import Ask, Days, window_of
from common.model.attribution import attributed
from common.model.window import Window
from common.untyped import JsonObject
from functions.api.definitions import definitions
from functions.api.definitions.definitions import LastRun
from functions.api.reporting.tables import rows_of
from functions.api.services import Services


class Figures(Model):
    """Counts and money of some conversions."""

    conversions: int = Field(description="How many.")
    value: float | None = Field(
        description="Their value in the project's currency; null when none has a value."
    )
    refunded: float | None = Field(
        description="What refunds took off, in the project's currency; null when nothing did."
    )
    qualified: int | None = Field(
        description="How many reached their target status; null when the conversion has none."
    )
    attributed: int = Field(description="How many are tied to a visit of the website.")


class Day(Figures):
    """One day's figures, in the project's time zone."""

    date: date


class Country(Figures):
    """One country's figures."""

    country: str = Field(description="(not set) where it is unknown.")


class Channel(Figures):
    """One channel's figures; what it is not named by is null."""

    source: str | None = Field(description="(not attributed) where no visit is known.")
    medium: str | None
    platform: str | None = Field(description="Ad platform of the click id.")


class Totals(Figures):
    """The whole window's figures."""

    attributed_share: float | None = Field(description="attributed / conversions, 0 to 1.")


class Statistics(Model):
    """A conversion over a window of days."""

    conversion: str
    start_date: date
    end_date: date
    currency: str = Field(description="ISO 4217 code of all values.")
    totals: Totals
    days: list[Day] = Field(description="Every day of the window, oldest first.")
    last_run: LastRun | None = Field(
        description="The newest run; it says how many duplicates it removed in which days."
    )


class ByCountry(Model):
    """A conversion's countries over a window of days, the largest first."""

    conversion: str
    start_date: date
    end_date: date
    currency: str
    countries: list[Country]


class ByChannel(Model):
    """A conversion's channels over a window of days, the largest first."""

    conversion: str
    start_date: date
    end_date: date
    currency: str
    channels: list[Channel]


class CountryQuery(Days):
    """Which days, and how many countries."""

    # a query of a user's own may call anything a country
    limit: int = Field(300, ge=1, le=1000, description="At most so many, the largest first.")


class ChannelQuery(Days):
    """Which days, and by what."""

    by: Literal["source_medium", "platform"] = Field(
        "source_medium", description="By source and medium, or by the platform of the click id."
    )
    limit: int = Field(100, ge=1, le=1000, description="At most so many, the largest first.")


def statistics(ask: Ask[Days, None], services: Services) -> Statistics:
    """Count a conversion: totals and the trend by day."""
    window = window_of(ask.query, services.yesterday)
    rows = _rows("figures", ask.path["id"], window, services)
    # a chart needs the days without conversions as well
    days = every_day([Day(**row) for row in rows], window)
    return Statistics(
        conversion=ask.path["id"],
        start_date=window.start,
        end_date=window.end,
        currency=services.settings.currency,
        totals=total(days),
        days=days,
        last_run=definitions.last_runs(services, ask.path["id"]).get(ask.path["id"]),
    )


def by_country(ask: Ask[CountryQuery, None], services: Services) -> ByCountry:
    """Count a conversion by country."""
    window = window_of(ask.query, services.yesterday)
    rows = _rows("figures_by_country", ask.path["id"], window, services, limit=ask.query.limit)
    return ByCountry(
        conversion=ask.path["id"],
        start_date=window.start,
        end_date=window.end,
        currency=services.settings.currency,
        countries=[Country(**row) for row in rows],
    )


def by_channel(ask: Ask[ChannelQuery, None], services: Services) -> ByChannel:
    """Count a conversion by channel: source and medium, or the ad platform of the click."""
    window = window_of(ask.query, services.yesterday)
    rows = _rows(
        "figures_by_channel",
        ask.path["id"],
        window,
        services,
        by=ask.query.by,
        limit=ask.query.limit,
    )
    return ByChannel(
        conversion=ask.path["id"],
        start_date=window.start,
        end_date=window.end,
        currency=services.settings.currency,
        channels=[Channel(**row) for row in rows],
    )


def total(figures: Iterable[Figures]) -> Totals:
    """The sums; a sum of nothing but unknowns is unknown."""
    listed = list(figures)
    conversions = sum(figure.conversions for figure in listed)
    attributed = sum(figure.attributed for figure in listed)
    return Totals(
        conversions=conversions,
        value=_sum(figure.value for figure in listed),
        refunded=_sum(figure.refunded for figure in listed),
        qualified=_sum(figure.qualified for figure in listed),
        attributed=attributed,
        # of nothing there is no share: 0 would read as "none is attributed"
        attributed_share=round(attributed / conversions, 4) if conversions else None,
    )


def _sum(numbers: Iterable[Any]) -> Any:
    known = [number for number in numbers if number is not None]
    # sums of floats end in 0.30000000000000004
    return round(sum(known), 6) if known else None


def every_day(days: Iterable[Day], window: Window) -> list[Day]:
    """One figure for each day of the window; days that are not given had no conversion."""
    by_date = {day.date: day for day in days}
    dates = [window.start + timedelta(days=number) for number in range(window.days)]
    return [by_date.get(day) or _empty(day) for day in dates]


def _empty(day: date) -> Day:
    return Day(date=day, conversions=0, value=None, refunded=None, qualified=None, attributed=0)


def _rows(
    name: str, id: str, window: Window, services: Services, **bound_too: Any
) -> list[JsonObject]:
    table = rows_of(id, services)
    if table is None:
        return []
    sql = template(__file__, name, conversion=table, attributed=attributed("conversion"))
    bound = with_parameters(sql, start_date=window.start, end_date=window.end, **bound_too)
    return list(services.warehouse.rows(bound))
