"""Runs are asked for once however often the request arrives, and told from the ledger."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from common.messaging.messages import RunRequested, run_id_of
from functions.api.runs.runs import summary
from tests.api.conftest import NOW, PURCHASE, Harness


def entry(status: str, conversion: str = "", minute: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "date": "2026-11-20",
        "recorded_at": f"2026-11-20T05:{30 + minute}:00+00:00",
        "run_id": "schedule-1",
        "conversion": conversion,
        "status": status,
        "trigger": "schedule",
        **more,
    }


LEDGER = [
    entry("staged", minute=0, bytes_processed=1000, seconds=2.0),
    entry("planned", "lead", 1),
    entry("planned", "purchase", 1),
    entry("applied", "purchase", 2, inserted=3, updated=1, deleted=0, seconds=1.5),
    entry("failed", "lead", 3, detail="The query reads a table that is gone."),
]


@pytest.fixture(scope="module")
def api(shared: Harness) -> Harness:
    """An API with one finished run and two incidents."""
    shared.load("runs", *LEDGER)
    shared.save(PURCHASE)
    for code, conversion in (("suspicious_shrink", "lead"), ("rows_quarantined", "purchase")):
        shared.load(
            "incidents",
            {
                "date": "2026-11-20",
                "recorded_at": "2026-11-20T05:33:00+00:00",
                "incident_id": code,
                "code": code,
                "severity": "error",
                "conversion": conversion,
                "detail": "What happened.",
                "fix": "What to do.",
            },
        )
    return shared


def test_a_run_is_reported_in_one_line_and_in_full(api: Harness) -> None:
    (run,) = api.get("/runs")["runs"]
    assert (run["status"], run["planned"], run["done"], run["failed"]) == ("failed", 2, 2, ["lead"])
    assert (run["inserted"], run["updated"], run["bytes_processed"]) == (3, 1, 1000)
    full = api.get("/runs/schedule-1")
    assert [one["status"] for one in full["entries"]] == [one["status"] for one in LEDGER]
    assert full["entries"][-1]["detail"] == "The query reads a table that is gone."


def test_runs_are_filtered(api: Harness) -> None:
    assert api.get("/runs?conversion=nix")["runs"] == []
    assert api.get("/runs?status=finished")["runs"] == []
    assert len(api.get("/runs?status=failed&conversion=lead")["runs"]) == 1


@pytest.mark.parametrize(
    ("entries", "status"),
    [
        (LEDGER[:1], "running"),
        (LEDGER[:4], "running"),
        ([*LEDGER[:2], entry("unchanged", "lead", 2)], "finished"),
        ([*LEDGER[:2], entry("held", "lead", 2)], "held"),
        ([entry("held"), *LEDGER[1:2], entry("applied", "lead", 2)], "held"),
    ],
)
def test_a_run_has_the_state_of_its_conversions(entries: list[dict[str, Any]], status: str) -> None:
    assert summary("r", [complete(one) for one in entries]).status == status


def complete(entry: dict[str, Any]) -> dict[str, Any]:
    from functions.api.runs.runs import Entry

    return {**dict.fromkeys(Entry.model_fields), **entry}


def test_an_unknown_run_may_only_be_late(api: Harness) -> None:
    answered = api.ask("GET", "/runs/manual-x")
    assert (answered.status, answered.body["code"]) == (404, "unknown_run")
    assert "within a minute" in answered.body["fix"]


def test_incidents_are_listed_and_filtered(api: Harness) -> None:
    assert len(api.get("/incidents")["incidents"]) == 2
    (one,) = api.get("/incidents?conversion=lead")["incidents"]
    assert (one["code"], one["fix"]) == ("suspicious_shrink", "What to do.")
    assert api.get("/incidents?code=nix")["incidents"] == []


def test_run_now_publishes_the_request_and_tells_the_planners_run_id(harness: Harness) -> None:
    harness.save(PURCHASE)
    shown = harness.post("/runs", {"conversions": ["purchase"]}, status=202)
    (request,) = harness.bus.published
    assert isinstance(request, RunRequested)
    assert (request.trigger, request.conversions) == ("manual", ("purchase",))
    assert shown["run_id"] == run_id_of(request, NOW)


def test_the_same_request_with_the_same_key_is_one_run(harness: Harness) -> None:
    def run(body: dict[str, Any], **headers: str) -> str:
        return str(harness.ask("POST", "/runs", body, **headers).body["run_id"])

    first = run({}, Idempotency_Key="k1")
    assert run({}, Idempotency_Key="k1") == first
    assert run({}, Idempotency_Key="k2") != first
    assert run({"force": True}, Idempotency_Key="k1") != first
    assert run({}) == run({})


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"conversions": ["nix"]}, "unknown_conversion", "conversions"),
        ({"start_date": "2026-11-20"}, "incomplete_day", "start_date"),
        ({"end_date": "2026-11-25"}, "incomplete_day", "end_date"),
        ({"start_date": "2026-11-05", "end_date": "2026-11-01"}, "empty_window", "end_date"),
        ({"start": "2026-11-05"}, "invalid_request", "start"),
        ({"start_date": "0001-01-01"}, "invalid_request", "start_date"),
        ({"start_date": "2005-01-01"}, "window_too_long", "start_date"),
    ],
)
def test_a_run_that_makes_no_sense_is_refused(
    api: Harness, body: dict[str, Any], code: str, field: str
) -> None:
    answered = api.ask("POST", "/runs", body)
    assert (answered.status, answered.body["code"]) == (422, code)
    assert answered.body["field"] == field
    assert api.bus.published == []


def test_a_backfill_that_begins_in_the_future_names_that_day(harness: Harness) -> None:
    """Nobody named the end that was said to be before it."""
    harness.save(PURCHASE)
    answered = harness.ask("POST", "/backfills", {"start_date": "2030-01-01"})
    assert (answered.status, answered.body["code"]) == (422, "incomplete_day")
    assert answered.body["detail"] == "The day 2030-01-01 is not complete yet."


def test_a_dry_backfill_tells_its_price_and_runs_nothing(harness: Harness) -> None:
    harness.save(PURCHASE)
    shown = harness.post("/backfills", {"start_date": "2025-11-20", "dry": True}, status=202)
    assert (shown["run_id"], shown["days"], shown["end_date"]) == ("", 365, "2026-11-19")
    assert harness.bus.published == []


def test_a_backfill_is_asked_for_with_its_days(harness: Harness) -> None:
    harness.save(PURCHASE)
    shown = harness.post("/backfills", {"start_date": "2025-11-20"}, status=202)
    (request,) = harness.bus.published
    assert isinstance(request, RunRequested)
    assert (request.trigger, request.start_date) == ("backfill", date(2025, 11, 20))
    assert shown["run_id"] == run_id_of(request, NOW)
