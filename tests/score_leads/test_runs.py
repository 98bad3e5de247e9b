"""Whole tasks over the tables, statement by statement as BigQuery would judge them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.bigquery.sql import Sql
from common.catalog.definitions import Catalog
from common.errors import QuotaError, RetryableError, UserError
from common.kinds.lead_scoring.definition import LeadScoring
from common.messaging.messages import MaterializeTask, RunRequested
from common.model.window import Window
from functions.score_leads.data.sources import Warehouses, stage
from functions.score_leads.operate import cohorts, scoring, training_incidents
from functions.score_leads.operate.run import handle
from functions.score_leads.training.monitoring import Cohort
from tests.score_leads.department import CRM, DEALS, FIRST_DAY, Department
from tests.score_leads.simulator import Sales, sales

DAY = 200.0
WINDOW = 40


@dataclass
class Story:
    """What was in the tables after each of a few mornings."""

    sales: Sales
    department: Department
    first: dict[str, dict[str, Any]]
    redelivered: dict[str, dict[str, Any]]
    retrained: dict[str, dict[str, Any]]
    next_day: dict[str, dict[str, Any]]
    features_before: list[dict[str, Any]]
    runs: list[str]


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """A first morning, the same task again, a forced training, and one the morning after."""
    drawn = sales(4, days=240, per_day=1.1, strength=2)
    department = Department()
    department.define(
        conversion_window_days=WINDOW, qualification={"mode": "top_share", "threshold": 0.3}
    )
    department.load(drawn, DAY)
    department.score(DAY)
    first = department.newest()
    features = department.rows("lead_features", "id")
    department.score(DAY)
    redelivered = department.newest()
    department.score(DAY, run_id="forced", force=True)
    retrained = department.newest()
    department.load(drawn, DAY + 1)
    department.score(DAY + 1, force=True)
    runs = [row["detail"] for row in department.rows("runs", "recorded_at")]
    yield Story(
        drawn, department, first, redelivered, retrained, department.newest(), features, runs
    )
    department.warehouse.connection.close()


def qualified(scores: dict[str, dict[str, Any]]) -> set[str]:
    return {id for id, row in scores.items() if row["is_qualified"]}


def test_the_leads_of_the_window_are_scored(story: Story) -> None:
    window = story.sales.created_between(DAY - 30, DAY)
    assert set(story.first) == {f"lead-{row}" for row in window}
    row = story.first[f"lead-{window[-1]}"]
    assert row["client_id"] == f"{window[-1]}.1"
    assert 0 < row["probability"] < 1
    assert row["expected_value"] == pytest.approx(row["probability"] * row["deal_value_if_won"])
    assert row["grade"] in "ABCD"


def test_about_the_wanted_share_qualifies(story: Story) -> None:
    assert len(qualified(story.first)) / len(story.first) == pytest.approx(0.3, abs=0.15)
    for row in story.first.values():
        assert (row["qualified_at"] is not None) == row["is_qualified"]


def test_the_conversion_goes_on_with_the_scores(story: Story) -> None:
    message = story.department.bus.published[0]
    assert isinstance(message, MaterializeTask)
    assert (message.conversion, message.trigger) == ("leads", "scores")


def test_a_redelivered_task_changes_nothing(story: Story) -> None:
    same = ("probability", "expected_value", "is_qualified", "qualified_at", "model_id")
    for id, row in story.first.items():
        assert [row[name] for name in same] == [story.redelivered[id][name] for name in same]
    assert len({row["id"] for row in story.redelivered.values()}) == len(story.first)
    assert len(story.runs) == 3, "first, trained again, next day: the task that came twice ran once"


def test_only_new_data_makes_a_new_model(story: Story) -> None:
    """Neither the same task again nor a forced training on the same data does."""
    stored = story.department.rows("models", "recorded_at")
    assert [row["run_id"] for row in stored] == ["run-200.0", "run-201.0"]


def test_a_training_on_unchanged_data_changes_no_qualification(story: Story) -> None:
    assert qualified(story.retrained) == qualified(story.first)
    assert "0 became qualified and 0 no longer are" in story.runs[1]


def test_a_day_of_new_data_changes_few_and_the_run_says_how_many(story: Story) -> None:
    both = story.first.keys() & story.next_day.keys()
    moved = (qualified(story.first) ^ qualified(story.next_day)) & both
    assert len(moved) <= 0.05 * len(both)
    assert "became qualified and" in story.runs[2]


def test_attributes_are_kept_as_first_seen(story: Story) -> None:
    """The contract is signed later; what was stored of the lead before stays."""
    before = {row["id"]: row for row in story.features_before}
    after = {row["id"]: row for row in story.department.rows("lead_features", "id")}
    assert len(after) > len(before)
    assert all(after[id] == row for id, row in before.items())
    assert len(after) == len(story.department.rows("lead_features", "id"))


def test_the_leaky_attribute_is_refused_with_the_reason(story: Story) -> None:
    card = json.loads(story.department.rows("models")[0]["card"])
    answered = {row["name"]: row["reason"] for row in card["attributes"]}
    assert "contract" in answered
    assert answered["contract"]
    assert answered["channel"] == ""


def test_reasons_are_words_and_points(story: Story) -> None:
    answered = [reason for row in story.first.values() for reason in row["reasons"]]
    assert {reason["attribute"] for reason in answered} <= {
        "Channel", "Employees", "Pages", "Urgent", "Time of the request",
    }  # fmt: skip
    assert any(reason["points"] > 0 for reason in answered)
    assert any(reason["points"] < 0 for reason in answered)


def test_the_card_warns_of_leads_that_were_seen_late(story: Story) -> None:
    card = json.loads(story.department.rows("models")[0]["card"])
    assert any(each.startswith("backfilled: ") for each in card["warnings"])
    assert any(each.startswith("experimental: ") for each in card["warnings"])


# What a lead is worth on each day of its life


@pytest.fixture(scope="module")
def careful() -> Iterator[Department]:
    """Sales that note every loss: scored on two mornings 35 days apart, and then of a past day."""
    drawn = sales(6, days=240, per_day=1.1, strength=2, loses=True)
    built = Department()
    built.define(conversion_window_days=WINDOW, qualification={"mode": "all"})
    for day in (DAY, DAY + 35):
        built.load(drawn, day)
        built.score(day, adjusted=70, force=True)
    yield built
    built.warehouse.connection.close()


def days_scored(department: Department, day: float) -> dict[str, dict[str, Any]]:
    return {
        row["id"]: row for row in department.rows("lead_scores") if row["run_id"] == f"run-{day}"
    }


def test_a_loss_neither_removes_nor_restates_what_was_promised(careful: Department) -> None:
    """A chance counts being lost later: to take lost leads out would count it twice."""
    before, after = days_scored(careful, DAY), days_scored(careful, DAY + 35)
    both = before.keys() & after.keys()
    lost = {id for id in both if after[id]["status"] == "lost" != before[id]["status"]}
    assert len(lost) > 5
    for id in both:
        for name in ("promised_probability", "promised_value", "promised_deal_value"):
            assert after[id][name] == before[id][name]
        assert after[id]["is_qualified"]
        assert before[id]["promised_value"] == before[id]["expected_value"]
    assert any(after[id]["probability"] != before[id]["probability"] for id in both)


def test_the_pipeline_knows_what_was_won_and_lost(careful: Department) -> None:
    after = days_scored(careful, DAY + 35).values()
    known = {"won": 1.0, "lost": 0.0}
    for row in after:
        if row["status"] in known:
            assert row["pipeline_probability"] == known[row["status"]]
            assert row["pipeline_value"] == pytest.approx(
                known[row["status"]] * row["deal_value_if_won"]
            )
    young = [row for row in after if row["status"] == "open"]
    assert 0 < sum(row["pipeline_probability"] for row in young) < len(young)


def test_a_new_version_of_the_definition_promises_anew(careful: Department) -> None:
    careful.define(conversion_window_days=WINDOW + 20, qualification={"mode": "all"})
    careful.score(DAY + 35, run_id="changed")
    rows = [row for row in careful.rows("lead_scores") if row["run_id"] == "changed"]
    assert rows
    assert all(row["promised_probability"] == row["probability"] for row in rows)


def test_the_run_says_how_many_wins_it_promises(careful: Department) -> None:
    detail = careful.rows("runs", "recorded_at")[0]["detail"]
    assert " wins promised of them (80 %: " in detail


def test_a_past_day_is_scored_by_what_was_known_on_it() -> None:
    """The champion of today has seen what came of these leads; the run of then has not."""
    drawn = sales(6, days=240, per_day=1.1, strength=2)
    department = Department()
    department.define(conversion_window_days=WINDOW)
    department.load(drawn, DAY + 30)
    department.score(DAY + 30)
    (today,) = models(department, "leads")
    department.score(DAY - 40, today=DAY + 31)
    department.score(DAY - 35, today=DAY + 31)
    of_then = [row for row in models(department, "leads") if row["status"] == "of_past_day"]
    assert [row["trained_at"] for row in of_then] == [FIRST_DAY + timedelta(days=DAY - 40)]
    card = json.loads(of_then[0]["card"])
    assert card["data"]["last_lead"] < of_then[0]["trained_at"].isoformat()
    by_run = {run: days_scored(department, run) for run in (DAY - 40, DAY - 35)}
    for rows in by_run.values():
        assert {row["model_id"] for row in rows.values()} == {of_then[0]["model_id"]}
        assert all(row["is_reconstructed"] for row in rows.values())
        assert all(row["created"] <= row["as_of"] for row in rows.values())
    department.score(DAY + 31)
    assert {row["model_id"] for row in days_scored(department, DAY + 31).values()} == {
        today["model_id"]
    }
    department.warehouse.connection.close()


# Tasks that go wrong


@pytest.fixture(scope="module")
def department() -> Iterator[Department]:
    """A department with too few deals for any model, which is quick; each test has its own id."""
    built = Department()
    drawn = sales(1, days=120, per_day=0.5, window=WINDOW)
    drawn.won_after[np.flatnonzero(~np.isnan(drawn.won_after))[3:]] = np.nan
    built.load(drawn, 90)
    yield built
    built.warehouse.connection.close()


def answered(department: Department, id: str) -> list[dict[str, Any]]:
    return [row for row in department.rows("incidents", "recorded_at") if row["conversion"] == id]


def models(department: Department, id: str) -> list[dict[str, Any]]:
    return [row for row in department.rows("models", "recorded_at") if row["conversion"] == id]


def test_a_damaged_model_is_never_opened_but_trained_again(department: Department) -> None:
    department.define("damaged", conversion_window_days=WINDOW)
    department.score(90, "damaged")
    (stored,) = models(department, "damaged")
    later = stored["recorded_at"] + timedelta(hours=1)
    broken = base64.b64encode(b"cos.system").decode()
    department.warehouse.append("models", [{**stored, "artifact": broken, "recorded_at": later}])
    department.score(90.5, "damaged", run_id="after")
    assert "model_damaged" in [row["code"] for row in answered(department, "damaged")]
    assert len(models(department, "damaged")) == 3
    assert department.newest("damaged")


def test_leads_that_are_all_open_yet_are_no_fault(department: Department) -> None:
    department.define("young", conversion_window_days=365)
    department.score(90, "young")
    assert department.newest("young")
    assert models(department, "young")[0]["reason"].startswith("too_few_conversions")


def test_a_source_without_leads_is_reported_and_the_run_goes_on(department: Department) -> None:
    empty = f"SELECT * FROM `{CRM}.leads` WHERE created < '1990-01-01'"
    source = {"type": "query", "leads_sql": empty, "deals_sql": DEALS}
    department.define("nobody", source=source)
    before = len(department.bus.published)
    department.score(20, "nobody")
    assert [row["code"] for row in answered(department, "nobody")] == ["no_leads"]
    assert len(department.bus.published) == before + 1


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("DELETE FROM `test-project.crm.leads` WHERE TRUE", "SELECT"),
        (f"SELECT lead_id FROM `{CRM}.leads`; DROP TABLE `{CRM}.leads`", "statement"),
        ("SELECT * FROM `other-project.secret.leads`", "other-project"),
    ],
)
def test_a_query_that_is_refused_is_reported(department: Department, sql: str, said: str) -> None:
    source = {"type": "query", "leads_sql": sql, "deals_sql": DEALS}
    id = f"refused_{len(sql)}"
    department.define(id, source=source)
    department.score(90, id)
    (incident,) = answered(department, id)
    assert (incident["code"], incident["severity"]) == ("scoring_failed", "error")
    assert said in incident["detail"] + incident["fix"]


def test_an_incident_of_many_runs_is_one(department: Department) -> None:
    department.define("twice", conversion_window_days=WINDOW)
    for run in ("a", "b"):
        department.score(90, "twice", run_id=run)
    found = [row for row in answered(department, "twice") if row["code"] == "base_rate_only"]
    assert len({row["incident_id"] for row in found}) == 1


def test_a_run_without_training_resolves_nothing_that_a_training_found(
    department: Department,
) -> None:
    department.define("kept", conversion_window_days=WINDOW)
    department.score(88, "kept", run_id="trained")
    department.score(89, "kept", run_id="scored")
    assert len(models(department, "kept")) == 1
    found = [row for row in answered(department, "kept") if row["code"] == "base_rate_only"]
    assert [row["state"] for row in found] == ["open"]


def test_every_incident_of_scoring_is_judged_by_something() -> None:
    text = Path(str(training_incidents.__file__)).read_text("utf-8")
    reported = set(re.findall(r'Incident\(\s*"([a-z_]+)"', text)) | {"scoring_failed"}
    assert reported <= training_incidents.judged(is_trained=True, has_cohorts=True)


def test_a_fault_that_passes_is_handed_back(
    department: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(table: str, rows: object) -> None:
        raise RetryableError("BigQuery is away.", code="bigquery_unavailable")

    department.define("away", conversion_window_days=WINDOW)
    before = len(department.bus.published)
    with monkeypatch.context() as patched:
        patched.setattr(department.warehouse, "append", away)
        with pytest.raises(RetryableError):
            department.score(90, "away")
    assert len(department.bus.published) == before
    department.score(90, "away")
    assert department.newest("away")


def test_a_quota_of_the_day_leaves_the_task_open_for_the_watchdog(
    department: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    def used_up(*arguments: Any, **named: Any) -> None:
        raise QuotaError("Number of partition modifications", fix="Wait.")

    department.define("many_days", conversion_window_days=WINDOW)
    before = len(department.bus.published)
    with monkeypatch.context() as patched:
        patched.setattr(scoring, "score", used_up)
        department.score(90, "many_days")
    assert len(department.bus.published) == before
    told = {row["code"]: row["fix"] for row in answered(department, "many_days")}
    assert "asks for it again each hour" in told["quota_exceeded"]
    department.score(90, "many_days")
    assert department.newest("many_days")
    assert len(department.bus.published) == before + 1


def test_other_messages_are_refused(department: Department) -> None:
    with pytest.raises(UserError, match="takes no RunRequested"):
        handle(department.services(date(2026, 1, 1)), RunRequested())


def test_what_is_not_scored_is_said(department: Department) -> None:
    department.define("bought", kind="simple", event_type="purchase")
    department.score(90, "bought")
    assert [row["detail"] for row in answered(department, "bought")] == ["'bought' is not scored."]


def test_an_unknown_conversion_is_reported(department: Department) -> None:
    department.score(90, "nothing")
    assert [row["code"] for row in answered(department, "nothing")] == ["scoring_failed"]


def test_a_changed_definition_trains_again(department: Department) -> None:
    department.define("changed", conversion_window_days=WINDOW)
    department.score(90, "changed")
    department.define("changed", conversion_window_days=WINDOW, excluded_attributes=["channel"])
    department.score(91, "changed")
    assert [row["definition_version"] for row in models(department, "changed")] == [1, 2]


def test_a_custom_conversion_is_worth_what_its_target_will_be(department: Department) -> None:
    """Targets of the same person count, those of before the row and after the window do not.

    Nor do those that have not reached their target status. The first target is where training
    starts.
    """
    sql = f"SELECT lead_id AS id, client_id, user_id, created, pages FROM `{CRM}.leads`"
    target = {"target": "paid", "window_days": WINDOW}
    department.define("asked", kind="custom", sql=sql, predicted_value=target)
    leads = list(
        department.warehouse.rows(Sql(f"SELECT user_id, created FROM `{CRM}.leads` ORDER BY 2"))
    )
    delays = (0.0001, -1, 2, 3, 4, WINDOW + 1, 5, 6, 7)
    reached = [True] * 7 + [False, None]
    paid = [
        {
            "id": f"paid-{place}",
            "user_id": lead["user_id"],
            "created": (lead["created"] + timedelta(days=delay)).isoformat(),
            "value_project": 100.0,
            "is_qualified": reached[place],
        }
        for place, (lead, delay) in enumerate(zip(leads, delays, strict=False))
    ]
    columns = {"id": "STRING", "user_id": "STRING", "created": "TIMESTAMP",
               "value_project": "FLOAT", "is_qualified": "BOOLEAN"}  # fmt: skip
    department.table(department.warehouse.path("conversion_paid"), columns, paid)
    department.score(90, "asked")
    (model,) = models(department, "asked")
    card = json.loads(model["card"])
    assert card["data"]["won"] == 4
    assert {row["name"] for row in card["attributes"]} == {"pages"}
    for row in department.newest("asked").values():
        assert row["is_qualified"]
        assert row["expected_value"] == pytest.approx(100 * row["probability"])


def test_days_that_are_still_to_come_are_scored_as_far_as_they_are_known(
    department: Department,
) -> None:
    department.define("ahead", conversion_window_days=WINDOW)
    department.score(90, "ahead", end_date=date.max)
    scored = department.newest("ahead").values()
    assert {row["as_of"] for row in scored} == {FIRST_DAY + timedelta(days=90, hours=6)}


# Money and months


def final_from(department: Department, day: int) -> list[Cohort]:
    """What a run reports that has staged the leads since this day alone."""
    warehouse, as_of = department.warehouse, FIRST_DAY + timedelta(days=120)
    days = Window((FIRST_DAY + timedelta(days=day)).date(), as_of.date())
    conversion = Catalog(warehouse).get("leads").conversion
    assert isinstance(conversion, LeadScoring)
    staged = stage(Warehouses(warehouse, warehouse), conversion, days, as_of)
    return cohorts.close_cohorts(warehouse, "leads", staged, days.start, 14, "run", as_of)


def test_months_that_are_final_are_reported_once() -> None:
    department = Department()
    department.define(conversion_window_days=14)
    drawn = sales(2, days=130, per_day=1, window=14)
    drawn.won_after[np.flatnonzero(~np.isnan(drawn.won_after))[5:]] = np.nan
    for day in (20, 50):
        department.load(drawn, day)
        department.score(day, adjusted=40)
    department.load(drawn, 120)
    wholly = final_from(department, 40)
    assert [cohort.month for cohort in wholly] == ["January 2024"], "not the rest of December"
    department.score(120, adjusted=40)
    months = department.rows("lead_calibration", "date")
    assert len(months) == len({row["date"] for row in months}) >= 2
    known = drawn.created_between(0, 130)
    won = int((drawn.won_after[known] <= 14).sum())
    assert 0 < sum(row["actual_wins"] for row in months) <= won
    assert all(row["predicted_wins"] > 0 for row in months)


def test_a_cancelled_run_scores_nobody_and_closes_what_it_planned(department: Department) -> None:
    department.define("dropped", conversion_window_days=WINDOW)
    cancelled = {"date": FIRST_DAY.date(), "recorded_at": FIRST_DAY, "conversion": ""}
    department.warehouse.append("runs", [{**cancelled, "run_id": "gone", "status": "cancelled"}])
    before = len(department.bus.published)
    department.score(90, "dropped", run_id="gone")
    (message,) = department.bus.published[before:]
    assert isinstance(message, MaterializeTask)
    assert message.conversion == "dropped"
    assert not department.newest("dropped")
