"""Visits and clicks are read once a run, and lent to events that do not say their own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from common.bigquery.sql import Sql
from common.bigquery.warehouse import Executed
from common.catalog.definitions import DefinitionVersion
from common.messaging.messages import MaterializeTask
from common.model.window import Window
from functions.materialize.runs.run import handle
from functions.materialize.task.visitors import whose
from tests.materialize.histories import Worker
from tests.materialize.world import QuickWorld

TABLES = ("ga4_visits", "ga4_clicks")


class Listening(Worker):
    """Counts the statements of tasks that name visits and clicks of all clients."""

    def __init__(self, world: QuickWorld) -> None:
        super().__init__(world.quick)
        self.read: dict[str, int] = dict.fromkeys(TABLES, 0)

    def submit(self, sql: Sql, job_id: str | None) -> Executed:
        if sql.text.startswith("CREATE") and "stage_" not in sql.text:
            for name in TABLES:
                self.read[name] += f".{name}`" in sql.text
        return super().submit(sql, job_id)


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


@pytest.fixture
def world() -> Iterator[QuickWorld]:
    made = QuickWorld()
    made.events([
        {"at": at(9, 8), "name": "session_start", "client": "a", "session": 1,
         "page": "https://shop.example/landing?gclid=G1"},
        {"at": at(9, 9), "name": "purchase", "client": "b", "order": "T1", "value": 1.0,
         "session": 2, "page": "https://shop.example/paid"},
        # a server's event: it knows its client and nothing of a visit
        {"at": at(10, 9), "name": "purchase", "client": "a", "order": "T2", "value": 2.0},
    ])  # fmt: skip
    made.define(id="purchase", event_type="purchase")
    made.define(id="first", event_type="purchase", deduplicate_by_user=True)
    made.define(id="both", kind="combined", conversions=["purchase", "first"])
    made.now = at(11, 6)
    yield made
    made.close()


def run(world: QuickWorld, worker: Worker) -> None:
    handle(world.services(warehouse=worker), world.tick("today"))
    while world.bus.queue:
        message = world.bus.queue.pop(0)
        if isinstance(message, MaterializeTask):
            handle(world.services(warehouse=worker), message)


def test_an_event_without_a_visit_learns_of_the_last_one_of_its_client(world: QuickWorld) -> None:
    listening = Listening(world)
    run(world, listening)
    for id, key in (("purchase", "T2"), ("first", "T2"), ("both", "purchase/T2")):
        rows = {row["id"]: row for row in world.rows(id, "id", "page_location", "gclid")}
        assert rows[key]["page_location"] == "https://shop.example/landing?gclid=G1"
        assert rows[key]["gclid"] == "G1"
    assert listening.read == {"ga4_visits": 1, "ga4_clicks": 1}


def test_visits_are_not_read_where_every_event_says_its_own(world: QuickWorld) -> None:
    world.events([
        {"at": at(10, 9), "name": "purchase", "client": "b", "order": "T3", "value": 2.0,
         "session": 3, "page": "https://shop.example/paid"},
        {"at": at(9, 9), "name": "purchase", "client": "b", "order": "T1", "value": 1.0,
         "session": 2, "page": "https://shop.example/paid"},
    ])  # fmt: skip
    worker = Listening(world)
    run(world, worker)
    assert worker.read == {"ga4_visits": 0, "ga4_clicks": 1}
    assert {row["id"] for row in world.rows("purchase", "id")} == {"T1", "T3"}


def version(id: str, **definition: Any) -> DefinitionVersion:
    body = {"id": id, "name": id, "kind": "simple", "event_type": "purchase", **definition}
    return DefinitionVersion(
        "conversion", id, 1, "simple", "active", body, "", (), at(1, 0), None
    )  # fmt: skip


@pytest.mark.parametrize("beyond", [0, 1])
def test_conversions_of_one_run_ask_for_the_same_days_however_long_they_stay_open(
    beyond: int,
) -> None:
    """Also where the run reaches a day that GA4 has not told whole."""
    known = {each.id: each for each in (version("short"), version("long", refunds={"days": 30}))}
    end = date(2026, 11, 20)
    asked = [
        whose(known[id], known, Window(Window.ending(end, days).start, end + timedelta(beyond)))
        for id, days in (("short", 4), ("long", 34))
    ]
    assert asked[0] == asked[1]
    first, late = asked[0]["start_date"], asked[0]["late_start"]
    assert first <= Window.ending(end, 34).start
    assert late <= Window.ending(end, 4).start


def test_a_longer_window_than_usual_asks_for_its_own_days() -> None:
    known = {each.id: each for each in (version("short"), version("long", refunds={"days": 30}))}
    window = Window(date(2026, 10, 1), date(2026, 11, 20))
    asked = whose(known["short"], known, window)
    assert asked["start_date"] == asked["late_start"] == window.start
