"""Whether there is anything to count GA4's events from, and what to do where there is not.

Asked when a definition that counts events is saved, and when a run starts.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from common.bigquery.warehouse import Warehouse
from common.ga4 import shards
from common.model.window import Window, day_over, yesterday

DAILY = (
    "In GA4 under Admin, Product links, BigQuery links, switch on the export type Daily; properties"
    " above a million events a day need fewer events, or Analytics 360."
)
OPTION = (
    " Or set CONVERSIONS_GA4_STREAMING=true (Terraform: ga4_streaming) to count days from the"
    " stream 72 hours after their end; they are preliminary and not exported."
)
LINK = (
    "Link the property to BigQuery with the export type Daily (GA4: Admin, Product links, BigQuery"
    " links), or correct CONVERSIONS_GA4_DATASETS; a new link writes its first table within a day."
)


@dataclass(frozen=True)
class Problem:
    """What a property's export lacks, in words for a person."""

    code: str
    detail: str
    fix: str
    dataset: str = ""
    """project.dataset; "" where none is configured."""
    object: str = ""
    """Of days that are missing the first."""


def problems(warehouse: Warehouse) -> Iterator[Problem]:
    """What the configured properties lack on the whole; nothing where each has daily tables."""
    if not warehouse.settings.ga4_datasets:
        yield Problem(
            "ga4_not_configured",
            "No GA4 dataset is configured, so no event can be counted.",
            "Set CONVERSIONS_GA4_DATASETS (Terraform: ga4_datasets) to the property's dataset,"
            " project.analytics_123456789.",
        )
    for dataset in warehouse.settings.ga4_datasets:
        tables = warehouse.tables_in(dataset)
        daily, fresh, streamed = (shards.shard_days(tables, stem) for stem in shards.STEMS)
        if daily:
            continue
        if fresh:
            yield Problem(
                "ga4_fresh_only",
                f"{dataset} has fresh daily tables only: what is counted from them is preliminary"
                " and not exported before the daily table of its day lands.",
                DAILY,
                dataset,
            )
        elif streamed:
            yield _streaming_only(warehouse, dataset)
        else:
            yield Problem(
                "ga4_not_exported",
                f"{dataset} does not exist or holds no table of GA4's events.",
                LINK,
                dataset,
            )


def _streaming_only(warehouse: Warehouse, dataset: str) -> Problem:
    if warehouse.settings.ga4_streaming:
        return Problem(
            "ga4_streaming_only",
            f"{dataset} is exported by streaming only: days are counted from it 72 hours after"
            " their end, preliminary, and not exported before a daily table lands.",
            DAILY,
            dataset,
        )
    return Problem(
        "ga4_streaming_only",
        f"{dataset} is exported by streaming only (events_intraday_), and no daily table will"
        " land: nothing of it is counted.",
        f"{DAILY}{OPTION}",
        dataset,
    )


LANDING = timedelta(hours=36)
"""So long after its end a day may normally land: GA4 promises no hour."""


LEFT = timedelta(days=shards.STREAMING_DAYS)
"""GA4 deletes a day's streamed table once its daily one is complete, by then at the latest."""


def gaps(warehouse: Warehouse, window: Window, now: datetime) -> Iterator[Problem]:
    """The days of the window whose daily table should be there and is not, each gap once.

    Days before the property's first table are none, nor is the newest one before it is due, nor one
    that has its fresh table in the 72 hours after its end.
    """
    timezone = warehouse.settings.timezone
    last = yesterday(now, timezone)
    for dataset in warehouse.settings.ga4_datasets:
        tables = warehouse.tables_in(dataset)
        daily = {date.fromisoformat(suffix) for suffix in shards.shard_days(tables)}
        if not daily:
            continue
        there = shards.readable(warehouse, dataset, last)
        lacking = [
            day
            for day in window.dates
            if min(daily) < day <= last
            and day not in daily
            and (day < max(daily) or now > day_over(day, timezone) + LANDING)
            and (day not in there or day <= last - timedelta(days=shards.STREAMING_DAYS))
        ]
        # most runs lack none, and ask nothing
        known = shards.read(warehouse) if lacking else {}
        gone = {day for day in lacking if (dataset, f"events_{day:%Y%m%d}") in known}
        for gap in _runs([day for day in lacking if day in gone]):
            yield _gone(dataset, gap)
        for gap in _runs([day for day in lacking if day not in gone]):
            is_newest, is_read = gap.start > max(daily), gap.start in there
            if is_newest and _is_left(gap.start, tables, timezone, now):
                yield _streamed_since(warehouse, dataset, gap, is_read=is_read)
            else:
                yield _missing(dataset, gap, is_newest=is_newest, is_read=is_read)


def _is_left(day: date, tables: Container[str], timezone: str, now: datetime) -> bool:
    """Whether only the stream tells of the day, when its daily table should stand there."""
    return f"events_intraday_{day:%Y%m%d}" in tables and now > day_over(day, timezone) + LEFT


def _runs(days: list[date]) -> Iterator[Window]:
    """Consecutive days as one window each."""
    start = last = None
    for day in days:
        if start is None or last is None or day != last + timedelta(days=1):
            if start is not None and last is not None:
                yield Window(start, last)
            start = day
        last = day
    if start is not None and last is not None:
        yield Window(start, last)


def _named(dataset: str, gap: Window) -> str:
    first, last = (f"{dataset}.events_{day:%Y%m%d}" for day in (gap.start, gap.end))
    return f"{first} has" if gap.days == 1 else f"{first} to {last} ({gap.days} days) have"


def _gone(dataset: str, gap: Window) -> Problem:
    return Problem(
        "ga4_day_missing",
        f"{_named(dataset, gap)} been read and then deleted. What was counted stays.",
        "Restore what was deleted by mistake; a table that is there again is read again.",
        dataset,
        f"{gap.start:%Y%m%d}",
    )


READ = " What is counted of it is preliminary and not exported."


def _streamed_since(warehouse: Warehouse, dataset: str, gap: Window, *, is_read: bool) -> Problem:
    option = "" if warehouse.settings.ga4_streaming else OPTION
    return Problem(
        "ga4_day_missing",
        f"{_named(dataset, gap)} not landed yet, and 72 hours after {gap.start} GA4 still streams"
        " alone (events_intraday_): the daily export may be switched off."
        f"{READ if is_read else ''}",
        f"What lands is counted, however late. {DAILY}{option}",
        dataset,
        f"{gap.start:%Y%m%d}",
    )


def _missing(dataset: str, gap: Window, *, is_newest: bool, is_read: bool) -> Problem:
    read = READ if is_read else ""
    if is_newest:
        fix = "Look at the property's BigQuery link in GA4; what lands is counted, however late."
    else:
        fix = (
            "Later days are there, so GA4 will write it late or not at all: what lands is counted,"
            " however late. If it was deleted, restore the table."
        )
    return Problem(
        "ga4_day_missing",
        f"{_named(dataset, gap)} not landed yet.{read}",
        fix,
        dataset,
        f"{gap.start:%Y%m%d}",
    )
