"""Visits: one row a session with one whole record of where it came from.

The record is GA4's own where it exported one; Google's rule from raw events where it did not; the
client's last known source of 90 days before; else direct. Never column by column, and never the
user's first touch, which differs from the event's own source in half of the cases.
Source: support.google.com/analytics/answer/9191807 and 11242870 (how GA4 decides).
"""

from __future__ import annotations

from common.bigquery.sql import Sql, template
from common.ga4 import channels

LENDING_DAYS = 92
"""So many days after a visit its source may still be lent: 90 times 24 hours, in any time zone."""


def begun(exported: Sql) -> Sql:
    """The rows of a scan that are wanted, show a click or begin a session, as the others read them.

    What all events of a session say together stands in `begun` of its first row: so a twelfth of
    the export is kept and read again, and the address and source of every event are not.
    """
    return template(__file__, "visits_begun", exported=exported)


def lacking(scanned: Sql, known: Sql) -> Sql:
    """first_date, last_date: the visits of a scan, and of the days after the window, that have no
    source of their own, so that earlier ones may lend them one; NULL where all have.
    """
    return template(__file__, "visits_lacking", scanned=scanned, known=known)


def visits(scanned: Sql, known: Sql) -> Sql:
    """The rows of ga4_visits whose visits began in the window or on the day before it.

    And those of the `LENDING_DAYS` after the window that have no source of their own: a day that
    lands late, changes or goes may be the one from which they take it. @existing names the daily
    tables that there are, as `shards.existing` does; what lends is looked for from @lends_from to
    @lends_until.
    """
    return template(
        __file__, scanned=scanned, known=known, channel_group=channels.group("resolved")
    )
