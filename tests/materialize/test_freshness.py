"""A query whose tables did not land waits, and says for what; nothing else ever does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import pytest

from common.bigquery.warehouse import TableInfo as Table
from common.bigquery.warehouse import Warehouse
from common.catalog.definitions import DefinitionVersion
from common.settings import Settings
from functions.materialize.ledger import Done
from functions.materialize.task.freshness import waits_for
from tests.materialize.test_plan import stored
from tests.materialize.world import World

END = date(2026, 11, 10)
LAST = Done(END - timedelta(days=1), datetime(2026, 11, 10, 6, tzinfo=UTC))
BEFORE, AFTER = LAST.at - timedelta(hours=1), LAST.at + timedelta(hours=22)


class Tables(Warehouse):
    """A warehouse that knows when its tables changed; a name beginning with by_ is partitioned."""

    def __init__(self, changed: Mapping[str, datetime | None]) -> None:
        super().__init__(cast("Any", None), Settings(project="p", timezone="UTC"))
        self.changed = changed

    def table_info(self, path: str) -> Table | None:
        name = path.rsplit(".", 1)[1]
        if name not in self.changed:
            return None
        return Table("TABLE", (), name.startswith("by_"), changed_at=self.changed[name])

    def tables_in(self, dataset: str) -> list[str]:
        return sorted(self.changed)


def waits(
    reads: list[str],
    end: date = END,
    last: Done | None = LAST,
    lookup: tuple[str, ...] = (),
    **changed: datetime | None,
) -> str | None:
    query: DefinitionVersion = stored(
        "order",
        tuple(f"p.crm.{name}" for name in reads),
        kind="custom",
        sql="SELECT 1",
        lookup_tables=[f"p.crm.{name}" for name in lookup],
    )
    return waits_for(query, end, last, Tables(changed))


def test_a_table_older_than_the_last_run_is_waited_for_by_name() -> None:
    said = waits(["orders"], orders=BEFORE)
    assert said == (
        "p.crm.orders has not been loaded since the last run of 2026-11-10 06:00 UTC,"
        " so 2026-11-10 is not there yet"
    )
    assert waits(["orders"], orders=AFTER) is None


def test_of_tables_without_date_one_new_one_is_enough() -> None:
    assert waits(["orders", "stages"], orders=AFTER, stages=BEFORE) is None
    assert "p.crm.orders, p.crm.stages have" in str(
        waits(["orders", "stages"], orders=BEFORE, stages=BEFORE)
    )


def test_each_table_by_date_has_to_be_new_whatever_the_others_are() -> None:
    assert "p.crm.by_day has" in str(waits(["by_day", "stages"], by_day=BEFORE, stages=AFTER))
    assert "p.crm.by_day has" in str(waits(["by_day", "by_hour"], by_day=BEFORE, by_hour=AFTER))
    assert waits(["by_day", "stages"], by_day=AFTER, stages=BEFORE) is None


def test_a_look_up_table_changes_when_it_does() -> None:
    assert (
        waits(["orders", "by_owner"], lookup=("by_owner",), orders=AFTER, by_owner=BEFORE) is None
    )


def test_of_daily_tables_the_newest_one_tells() -> None:
    days: dict[str, Any] = {"log_20261108": BEFORE, "log_20261109": BEFORE}
    assert "p.crm.log_* has" in str(waits(["log_*"], **days))
    assert waits(["log_*"], **days, log_20261110=AFTER) is None


def test_a_table_of_the_day_that_runs_is_no_daily_one() -> None:
    days: dict[str, Any] = {"events_20261109": BEFORE, "events_intraday_20261110": AFTER}
    assert "p.crm.events_* has" in str(waits(["events_*"], **days))
    assert waits(["events_intraday_*"], **days) is None


@pytest.mark.parametrize(
    "more",
    [
        {"last": None},
        {"end": LAST.until},
        {"orders": None},
        {"reads": ["gone"]},
        {"reads": []},
        # loaded after the day was over: the day is there, whenever the last run was
        {"last": Done(LAST.until, LAST.at + timedelta(days=9)), "orders": AFTER},
    ],
    ids=["first run", "no new day", "a view", "no such table", "no table", "an old day"],
)
def test_whatever_cannot_be_stale_runs(more: dict[str, Any]) -> None:
    assert waits(**{"reads": ["orders"], "orders": BEFORE, **more}) is None


def test_bigquery_tells_when_a_table_was_loaded(wire: World) -> None:
    path = f"{wire.dataset}_crm.orders"
    columns = {"id": "STRING", "client_id": "STRING", "created": "TIMESTAMP", "date": "DATE"}
    schema = [{"name": name, "type": type_} for name, type_ in columns.items()]
    today = datetime.now(UTC).date()
    order = {"id": "A", "client_id": "1.1", "created": at(today, -2), "date": day(today, -2)}
    wire.replace(path, schema, [order])
    sql = (
        f"SELECT id, client_id, created FROM `{path}` WHERE date BETWEEN @start_date AND @end_date"
    )
    wire.define(id="order", kind="custom", sql=sql, reads=(path,))
    wire.now = datetime.now(UTC)
    wire.handle(wire.tick("first", end_date=day(today, -2)))
    # a day later nothing was loaded
    wire.now = at(today, 2)
    wire.handle(wire.tick("second"))
    assert [entry["status"] for entry in wire.ledger("order")][-1] == "held"
    assert "source_not_landed" in wire.incidents()
    wire.client.load_table_from_json([{**order, "id": "B", "created": f"{at(today, 1)}",
                                       "date": f"{day(today, 1)}"}], path).result()  # fmt: skip
    changed = wire.warehouse.table_info(path)
    assert changed is not None
    assert changed.changed_at is not None
    assert changed.changed_at > wire.ledger("order", status="applied")[0]["recorded_at"]


def day(today: date, days: int) -> date:
    return today + timedelta(days=days)


def at(today: date, days: int) -> datetime:
    moment = today + timedelta(days=days)
    return datetime(moment.year, moment.month, moment.day, 9, tzinfo=UTC)
