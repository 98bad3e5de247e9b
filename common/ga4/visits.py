"""Visits: one row a session with one whole record of where it came from.

The record is GA4's own where it exported one; Google's rule from raw events where it did not; the
client's last known source of 90 days before; else direct. Never column by column, and never the
user's first touch, which differs from the event's own source in half of the cases.
Source: support.google.com/analytics/answer/9191807 and 11242870 (how GA4 decides).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import cast

from common.bigquery.sql import Parameter, Sql, template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.ga4 import channels, shards
from common.ga4.export import CAMPAIGNS
from common.model.window import Window

LENDING_DAYS = 92
"""So many days after a visit its source may still be lent: 90 times 24 hours, in any time zone."""

OWN_RECORD = """TO_JSON_STRING(STRUCT(
      scanned.own_source AS source, scanned.own_medium AS medium, scanned.own_campaign AS campaign,
      CAST(NULL AS STRING) AS channel, 'first_event' AS step, scanned.page_location AS page
    ))"""
"""Where an event says by itself that its visit came from."""


def begun(exported: Sql) -> Sql:
    """The rows of a scan that are wanted, show a click or begin a session, as the others read them.

    What all events of a session say together stands in `begun` of its first rows: so a twelfth of
    the export is kept and read again, and the address and source of every event are not.
    """
    return template(
        __file__, "visits_begun", exported=exported, rank=_rank("exported.session_step")
    )


def _rank(step: str) -> str:
    """Of GA4's records of a session the better one first, as one digit; NULL where there is none.

    Rows of one session may differ in which records they have.
    """
    whens = " ".join(f"WHEN '{it}' THEN '{place}'" for place, it in enumerate(CAMPAIGNS))
    return f"CASE {step} {whens} END"


def lenders(
    warehouse: Warehouse, scanned: Sql, window: Window, whole: Parameter
) -> dict[str, date]:
    """lends_from, lends_until: the days of visits that may lend a source to those of the scan of
    these days, and to those of the `LENDING_DAYS` after them, that have none of their own.

    unread_from, unread_until: the days of which a table is gone whose visits are known.
    Since July 2024 GA4 exports the source of every visit, and then no other day is read.
    """
    unread = _unread(warehouse, window, whole)
    known = warehouse.table("ga4_visits")
    asked = template(__file__, "visits_lacking", scanned=scanned, known=known)
    bound = with_parameters(
        asked, timezone=warehouse.settings.timezone, end_date=window.end, **unread
    )
    found = next(warehouse.rows(bound))
    first, last = found["first_date"], found["last_date"]
    if first is None:
        return {**unread, "lends_from": window.end + timedelta(days=1), "lends_until": window.end}
    return {**unread, "lends_from": first - timedelta(days=LENDING_DAYS), "lends_until": last}


def _unread(warehouse: Warehouse, window: Window, whole: Parameter) -> dict[str, date]:
    """From the first to the last day that the tables of some property do not tell whole; no day
    where they do. A visit of the window may have begun on the day before it."""
    told = set(cast("list[str]", whole.value))
    days = [window.start - timedelta(days=1), *window.dates]
    lacking = [
        day
        for day in days
        if not {f"{each}/{day:%Y%m%d}" for each in warehouse.settings.ga4_datasets} <= told
    ]
    nothing = (window.end + timedelta(days=1), window.end)
    first, last = (lacking[0], lacking[-1]) if lacking else nothing
    return {"unread_from": first, "unread_until": last}


def visits(scanned: Sql, known: Sql) -> Sql:
    """The rows of ga4_visits whose visits began in the window or on the day before it.

    And those of the `LENDING_DAYS` after the window that have no source of their own: a day that
    lands late, changes or goes may be the one from which they take it. A visit is what all tables
    tell of it, each as it said it last: those that are there in the scan, those that are gone in
    what is `known`. Its `shard` is the table of its first event. Parameters are those of
    `shards.told`; what lends, and what is gone, is looked for on the days that `lenders` names.
    """
    return template(
        __file__,
        scanned=scanned,
        known=known,
        own_record=OWN_RECORD,
        rank=_rank("scanned.session_step"),
        part_rank=_rank("JSON_VALUE(SUBSTR(part.session_record, 29), '$.step')"),
        part_is_told=shards.is_told("known", "kept.shard"),
        lender_is_told=shards.is_told("lender"),
        channel_group=channels.group("resolved"),
    )
