"""Leases have short terms, are renewed while the work goes on, and are never stolen back."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from google.cloud import bigquery

from common import schemas
from common.bigquery.leases import lease
from common.bigquery.sql import Sql
from common.bigquery.warehouse import Executed, Warehouse
from common.errors import RetryableError
from common.settings import Settings
from tests import leases


@pytest.fixture
def warehouse(client: bigquery.Client, dataset: str) -> Warehouse:
    """A dataset with the table of leases."""
    project, name = dataset.split(".")
    built = Warehouse(client, Settings(project=project, dataset=name))
    for name in schemas.buckets("leases"):
        built.ensure_table(built.path(name), "leases")
    return built


def expiry(warehouse: Warehouse) -> datetime:
    [row] = leases.all_of(warehouse)
    found: datetime = row["expires_at"]
    return found


def test_a_dead_worker_blocks_nobody_for_longer_than_three_minutes(warehouse: Warehouse) -> None:
    assert lease.acquire(warehouse, "purchase", "one")
    assert expiry(warehouse) <= datetime.now(UTC) + timedelta(minutes=3)


def test_a_lease_is_renewed_by_its_holder_alone(warehouse: Warehouse) -> None:
    first = lease.acquire(warehouse, "purchase", "one")
    assert first
    before = expiry(warehouse)
    assert lease.renew(warehouse, first, seconds=900)
    assert expiry(warehouse) > before + timedelta(minutes=5)
    leases.lapse(warehouse)
    second = lease.acquire(warehouse, "purchase", "two")
    assert second
    before = expiry(warehouse)
    assert not lease.renew(warehouse, first)
    assert expiry(warehouse) == before
    assert lease.is_held(warehouse, second)


def test_only_who_made_a_lease_and_took_it_untaken_knows_to_be_the_first(
    warehouse: Warehouse,
) -> None:
    first = lease.acquire(warehouse, "purchase", "one", is_new=True)
    assert first
    assert first.is_first
    # whoever believes that there is none, and is late, takes it as any other
    assert lease.acquire(warehouse, "purchase", "two", is_new=True) is None
    leases.lapse(warehouse)
    second = lease.acquire(warehouse, "purchase", "two", is_new=True)
    assert second
    assert (second.is_first, second.fence) == (False, first.fence + 1)
    lease.release(warehouse, second)
    third = lease.acquire(warehouse, "purchase", "three", is_new=True)
    assert third
    assert not third.is_first


class Counting(Warehouse):
    """A warehouse that counts renewals and answers as it is told until it has heard enough."""

    def __init__(self, *answers: int | Exception) -> None:
        super().__init__(cast("Any", SimpleNamespace()), Settings(project="test-project"))
        self.answers = list(answers)
        self.renewals = 0
        self.enough = threading.Event()

    def execute(self, sql: Sql, **options: Any) -> Executed:
        self.renewals += 1
        answer = self.answers.pop(0)
        if not self.answers:
            self.enough.set()
        if isinstance(answer, Exception):
            raise answer
        return Executed("", answer, None)


HELD = lease.Lease("purchase", "one", 7, "d")


def test_work_that_goes_on_keeps_its_lease_even_when_a_renewal_fails() -> None:
    busy = RetryableError("Busy.", code="contention")
    warehouse = Counting(1, busy, 1, 0)
    with lease.kept(warehouse, HELD, every=0.01):
        assert warehouse.enough.wait(60)
    # somebody else has it: there is nothing left to renew
    assert warehouse.renewals == 4


def test_no_renewal_comes_after_the_work() -> None:
    warehouse = Counting(1)
    with lease.kept(warehouse, HELD, every=60):
        pass
    assert warehouse.renewals == 0
    with pytest.raises(ValueError, match="broken"), lease.kept(warehouse, HELD, every=60):
        raise ValueError("broken")
    assert warehouse.renewals == 0


def test_thirty_holders_stay_below_what_bigquery_takes_of_one_table() -> None:
    # 25 changes in 10 seconds: cloud.google.com/bigquery/quotas
    assert 30 * 10 / lease.BEAT_SECONDS < 25 / 2
    assert lease.LEASE_SECONDS > 3 * lease.BEAT_SECONDS


def test_whoever_reads_a_lease_asks_in_which_table_it_stands() -> None:
    """The first of the tables has the name that all of them had when it was the only one."""
    root = Path(__file__).parents[2]
    files = [file for room in ("common", "functions") for file in (root / room).rglob("*.py")]
    assert not [file for file in files if 'table("leases")' in file.read_text("utf-8")]


def test_a_conversion_and_a_destination_of_like_names_have_a_lease_each(
    warehouse: Warehouse,
) -> None:
    pairs = (("export_google", "export-google"), ("catalog_conversion", "catalog:conversion"))
    for one, other in pairs:
        assert lease.acquire(warehouse, one, "first")
        assert lease.acquire(warehouse, other, "second")
