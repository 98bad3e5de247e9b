"""A lead's score comes with its reasons, its past, and the model's record."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from common import schemas
from tests.api.conftest import NOW, Harness
from tests.quick import QuickWarehouse

SCORED = {
    "id": "good_lead",
    "name": "Good lead",
    "kind": "lead_scoring",
    "source": {"type": "crm", "crm": "hubspot", "dataset": "shop.hubspot"},
}


def score(day: int, probability: float, **more: Any) -> dict[str, Any]:
    return {
        "date": "2026-11-01",
        "conversion": "good_lead",
        "id": "deals/42",
        "created": "2026-11-01T09:00:00+00:00",
        "scored_at": f"2026-11-{day:02d}T05:30:00+00:00",
        "as_of": f"2026-11-{day:02d}T00:00:00+00:00",
        "model_id": "m1",
        "probability": probability,
        "is_qualified": probability > 0.5,
        "email": "secret",
        **more,
    }


def define(harness: Harness, definition: dict[str, Any]) -> None:
    """Save it without a look at the CRM, which these tests do not have."""
    harness.services.catalog.save(definition, now=NOW, author="test")


@pytest.fixture(scope="module")
def scored(shared: Harness) -> Harness:
    """An API with a scored lead and its model."""
    define(shared, SCORED)
    reasons = [{"attribute": "Company size", "value": "500", "points": 12.5}]
    won = {"pipeline_probability": 1.0, "pipeline_value": 5000.0}
    newest = score(3, 0.634, grade="A", expected_value=3170.0, reasons=reasons, **won)
    shared.load("lead_scores", score(2, 0.41), newest, score(1, 0.3))
    shared.load(
        "models",
        {
            "date": "2026-11-01",
            "recorded_at": "2026-11-01T05:30:00+00:00",
            "conversion": "good_lead",
            "model_id": "m1",
            "status": "champion",
            "trained_at": "2026-11-01T05:30:00+00:00",
            "versions": "{}",
            "sha256": "0",
            "card": '{"leads": 1200}',
        },
    )
    for recorded, wins in (("2026-11-01", 8), ("2026-11-02", 9)):
        shared.load(
            "lead_calibration",
            {
                "date": "2026-08-01",
                "conversion": "good_lead",
                "recorded_at": f"{recorded}T05:30:00+00:00",
                "leads": 100,
                "predicted_wins": 10.2,
                "actual_wins": wins,
            },
        )
    return shared


def test_a_lead_has_its_newest_score_with_reasons_and_past(scored: Harness) -> None:
    shown = scored.get("/scores/good_lead/deals/42")
    assert (shown["probability"], shown["score"], shown["grade"]) == (0.634, 63, "A")
    assert shown["reasons"] == [{"attribute": "Company size", "value": "500", "points": 12.5}]
    assert [point["probability"] for point in shown["history"]] == [0.3, 0.41, 0.634]
    assert (shown["pipeline_probability"], shown["pipeline_value"]) == (1.0, 5000.0)
    assert "email" not in shown


def test_a_lead_without_score_is_answered_with_when_it_gets_one(scored: Harness) -> None:
    answered = scored.ask("GET", "/scores/good_lead/43")
    assert (answered.status, answered.body["code"]) == (404, "unknown_lead")
    assert "first run after they are created" in answered.body["fix"]


def test_the_model_shows_its_card_and_how_it_came_true(scored: Harness) -> None:
    shown = scored.get("/scores/good_lead")
    assert (shown["model_id"], shown["card"]) == ("m1", {"leads": 1200})
    (month,) = shown["calibration"]
    assert (month["predicted_wins"], month["actual_wins"]) == (10.2, 9)


def test_a_conversion_that_was_never_trained_has_no_model(scored: Harness) -> None:
    define(scored, {**SCORED, "id": "other"})
    assert scored.ask("GET", "/scores/other").body["code"] == "unknown_model"


def test_a_lead_of_today_is_listed_and_explained_and_an_old_one_is_found_by_its_id(
    scored: Harness,
) -> None:
    define(scored, {**SCORED, "id": "fresh_lead"})
    ages = {"today": NOW, "old": NOW - timedelta(days=300)}
    scored.load(
        "lead_scores",
        *(
            score(20, 0.2, conversion="fresh_lead", id=id, date=str(at.date()), reasons=[])
            | {"created": at.isoformat()}
            for id, at in ages.items()
        ),
    )

    def listed(query: str = "") -> list[str]:
        return [one["id"] for one in scored.get(f"/scores/fresh_lead/leads{query}")["leads"]]

    assert listed() == ["today"]
    assert listed("?id=old") == ["old"]
    assert listed(f"?end_date={(NOW - timedelta(days=1)).date()}") == []
    shown = scored.get("/conversions/fresh_lead/explain?id=today")
    assert (shown["verdict"], shown["dropped_by"]) == ("dropped", "qualification")


def test_a_lead_that_counts_today_is_among_the_rows(scored: Harness) -> None:
    define(scored, {**SCORED, "id": "sold_lead"})
    warehouse, schema = scored.services.warehouse, schemas.load("conversion")["schema"]
    assert isinstance(warehouse, QuickWarehouse)
    path = warehouse.path("conversion_sold_lead")
    warehouse.ensure_table(path, "conversion")
    today = {"id": "l1", "date": str(NOW.date()), "created": NOW.isoformat(), "params": []}
    warehouse.load(path, schema, [today])
    shown = scored.get("/conversions/sold_lead/records")
    assert [row["id"] for row in shown["records"]] == ["l1"]
    assert (shown["start_date"], shown["end_date"]) == ("2026-10-22", "2026-11-20")
