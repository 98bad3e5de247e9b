"""What the terminal says of a conversion's rows."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from common import schemas
from common.local.terminal import show_costs, totals
from common.settings import Settings
from tests.quick import QuickWarehouse


def test_a_row_is_attributed_when_its_visit_was_found_and_not_by_a_client_id_alone() -> None:
    """A CRM's leads have client ids of a site whose visits nobody may have exported."""
    settings = Settings(
        project="test-project", dataset="conversions", staging_dataset="staging", currency="EUR",
        timezone="Europe/Berlin",
    )  # fmt: skip
    warehouse = QuickWarehouse(settings)
    warehouse.ensure_tables()
    columns = schemas.load("conversion")["schema"]
    path = warehouse.path("conversion_leads")
    warehouse.create(path, columns)
    created = datetime(2026, 1, 1, 10, tzinfo=UTC)
    whole: dict[str, Any] = {
        each["name"]: created for each in columns if each.get("mode") == "REQUIRED"
    }
    whole |= {"created": created, "date": created.date(), "client_id": "1.2"}
    rows = [
        {**whole, "id": "1", "session_id": None},
        {**whole, "id": "2", "session_id": "s"},
        # as the API counts: a source that is known without its visit, never without a client
        {**whole, "id": "3", "session_id": None, "source": "news"},
        {**whole, "id": "4", "session_id": "s", "client_id": None},
    ]
    warehouse.load(path, columns, rows)
    (row,) = totals(warehouse, ["leads"])
    assert (row["rows_"], row["attributed"]) == (4, 2)
    warehouse.connection.close()


def test_a_month_is_shown_with_what_all_share_and_what_nobody_can_tell() -> None:
    one = {"conversion": "purchase", "bytes": 2 << 30, "usd_a_month": 0.37, "cap_needed": None}
    small = {"conversion": "lead", "bytes": 10 << 20, "usd_a_month": 0.002, "cap_needed": None}
    shown = {
        "day": {"bytes": (3 << 30) + (10 << 20), "usd": 0.0184},
        "conversions": [{**one, "text": "It reads."}, {**small, "text": "It reads."}],
        "text": "A daily run of 2 conversions reads 3.0 GiB.",
    }
    lines = said(shown)
    assert ["(shared", "by", "all)", "1.0", "GiB", "0.18"] in lines
    assert ["purchase", "2.0", "GiB", "0.37"] in lines
    assert ["lead", "10.0", "MiB", "<", "0.01"] in lines
    unknown = {**one, "bytes": None, "usd_a_month": None, "text": "Nobody can tell."}
    lines = said({**shown, "day": {"bytes": None, "usd": None}, "conversions": [unknown]})
    assert ["purchase", "an", "unknown", "size", "-"] in lines
    assert ["purchase:", "Nobody", "can", "tell."] in lines
    (none,) = said({**shown, "conversions": [], "text": "A daily run of 0 conversions reads."})
    assert " ".join(none).startswith("There is no conversion yet")
    assert "common.local apply FILE" in " ".join(none)


def said(forecast: dict[str, Any]) -> list[list[str]]:
    """The words of each line."""
    console = Console(record=True, width=100, file=io.StringIO())
    show_costs(console, forecast)
    return [line.split() for line in console.export_text().splitlines()]
