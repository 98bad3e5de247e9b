"""What the terminal says of a conversion's rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from common import schemas
from common.local.terminal import totals
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
