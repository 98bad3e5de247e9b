"""Who is who is derived once for all conversions of a run that ask."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from common.bigquery.sql import Sql
from common.identity import graph
from tests.materialize.world import QuickWorld


def test_conversions_of_one_run_share_one_identity_graph(
    world: QuickWorld, monkeypatch: Any
) -> None:
    derived: list[str] = []
    execute = world.quick._execute

    def heard(sql: Sql) -> Any:
        if "_staging.identity_" in sql.text.partition(" AS\n")[0]:
            derived.append(sql.text)
        return execute(sql)

    monkeypatch.setattr(world.quick, "_execute", heard)
    for number in range(3):
        world.define(id=f"first_{number}", event_type="purchase", deduplicate_by_user=True)
    world.define(id="all", event_type="purchase")
    world.events(
        {"name": "purchase", "at": datetime(2026, 11, day, 9, tzinfo=UTC), "client": f"c{day}",
         "user": "u", "order": f"T{day}", "value": 5.0}
        for day in (8, 9)
    )  # fmt: skip
    world.run(date(2026, 11, 9))
    # the first run begins with the oldest day and ends with the same one for all
    assert len(derived) == 1
    for number in range(3):
        assert world.rows(f"first_{number}", "id") == [{"id": "T8"}]
    world.run(date(2026, 11, 10))
    assert len(derived) == 2


SHOPPERS = [
    # day, client, user: a and b are one user, c is shared by two, d and e never log in
    (1, "a", "u"), (2, "b", "u"), (2, "c", "u"), (3, "c", "v"), (3, "e", None), (4, "f", "w"),
    (5, "c", None), (7, "b", None), (7, "c", None), (8, "d", None), (8, "f", None), (9, "a", None),
    (9, "g", "u"), (10, "e", None), (10, "c", None), (10, "h", "v"),
]  # fmt: skip


PERSONS: dict[str, dict[str, Any]] = {
    "first": {"event_type": "purchase", "deduplicate_by_user": True},
    # whoever gave everything back has bought before, which the stage knows
    "returned": {
        "event_type": "purchase",
        "deduplicate_by_user": True,
        "refunds": {"days": 1, "remove_fully_refunded": True},
    },
    "spaced": {
        "event_type": "custom_event",
        "filters": {"dimension": "event", "operator": "equals", "value": "purchase"},
        "deduplicate_by_user": True,
        "deduplication_days": 4,
    },
}


def test_the_edges_of_the_run_alone_decide_as_all_edges_do(
    world: QuickWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for id, definition in PERSONS.items():
        world.define(id=id, **definition)
    world.events(
        {"name": "purchase", "at": datetime(2026, 11, day, 1 + number, tzinfo=UTC),
         "client": client, "user": user, "order": f"T{number}", "value": 5.0}
        for number, (day, client, user) in enumerate(SHOPPERS)
    )  # fmt: skip
    narrow = _day_by_day(world, "narrow")
    monkeypatch.setattr(graph, "narrowed", graph.edges)
    world.quick.empty_dataset(f"{world.dataset}")
    world.quick.jobs.clear()
    world.warehouse.ensure_tables()
    for id, definition in PERSONS.items():
        world.define(id=id, **definition)
    assert narrow == _day_by_day(world, "wide")
    assert {row["id"] for row in narrow["first"]} == {"T0", "T3", "T4", "T5", "T9"}


def _day_by_day(world: QuickWorld, run: str) -> dict[str, list[dict[str, Any]]]:
    for day in (7, 10):
        world.run(date(2026, 11, day), request_id=f"{run}|{day}")
    return {id: world.rows(id, "id", "person_id", "date") for id in PERSONS}


def test_a_customer_whom_a_release_before_wrote_is_no_new_one(world: QuickWorld) -> None:
    world.define(id="first", event_type="purchase", deduplicate_by_user=True)
    world.events([_bought(1, "c1"), _bought(2, "c2"), _bought(3, "c3", user="u"), _bought(9, "z")])
    world.run(date(2026, 11, 9))
    # it writes on beside the new one, once the table has the new column
    table = f"`{world.warehouse.path('conversion_first')}`"
    world.query(f"UPDATE {table} SET person_key = NULL WHERE id <> 'T2-c2'")
    before = world.rows("first")
    # the client again, one who logs in by now, a user on another device, and nobody known
    world.events([_bought(12, "c1"), _bought(12, "c2", user="v"), _bought(12, "other", user="u"),
                  _bought(12, "new")])  # fmt: skip
    world.run(date(2026, 11, 12))
    world.run(date(2026, 11, 13))
    assert [row for row in world.rows("first") if row["id"] != "T12-new"] == before
    assert len(world.rows("first")) == len(before) + 1
    assert world.query(f"SELECT id FROM {table} WHERE person_key IS NULL") == []
    changes = (
        f"SELECT id FROM `{world.warehouse.path('conversion_changes')}` WHERE date < '2026-11-12'"
    )
    assert len(world.query(changes)) == len(before)


def _bought(day: int, client: str, **said: Any) -> dict[str, Any]:
    at = datetime(2026, 11, day, 9, tzinfo=UTC)
    order = f"T{day}-{client}"
    return {"at": at, "name": "purchase", "client": client, "order": order, "value": 5.0} | said
