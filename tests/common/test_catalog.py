"""Versions of definitions are appended by one writer at a time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from common.bigquery.leases import lease
from common.catalog.definitions import Catalog
from common.catalog.exclusive import exclusive
from common.errors import ConflictError
from common.settings import Settings
from tests.quick import QuickWarehouse

PURCHASE = {"id": "purchase", "name": "Purchase", "kind": "simple", "event_type": "purchase"}
NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)


def test_whoever_lost_the_right_to_save_appends_nothing() -> None:
    warehouse = QuickWarehouse(Settings(project="test-project"))
    warehouse.ensure_dataset("test-project.conversions")
    warehouse.ensure_table(warehouse.path("definitions"), "definitions")
    name = "catalog:conversion"
    warehouse.ensure_table(warehouse.path(lease.table_of(name)), lease.table_of(name))
    catalog = Catalog(warehouse)
    with exclusive(warehouse, "conversion") as fence:
        catalog.save(PURCHASE, now=NOW, author="first", fence=fence)
        # a pause of a minute: the lease lapses, and somebody else takes it
        lease.leave(warehouse, name, lease.holder_of(warehouse, name), lambda asked: None)
        assert lease.acquire(warehouse, name, "second")
        changed = {**PURCHASE, "name": "Order"}
        with pytest.raises(ConflictError, match="began to save"):
            catalog.save(changed, now=NOW, author="first", fence=fence)
    assert [version.version for version in catalog.versions("purchase")] == [1]
