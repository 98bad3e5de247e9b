"""The memory of attributes as first seen, and what it says of those that change afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import orjson

from common.bigquery.sql import template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.crm import CLICK_IDS
from common.model.window import Window
from functions.score_leads.data.sources import Staged
from functions.score_leads.model.leakage import LATE_SHARE, LEAST_COMPARED, late_attributes
from functions.score_leads.training.training import SEEN_EARLY_DAYS

COMPARED_DAYS = 7
COMPARED_LEADS = 20_000
MOST_DAYS = 3_650
"""Days of leads in one statement: a job may write 4,000 partitions
(https://cloud.google.com/bigquery/quotas, "Partitioned tables")."""


def remember(
    warehouse: Warehouse,
    conversion: str,
    staged: Staged,
    run_id: str,
    as_of: datetime,
    days: Window,
) -> int:
    """Append the leads of these days that are not known yet; returns how many."""
    statement = template(
        __file__,
        features=warehouse.table("lead_features"),
        leads=staged.leads,
        clicks=", ".join(CLICK_IDS),
        of_lead=", ".join(f"lead.{name}" for name in CLICK_IDS),
    )
    facts = {"conversion": conversion, "run_id": run_id, "first_seen_at": as_of}
    pieces = ({"start_date": it.start, "end_date": it.end} for it in days.chunks(MOST_DAYS))
    written = (warehouse.execute(with_parameters(statement, **facts, **piece)) for piece in pieces)
    return sum(done.affected_rows or 0 for done in written)


def late(warehouse: Warehouse, conversion: str, staged: Staged, as_of: datetime) -> dict[str, str]:
    """Why attributes must not be used because they change after the lead was created.

    Compares leads seen within SEEN_EARLY_DAYS of their creation that are COMPARED_DAYS old by now.
    """
    pairs = list(_pairs(warehouse, conversion, staged, as_of))
    if len(pairs) < LEAST_COMPARED:
        return {}
    return {
        name: f"it changed after creation for {share:.0%} of leads"
        for name, share in late_attributes(pairs).items()
        if share > LATE_SHARE
    }


def _pairs(
    warehouse: Warehouse, conversion: str, staged: Staged, as_of: datetime
) -> Iterator[tuple[dict[str, object], dict[str, object]]]:
    query = template(
        __file__,
        "first_seen_changes",
        features=warehouse.table("lead_features"),
        leads=staged.leads,
    )
    facts = {
        "conversion": conversion,
        "as_of": as_of,
        "soon_hours": int(SEEN_EARLY_DAYS * 24),
        "compared_hours": COMPARED_DAYS * 24,
        "most": COMPARED_LEADS,
    }
    for row in warehouse.rows(with_parameters(query, **facts)):
        yield flat(row["first_seen"]), flat(row["current_value"])


def known(row: Mapping[str, Any]) -> dict[str, object]:
    """A lead's attributes as first seen, and what it did on the site before, by name."""
    attributes, behaviour = flat(row["attributes"]), row.get("behaviour")
    return attributes | flat(behaviour) if behaviour else attributes


def flat(attributes: str | None) -> dict[str, object]:
    """The attributes by name; parameters of a row become params.key."""
    text = attributes or "{}"
    read: dict[str, object] = orjson.loads(text)
    # most leads have no list at all, and a look at their text is quicker than one at each value
    if "[" not in text:
        return read
    spread: dict[str, object] = {}
    for name, value in read.items():
        if not isinstance(value, list):
            spread[name] = value
            continue
        for part in value:
            if isinstance(part, dict) and "key" in part:
                spread[f"{name}.{part['key']}"] = part.get("value")
    return spread
