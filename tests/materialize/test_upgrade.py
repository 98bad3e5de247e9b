"""Tables that earlier commits wrote: the new code changes no id that is published.

written_by_f42faa8/ holds what that commit made of `exported.ndjson` in its runs for the 3rd, 10th
and 12th of November 2026, without NULLs. It knew one key for all rows of a schema, no order id of a
parameter and no text that stands for nothing. written_by_d34f25e/ is what that commit made of the
same export in the same runs: it had the tables of visits, clicks, orders and shards.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from common import schemas
from common.bigquery.sql import Sql
from common.kinds.simple import simple
from functions.materialize.runs.run import handle
from tests import leases
from tests.materialize.histories import Crash, Rewording, Worker
from tests.materialize.world import QuickWorld, ga4_schema

WRITTEN = Path(__file__).parent / "written_by_f42faa8"
CONVERSIONS = ("lead", "new_customer", "order")
WRITTEN_LATER = Path(__file__).parent / "written_by_d34f25e"
TABLES = ("ga4_events", "runs", "definitions", "leases", "conversion_changes")
LATER_TABLES = (
    "ga4_events", "runs", "definitions", "conversion_changes", "ga4_clicks", "ga4_visits",
    "ga4_rates", "ga4_shards", "order_memory",
)  # fmt: skip
NEXT_DAY = date(2026, 11, 13)


@pytest.fixture
def upgraded() -> Iterator[QuickWorld]:
    """The world as f42faa8 left it, its tables widened by the columns that are new."""
    world = left_by(WRITTEN, TABLES)
    yield world
    world.close()


@pytest.fixture(params=[(), ("ga4_visits", "order_memory")], ids=["whole", "half"])
def upgraded_later(request: pytest.FixtureRequest) -> Iterator[QuickWorld]:
    """The world as d34f25e left it, or with half of its history still to be brought over."""
    names = [name for name in LATER_TABLES if name not in request.param]
    world = left_by(WRITTEN_LATER, names)
    yield world
    world.close()


def left_by(folder: Path, tables: Iterable[str]) -> QuickWorld:
    """A world with the export and with the tables that the folder holds."""
    world = QuickWorld(currency="EUR")
    days: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows_of("exported"):
        days[row["event_date"]].append(row)
    for day, listed in days.items():
        world.replace(f"{world.dataset}_ga4.events_{day}", ga4_schema(), listed)
    for name in tables:
        world.quick.load(
            world.warehouse.path(name), schemas.load(name)["schema"], rows_of(name, folder)
        )
    for id in CONVERSIONS:
        path = world.warehouse.path(f"conversion_{id}")
        world.quick.ensure_table(path, "conversion")
        rows = rows_of(f"conversion_{id}", folder)
        world.quick.load(path, schemas.load("conversion")["schema"], rows)
    return world


def rows_of(name: str, folder: Path = WRITTEN) -> list[dict[str, Any]]:
    lines = (folder / f"{name}.ndjson").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def published(id: str) -> list[dict[str, Any]]:
    """The rows that the conversion had before."""
    return rows_of(f"conversion_{id}")


def test_the_first_run_of_the_new_code_changes_no_id(upgraded: QuickWorld) -> None:
    upgraded.run(NEXT_DAY)
    nothing_is_renamed(upgraded)
    assert upgraded.ledger("order")[-1]["status"] == "applied"


class KnowsOneKeyAlone(Rewording):
    """Rows of the first rule are looked for under the keys of the second."""

    words: ClassVar = {"COALESCE(target.key_version, 1) = 1": "FALSE"}


def test_a_new_key_that_renames_published_rows_is_found_out(upgraded: QuickWorld) -> None:
    upgraded.warehouse = KnowsOneKeyAlone(upgraded.quick)
    upgraded.run(NEXT_DAY)
    with pytest.raises(AssertionError):
        nothing_is_renamed(upgraded)


def test_nor_does_a_backfill_that_reads_every_day_again(upgraded: QuickWorld) -> None:
    upgraded.run(NEXT_DAY)
    upgraded.run(
        NEXT_DAY,
        request_id="again",
        trigger="backfill",
        start_date=date(2026, 11, 3),
        end_date=NEXT_DAY,
    )
    nothing_is_renamed(upgraded)
    [entry] = upgraded.ledger("order", status="unchanged")
    assert (entry["inserted"], entry["updated"], entry["deleted"]) == (0, 0, 0)


def test_a_first_run_that_dies_again_and_again_changes_no_id(upgraded: QuickWorld) -> None:
    upgraded.now = datetime(2026, 11, 14, 6, tzinfo=UTC)
    tick = upgraded.tick("first")
    for dies_at in range(2, 60, 6):
        with suppress(Crash):
            handle(upgraded.services(warehouse=Worker(upgraded.quick, dies_at, after=True)), tick)
        leases.lapse(upgraded.warehouse)
    upgraded.bus.queue.clear()
    upgraded.handle(tick)
    nothing_is_renamed(upgraded)
    assert made(upgraded, "order") == {"M-2", "M-3"}
    assert made(upgraded, "new_customer") == set()


def test_what_the_first_rule_lost_is_new_and_nothing_else(upgraded: QuickWorld) -> None:
    upgraded.run(NEXT_DAY)
    # orders that a server sent in one moment were one event where rows had no place in a request
    assert made(upgraded, "order") == {"M-2", "M-3"}
    assert made(upgraded, "new_customer") == set()
    # of two forms of one moment the second has no id that is known beforehand
    assert len(made(upgraded, "lead")) == 1


def test_a_published_row_keeps_its_click_and_loses_a_placeholder(upgraded: QuickWorld) -> None:
    upgraded.run(NEXT_DAY)
    clicks = {row["id"]: row["gclid"] for row in upgraded.rows("order", "id", "gclid")}
    known = ("O-1", "O-7", "O-9")
    assert [clicks[id] for id in known] == ["CLICK-1", "CLICK-7", "CLICK-9"]


def test_a_click_that_the_new_tables_never_saw_still_counts(upgraded: QuickWorld) -> None:
    said = {"client": "5.1", "page": "https://shop.example/?gclid=CLICK-OLD"}
    upgraded.events(
        [
            {"at": datetime(2026, 9, 20, 9, tzinfo=UTC), "name": "page_view", **said},
            {
                "at": datetime(2026, 11, 13, 9, tzinfo=UTC),
                "name": "purchase",
                "client": "5.1",
                "order": "O-11",
            },
        ]
    )
    upgraded.run(NEXT_DAY)
    clicks = {row["id"]: row["gclid"] for row in upgraded.rows("order", "id", "gclid")}
    assert clicks["O-11"] == "CLICK-OLD"


def test_clicks_of_the_last_release_are_known_again(upgraded: QuickWorld) -> None:
    upgraded.run(NEXT_DAY)
    clicks = upgraded.warehouse.table("ga4_clicks").text
    (found,) = upgraded.query(f"SELECT COUNT(*) AS rows_, COUNT(id_hash) AS known FROM {clicks}")
    assert found["rows_"] == found["known"] > 0


def test_nobody_is_notified_of_orders_that_were_read_before(upgraded: QuickWorld) -> None:
    upgraded.run(NEXT_DAY)
    assert upgraded.incidents() == []


def test_what_the_last_release_wrote_stays_as_it_is(upgraded_later: QuickWorld) -> None:
    before = {id: upgraded_later.rows(id) for id in CONVERSIONS}
    upgraded_later.run(NEXT_DAY)
    assert {id: upgraded_later.rows(id) for id in CONVERSIONS} == before
    assert upgraded_later.ledger("order")[-1]["status"] == "unchanged"


def test_what_the_last_release_writes_beside_the_new_one_is_brought_over(
    upgraded_later: QuickWorld,
) -> None:
    upgraded_later.run(NEXT_DAY)
    clicks = upgraded_later.warehouse.table("ga4_clicks").text
    # a worker of before knows no id_hash and has another fingerprint of each row
    upgraded_later.query(
        f"UPDATE {clicks} SET id_hash = NULL, row_hash = 0 WHERE date >= '2026-11-11'"
    )
    upgraded_later.run(NEXT_DAY + timedelta(days=1))
    (found,) = upgraded_later.query(
        f"SELECT COUNT(*) AS rows_, COUNT(id_hash) AS known FROM {clicks}"
    )
    assert found["rows_"] == found["known"] > 0


def test_an_app_whose_rows_were_of_the_web_keeps_its_ids(
    world: QuickWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = date(2026, 11, 10)
    world.define(id="order", event_type="purchase")
    world.export(
        {"event_date": "20261110", "event_timestamp": 1794304800000000 + number,
         "event_name": "purchase", "user_pseudo_id": f"instance-{number}", "platform": platform,
         "ecommerce": {"transaction_id": order, "purchase_revenue": 5.0}}
        for number, (platform, order) in enumerate(
            (("IOS", "T1"), ("ANDROID", None), ("WEB", "T3"))
        )
    )  # fmt: skip
    with monkeypatch.context() as before:
        before.setattr(simple, "_event_source", lambda: Sql("'web'"))
        world.run(day)
    columns = ("id", "created", "first_seen_at", "event_source")
    old = {row["id"]: row for row in world.rows("order", *columns)}
    world.run(day + timedelta(days=1))
    now = {row["id"]: row for row in world.rows("order", *columns)}
    assert sorted(row["event_source"] for row in now.values()) == ["app", "app", "web"]
    assert {id: {**row, "event_source": "web"} for id, row in now.items()} == old


def nothing_is_renamed(world: QuickWorld) -> None:
    """Every published row is there under its id, and none of them was taken back."""
    for id in CONVERSIONS:
        before = {row["id"]: datetime.fromisoformat(row["created"]) for row in published(id)}
        now = {row["id"]: row["created"] for row in world.rows(id, "id", "created")}
        assert {key: now.get(key) for key in before} == before, id
    gone = f"SELECT * FROM `{world.warehouse.path('conversion_changes')}` WHERE change = 'delete'"
    assert world.query(gone) == []


def made(world: QuickWorld, id: str) -> set[str]:
    """Ids of the conversion that were not there before."""
    return {row["id"] for row in world.rows(id, "id")} - {row["id"] for row in published(id)}
