"""What leads did on the site before they were created, from the product's own stage of GA4."""

from __future__ import annotations

from datetime import timedelta

from common.bigquery.sql import Sql, template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.model.window import Window

PREFIX = "site_"
"""How the names of these attributes begin."""

BEFORE_DAYS = 90
"""Visits so long before a lead count; a scan of visits is bounded by the leads' days and these."""

LAG_DAYS = 2
"""Visits of nearer days do not count: GA4 exports a day in the course of the next, and leads are
scored within minutes. Learnt from with them, a new lead would look like one without visits."""


def behaviour(warehouse: Warehouse, conversion: str, leads: Sql, days: Window) -> Sql:
    """A table of `id` and `attributes`, a JSON object of names that begin with site_.

    It has a row for each lead of these days whose client id is known and whose visits may be. No
    visit of the lead's own day or later counts, so that it is the same whenever it is asked for.
    """
    made = warehouse.staging(f"{conversion}_scoring_behaviour")
    statement = template(__file__, target=made, leads=leads, visits=warehouse.table("ga4_visits"))
    facts = {
        "first_date": days.start,
        "last_date": days.end,
        "visited_from": days.start - timedelta(days=BEFORE_DAYS),
        "visited_until": days.end - timedelta(days=LAG_DAYS),
        "before_days": BEFORE_DAYS,
        "lag_days": LAG_DAYS,
    }
    warehouse.execute(with_parameters(statement, **facts))
    return made
