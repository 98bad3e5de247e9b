"""One cause is one incident, open until a person or a run resolves it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from common import schemas
from common.bigquery.sql import Sql
from common.errors import NotFoundError
from common.incidents.current import State, current
from common.incidents.incidents import Incident, IncidentLog
from common.settings import Settings
from tests.judge import analyze
from tests.quick import QuickWarehouse

MORNING = datetime(2026, 11, 20, 6, tzinfo=UTC)
REFUSED = Incident(
    "rows_refused", "meta/lead: 3 of 9 were refused.", "Mend them.", subject="meta/lead"
)


@pytest.fixture
def reported() -> IncidentLog:
    warehouse = QuickWarehouse(Settings(project="test-project"))
    warehouse.ensure_dataset("test-project.conversions")
    for table in ("incidents", "runs"):
        warehouse.ensure_table(warehouse.path(table), table)
    return IncidentLog(warehouse, "export", MORNING)


def later(log: IncidentLog, **time: int) -> IncidentLog:
    return replace(log, now=log.now + timedelta(**time))


def now(log: IncidentLog) -> list[dict[str, Any]]:
    return list(log.warehouse.rows(current(log.warehouse, date(2026, 9, 1))))


def entries(log: IncidentLog) -> int:
    (row,) = log.warehouse.rows(
        replace(current(log.warehouse, date(2026, 9, 1)), text=_COUNT, parameters={})
    )
    return int(row["entries"])


_COUNT = "SELECT COUNT(*) AS entries FROM `test-project.conversions.incidents`"


def test_other_counts_are_the_same_incident_and_the_newest_words_count(
    reported: IncidentLog,
) -> None:
    reported.report([REFUSED], "run-1")
    again = later(reported, days=1)
    again.report([replace(REFUSED, detail="meta/lead: 5 of 9 were refused.")], "run-2")
    (found,) = now(again)
    assert (found["first_day"], found["last_day"]) == (date(2026, 11, 20), date(2026, 11, 21))
    assert (found["days"], found["state"]) == (2, "open")
    assert found["detail"] == "meta/lead: 5 of 9 were refused."


def test_what_a_person_decides_later_is_no_report(reported: IncidentLog) -> None:
    reported.report([REFUSED])
    later(reported, days=2).decide(REFUSED.identity, State.ACKNOWLEDGED, by="jo@example.com")
    (found,) = now(reported)
    assert (found["first_day"], found["last_day"], found["days"]) == (
        date(2026, 11, 20),
        date(2026, 11, 20),
        1,
    )
    # so the function reports it again on that day
    later(reported, days=2, hours=1).report([REFUSED])
    (found,) = now(reported)
    assert (found["last_day"], found["days"]) == (date(2026, 11, 22), 2)
    assert found["state"] == "acknowledged"


def test_another_object_is_another_incident(reported: IncidentLog) -> None:
    reported.report([REFUSED, replace(REFUSED, object="account 2")], "run-1")
    assert len(now(reported)) == 2


def test_a_run_delivered_twice_reports_once(reported: IncidentLog) -> None:
    reported.report([REFUSED], "run-1")
    later(reported, hours=1).report([REFUSED], "run-1")
    assert entries(reported) == 1


def test_whoever_has_no_run_reports_once_a_day(reported: IncidentLog) -> None:
    for hours in (0, 1, 24):
        later(reported, hours=hours).report([REFUSED])
    assert entries(reported) == 2


def test_one_line_a_day_reaches_the_log(
    reported: IncidentLog, capsys: pytest.CaptureFixture[str]
) -> None:
    for hours, run_id in ((0, "run-1"), (1, "run-2"), (24, "run-3")):
        later(reported, hours=hours).report([REFUSED], run_id)
    assert capsys.readouterr().out.count('"event": "incident"') == 2


def test_what_a_run_no_longer_sees_is_resolved_and_may_come_back(reported: IncidentLog) -> None:
    reported.report([REFUSED], "run-1")
    second = later(reported, days=1)
    second.resolve_gone("meta/lead", "run-2")
    assert [row["state"] for row in now(second)] == ["resolved"]
    third = later(reported, days=5)
    third.report([REFUSED], "run-3")
    (found,) = now(third)
    assert (found["state"], found["first_day"], found["days"]) == ("open", date(2026, 11, 25), 1)


def test_nothing_is_resolved_that_this_run_saw_or_did_not_judge(reported: IncidentLog) -> None:
    reported.report([REFUSED], "run-1")
    reported.resolve_gone("meta/lead", "run-1")
    reported.resolve_gone("meta/lead", "run-2", codes=["export_halted"])
    reported.resolve_gone("meta/order", "run-2")
    reported.resolve_gone("meta/lead", "run-2", is_judged=lambda it: it != REFUSED.object)
    replace(reported, source="materialize").resolve_gone("meta/lead", "run-2")
    assert [row["state"] for row in now(reported)] == ["open"]


def test_the_end_of_a_run_reports_and_resolves_with_one_read_and_one_append(
    reported: IncidentLog,
) -> None:
    stays, new = replace(REFUSED, code="stays"), replace(REFUSED, code="new")
    other = replace(REFUSED, subject="meta/order")
    reported.report([REFUSED, stays, other], "run-1")
    second = later(reported, hours=1)
    before = entries(second)
    statements = _statements(second)
    second.conclude("meta/lead", [stays, new], "run-2", until=date(2026, 11, 19))
    # the second asks for the days of what is gone; an append is none here
    assert _statements(second) - statements == 2
    assert entries(second) - before == 3
    assert {(row["code"], row["conversion"]): row["state"] for row in now(second)} == {
        ("rows_refused", "meta/lead"): "resolved", ("stays", "meta/lead"): "open",
        ("new", "meta/lead"): "open", ("rows_refused", "meta/order"): "open",
    }  # fmt: skip


def _statements(log: IncidentLog) -> int:
    assert isinstance(log.warehouse, QuickWarehouse)
    return log.warehouse.statements


def planned(log: IncidentLog, run_id: str, end: date) -> None:
    days = {"start_date": end - timedelta(days=2), "end_date": end}
    at = {"date": log.now.date(), "recorded_at": log.now}
    entry = {"run_id": run_id, "status": "planned", "conversion": "meta/lead"}
    log.warehouse.append("runs", [{**at, **entry, **days}])


def test_a_run_of_older_days_resolves_nothing_that_it_did_not_look_at(
    reported: IncidentLog,
) -> None:
    yesterday = date(2026, 11, 19)
    planned(reported, "daily", yesterday)
    reported.report([REFUSED], "daily")
    reported.resolve_gone("meta/lead", "backfill", until=date(2026, 9, 30))
    assert [row["state"] for row in now(reported)] == ["open"]
    later(reported, hours=1).resolve_gone("meta/lead", "again", until=yesterday)
    assert [row["state"] for row in now(reported)] == ["resolved"]


def test_a_backfill_that_saw_it_too_leaves_it_to_the_daily_run(reported: IncidentLog) -> None:
    past = date(2026, 9, 30)
    planned(reported, "daily", date(2026, 11, 19))
    planned(reported, "backfill", past)
    reported.report([REFUSED], "daily")
    second = later(reported, hours=1)
    second.report([REFUSED], "backfill")
    later(second, hours=1).resolve_gone("meta/lead", "backfill-again", until=past)
    assert [row["state"] for row in now(second)] == ["open"]


def test_what_a_person_acknowledged_stays_so_until_resolved(reported: IncidentLog) -> None:
    reported.report([REFUSED], "run-1")
    answered = later(reported, hours=1)
    answered.decide(REFUSED.identity, State.ACKNOWLEDGED, by="jo@example.com", note="Known.")
    second = later(reported, days=1)
    second.report([REFUSED], "run-2")
    (found,) = now(second)
    assert (found["state"], found["days"]) == ("acknowledged", 2)
    # the run says nothing of it, and colleagues want to know who looks after it
    assert (found["note"], found["decided_by"]) == ("Known.", "jo@example.com")
    later(second, hours=1).decide(REFUSED.identity, State.RESOLVED, by="jo@example.com")
    (found,) = now(second)
    assert (found["state"], found["decided_by"]) == ("resolved", "jo@example.com")
    later(second, days=1).report([REFUSED], "run-3")
    (found,) = now(second)
    assert (found["state"], found["note"], found["decided_by"]) == ("open", None, None)


def test_what_a_run_resolved_is_no_persons_decision(reported: IncidentLog) -> None:
    reported.report([REFUSED], "run-1")
    later(reported, hours=1).decide(REFUSED.identity, State.ACKNOWLEDGED, by="jo", note="Known.")
    later(reported, days=1).resolve_gone("meta/lead", "run-2")
    (found,) = now(reported)
    assert (found["state"], found["note"]) == ("resolved", "No longer seen.")
    assert found["decided_by"] is None


def test_a_person_cannot_decide_what_is_not_open(reported: IncidentLog) -> None:
    with pytest.raises(NotFoundError, match="no open incident"):
        reported.decide("0" * 16, State.RESOLVED, by="jo@example.com")


def test_its_statements_are_googlesql(
    reported: IncidentLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Sql] = []

    def rows(sql: Sql, **_: object) -> Iterator[dict[str, Any]]:
        asked.append(sql)
        return iter([{**found, "subject": found["conversion"]}])

    reported.report([REFUSED], "run-1")
    (found,) = now(reported)
    monkeypatch.setattr(reported.warehouse, "rows", rows)
    reported.resolve_gone("meta/lead", "run-2", until=date(2026, 11, 19))
    assert reported.open_before("run-2") == {"meta/lead"}
    assert len(asked) == 3
    tables = {
        f"test-project.conversions.{name}": schemas.load(name)["schema"]
        for name in ("incidents", "runs")
    }
    for sql in asked:
        analyze(sql.text, tables, {name: bound.type for name, bound in sql.parameters.items()})
