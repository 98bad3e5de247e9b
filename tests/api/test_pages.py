"""Lists that grow are read page by page, and persons act on runs and incidents."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import chain, repeat
from types import SimpleNamespace
from typing import Any

import pytest

from common.errors import AccessError, MalformedError
from common.incidents.incidents import Incident, IncidentLog
from common.messaging.messages import RunRequested
from functions.api.reporting.leads import _number
from functions.api.services import Services
from functions.api.setup.freshness import _property
from functions.materialize.runs.run import handle
from tests.api.conftest import NOW, PURCHASE, Harness, House, Opened


def walked(harness: Harness, path: str, name: str, key: str) -> list[Any]:
    """The key of every item of all pages of two."""
    found: list[Any] = []
    page = ""
    sign = "&" if "?" in path else "?"
    while True:
        shown = harness.get(f"{path}{sign}limit=2&page={page}")
        found += [each[key] for each in shown[name]]
        if not (page := shown["next_page"]):
            return found


def entry(run: int, status: str, conversion: str = "purchase", minutes: int = 0) -> dict[str, Any]:
    at = datetime(2026, 11, 18, run, tzinfo=UTC) + timedelta(minutes=minutes)
    row = {"run_id": f"r{run}", "conversion": conversion, "status": status, "trigger": "manual"}
    return {"date": at.date(), "recorded_at": at, **row}


RUNS = [
    entry(1, "planned"), entry(1, "applied", minutes=1),
    entry(2, "planned"), entry(2, "failed", minutes=1),
    entry(3, "planned"), entry(3, "held", minutes=1),
    entry(4, "planned"),
    entry(5, "planned"), entry(5, "unchanged", minutes=1), entry(5, "held", "", 2),
    entry(6, "planned"), entry(6, "cancelled", "", 1),
    entry(7, "planned", "lead"), entry(7, "applied", "lead", 1),
    entry(8, "requested", ""), entry(9, "requested", ""), entry(9, "failed", "", 1),
    entry(10, "requested", ""), entry(10, "unchanged", "", 1),
]  # fmt: skip
STATES = {
    "r1": "finished", "r2": "failed", "r3": "held", "r4": "running", "r5": "held",
    "r6": "cancelled", "r7": "finished", "r8": "running", "r9": "failed", "r10": "finished",
}  # fmt: skip


@pytest.fixture(scope="module")
def ledger(open_api: Opened) -> Harness:
    """An API with seven runs in the ledger."""
    harness = open_api()
    harness.load("runs", *RUNS)
    return harness


def test_runs_are_paged_and_filtered_where_they_lie(ledger: Harness) -> None:
    whole = {run["run_id"]: run["status"] for run in ledger.get("/runs")["runs"]}
    assert whole == STATES
    assert walked(ledger, "/runs", "runs", "run_id") == list(STATES)[::-1]
    assert walked(ledger, "/runs?conversion=lead", "runs", "run_id") == ["r7"]
    for status in set(STATES.values()):
        found = walked(ledger, f"/runs?status={status}", "runs", "run_id")
        assert sorted(found) == sorted(run for run, state in STATES.items() if state == status)


def test_a_run_is_cancelled_between_its_tasks(house: House) -> None:
    world, harness = house.world, house.harness
    harness.save(PURCHASE)
    world.events([{"name": "page_view", "at": datetime(2026, 11, 19, 9, tzinfo=UTC)}])
    request = RunRequested(request_id="r")
    handle(world.services(), request)
    [task] = world.bus.queue
    run_id = getattr(task, "run_id")  # noqa: B009
    shown = harness.post(f"/runs/{run_id}:cancel", None)
    assert shown["status"] == "cancelled"
    again = harness.ask("POST", f"/runs/{run_id}:cancel")
    assert (again.status, again.body["code"]) == (409, "run_ended")
    handle(world.services(), task)
    assert [row["status"] for row in world.ledger("purchase")] == ["planned", "cancelled"]
    assert harness.get(f"/runs/{run_id}")["done"] == 1


def test_twenty_presses_are_one_run_until_it_begins(harness: Harness) -> None:
    presses = {harness.post("/runs", {}, 202)["run_id"] for _ in range(20)}
    assert len(presses) == 1
    other = harness.post("/runs", {"force": True}, 202)["run_id"]
    assert other not in presses
    harness.load("runs", {**entry(1, "planned"), "recorded_at": NOW, "date": NOW.date()})
    assert harness.post("/runs", {}, 202)["run_id"] not in presses


@pytest.fixture
def troubled(harness: Harness) -> Harness:
    """An API with five open incidents, whose clock goes on."""
    ticks = (NOW + timedelta(seconds=second) for second in range(1000))
    services = {**vars(harness.services), "now": lambda: next(ticks)}
    harness = Harness(Services(**services), harness.bus)
    log = IncidentLog(harness.services.warehouse, "materialize", NOW - timedelta(hours=2))
    log.report([Incident("silence", f"Day {n}.", "Look.", "purchase", f"{n}") for n in range(5)])
    return harness


def test_incidents_are_paged_searched_acknowledged_and_resolved(troubled: Harness) -> None:
    ids = walked(troubled, "/incidents", "incidents", "incident_id")
    assert len(set(ids)) == 5
    [found] = troubled.get("/incidents?search=day%203")["incidents"]
    id = found["incident_id"]
    shown = troubled.post(f"/incidents/{id}:acknowledge", {"note": "On it."})
    assert (shown["state"], shown["note"]) == ("acknowledged", "On it.")
    assert len(troubled.get("/incidents?state=open")["incidents"]) == 4
    assert troubled.post(f"/incidents/{id}:resolve", {})["state"] == "resolved"
    gone = troubled.ask("POST", f"/incidents/{id}:resolve", {})
    assert (gone.status, gone.body["code"]) == (404, "unknown_incident")
    nowhere = troubled.ask("POST", "/incidents/0000:acknowledge", {})
    assert nowhere.status == 404


def test_what_is_decided_at_midnight_is_answered_all_the_same(harness: Harness) -> None:
    last = datetime.combine(NOW.date(), time(23, 59, 59), UTC)
    log = IncidentLog(harness.services.warehouse, "materialize", NOW)
    log.report([Incident("silence", "None.", "Look.", "purchase")])
    (found,) = harness.get("/incidents")["incidents"]
    ticks = chain([last], repeat(last + timedelta(seconds=2)))
    late = Harness(Services(**{**vars(harness.services), "now": lambda: next(ticks)}), harness.bus)
    shown = late.post(f"/incidents/{found['incident_id']}:acknowledge", {})
    assert shown["state"] == "acknowledged"


def test_an_incident_began_before_the_days_that_are_listed(harness: Harness) -> None:
    warehouse = harness.services.warehouse
    for days in (40, 30, 1):
        log = IncidentLog(warehouse, "materialize", NOW - timedelta(days=days))
        log.report([Incident("silence", "None.", "Look.", "purchase")])
    (found,) = harness.get("/incidents?days=14")["incidents"]
    assert (found["first_day"], found["days"]) == (str((NOW - timedelta(days=40)).date()), 3)


def test_versions_are_read_compared_and_brought_back(harness: Harness) -> None:
    harness.save(PURCHASE)
    harness.save({**PURCHASE, "name": "Sale", "refunds": {"days": 9}})
    assert harness.get("/conversions/purchase/versions/1")["definition"]["name"] == "Purchase"
    shown = harness.get("/conversions/purchase/compare?before=1&after=2")
    assert shown["changes"] == [
        {"path": "name", "before": "Purchase", "after": "Sale"},
        {"path": "refunds.days", "before": None, "after": 9},
    ]
    path = "/conversions/purchase/versions/1:restore"
    assert harness.ask("POST", path, If_Match='"1"').status == 409
    restored = harness.ask("POST", path, If_Match='"2"')
    assert (restored.status, restored.headers["ETag"]) == (200, '"3"')
    assert harness.get("/conversions/purchase")["definition"]["refunds"] is None
    missing = harness.ask("GET", "/conversions/purchase/versions/9")
    assert (missing.status, missing.body["code"]) == (404, "unknown_version")


def score(id: str, hour: int, probability: float, status: str = "open") -> dict[str, Any]:
    at = datetime(2026, 11, 18, hour, tzinfo=UTC)
    return {
        "date": "2026-11-18", "conversion": "lead", "id": id, "created": at, "scored_at": at,
        "as_of": at, "model_id": "m", "probability": probability, "is_qualified": False,
        "status": status, "expected_value": 100 * probability, "reasons": [],
    }  # fmt: skip


def test_leads_and_thresholds_count_each_lead_once(harness: Harness) -> None:
    harness.save({**PURCHASE, "id": "lead"})
    harness.load(
        "lead_scores",
        score("a", 1, 0.8), score("a", 9, 0.1, "won"), score("b", 1, 0.3, "lost"),
        score("c", 1, 0.3, "won"),
    )  # fmt: skip
    assert walked(harness, "/scores/lead/leads", "leads", "id") == ["b", "c", "a"]
    shown = harness.get("/scores/lead/thresholds")
    assert (shown["leads"], shown["wins"]) == (3, 2)
    points = {point["threshold"]: point for point in shown["points"]}
    assert (points[0.5]["leads"], points[0.5]["wins"], points[0.5]["recall"]) == (1, 1, 0.5)
    assert points[0.95]["precision"] is None


def test_channels_sum_to_the_whole(house: House) -> None:
    world, harness = house.world, house.harness
    at = datetime(2026, 11, 19, 9, tzinfo=UTC)
    world.events(
        [
            {
                "name": "purchase",
                "at": at,
                "client": f"{n}.1",
                "order": f"o{n}",
                "value": 10,
                **more,
            }
            for n, more in enumerate([{"gclid": "g"}, {}, {}])
        ]
    )
    harness.save(PURCHASE)
    world.run(at.date())
    by_platform = harness.get("/conversions/purchase/by-channel?by=platform")["channels"]
    assert {one["platform"]: one["conversions"] for one in by_platform} == {
        "google": 1,
        "(not attributed)": 2,
    }
    by_source = harness.get("/conversions/purchase/by-channel")["channels"]
    assert sum(one["conversions"] for one in by_source) == 3


def test_what_is_set_up_is_reported(house: House) -> None:
    house.world.events([{"name": "page_view", "at": datetime(2026, 11, 19, 9, tzinfo=UTC)}])
    shown = house.harness.get("/settings")
    assert shown["ga4_datasets"] == list(house.world.settings.ga4_datasets)
    [known] = house.harness.get("/freshness")["properties"]
    assert (known["newest_day"], known["state"]) == ("2026-11-19", "fresh")
    [table] = house.harness.get("/tables")["tables"]
    assert table["path"].endswith(".events_*")
    assert "event_name" in [column["name"] for column in table["columns"]]
    assert house.harness.get("/tables?search=nix")["tables"] == []


def test_daily_tables_have_the_columns_of_the_one_that_was_created_last(house: House) -> None:
    """So has the wildcard that SQL reads them by."""
    house.world.events([{"name": "page_view", "at": datetime(2026, 11, 19, 9, tzinfo=UTC)}])
    (export,) = house.world.settings.ga4_datasets
    house.world.replace(f"{export}.events_20261101", [{"name": "made_anew", "type": "STRING"}], [])
    [table] = house.harness.get("/tables")["tables"]
    assert [column["name"] for column in table["columns"]] == ["made_anew"]


def test_an_export_that_may_not_be_looked_at_is_not_called_missing() -> None:
    class Closed:
        def tables_in(self, _: str) -> list[str]:
            raise AccessError("not open to us")

    services: Any = SimpleNamespace(warehouse=Closed())
    assert _property("shop.analytics_1", services).state == "unknown"


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "1.5", "often"])
def test_a_cursor_holds_a_probability_or_is_none_of_ours(text: str) -> None:
    with pytest.raises(MalformedError):
        _number(text)
    assert _number(repr(1 / 3)) == 1 / 3
