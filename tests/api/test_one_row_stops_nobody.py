"""Any definition may lie in the table, of an older or a newer release: the others go on."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.catalog.definitions import Catalog, fingerprint
from common.catalog.soundness import sound, stopped
from common.catalog.stored_form import stored_form
from common.kinds import CONVERSION
from common.messaging.messages import RunRequested
from tests.api.conftest import LEAD, PURCHASE, Harness, House, NoSchedules
from tests.materialize.test_plan import stored

NEWER = {**PURCHASE, "id": "newer", "colour": "red"}
OLDER = {"id": "older", "kind": "simple", "type": "purchase"}
HUGE = {**LEAD, "id": "huge", "value": {"type": "manual", "amount": 1e308}}
UNKNOWN = {"id": "unknown", "kind": "seasonal", "name": "S"}
DEPENDENT = {"id": "both", "name": "B", "kind": "combined", "conversions": ["purchase", "newer"]}
DEFINITIONS: tuple[dict[str, Any], ...] = (
    PURCHASE,
    LEAD,
    {**PURCHASE, "filters": {"any": [LEAD["filters"], {"all": [LEAD["filters"]]}]}},
    {**PURCHASE, "refunds": {"remove_fully_refunded": True}, "normalize": {"by": "lead"}},
    DEPENDENT,
    {"id": "leads", "name": "L", "kind": "custom", "sql": "SELECT 1", "adjustment_days": 30},
    {
        "id": "scored",
        "name": "S",
        "kind": "lead_scoring",
        "source": {"type": "crm", "crm": "hubspot", "dataset": "p.hubspot"},
        "qualification": {"mode": "auto"},
    },
)
BROKEN = (NEWER, OLDER, HUGE, UNKNOWN)


def put(harness: Harness, definition: dict[str, Any], version: int = 1) -> None:
    """The definition as a row of the table, however wrong it is."""
    harness.load(
        "definitions",
        {
            "collection": "conversion",
            "id": definition["id"],
            "version": version,
            "kind": definition["kind"],
            "status": "active",
            "definition": json.dumps(definition),
            "definition_hash": fingerprint(definition),
            "referenced_tables": [],
            "created_at": datetime(2026, 11, 1, tzinfo=UTC),
            "created_by": "somebody",
        },
    )


@pytest.mark.parametrize("broken", BROKEN, ids=lambda one: str(one["id"]))
def test_it_is_shown_with_its_reason_and_the_others_are_edited_as_ever(
    harness: Harness, schedules: NoSchedules, broken: dict[str, Any]
) -> None:
    harness.save(PURCHASE)
    put(harness, broken)
    listed = {one["id"]: one for one in harness.get("/conversions")["conversions"]}
    assert set(listed) == {"purchase", broken["id"]}
    assert listed["purchase"]["health"] == "new"
    assert listed[broken["id"]]["health"] == "unreadable"
    assert listed[broken["id"]]["health_detail"]
    read = harness.get(f"/conversions/{broken['id']}")
    assert (read["definition"], read["unreadable"]) == (None, listed[broken["id"]]["health_detail"])
    assert harness.save({**PURCHASE, "name": "Sale"})["version"] == 2
    harness.save(LEAD)
    draft = {"definition": {**PURCHASE, "deduplicate_by_user": True}}
    harness.post("/conversions:backtest", draft)
    refused = harness.ask("POST", "/runs", {"conversions": [broken["id"]]})
    assert (refused.status, refused.body["code"]) == (409, "unreadable_definition")
    assert harness.post("/runs", {}, 202)["run_id"]
    archived = harness.ask("DELETE", f"/conversions/{broken['id']}")
    assert (archived.status, archived.body["status"]) == (200, "archived")
    assert "colour" not in json.dumps(harness.get("/openapi.json"))


LOAN: dict[str, Any] = {
    "id": "loan",
    "name": "L",
    "kind": "custom",
    "sql": "SELECT 1",
    "adjustment_days": 30,
}
ON_DEPENDENT: dict[str, Any] = {**DEPENDENT, "id": "more", "conversions": ["lead", "both"]}
PREDICTED: dict[str, Any] = {
    **LOAN,
    "id": "guess",
    "sql": "SELECT 'a' AS id, 'b' AS client_id, TIMESTAMP '2026-11-01' AS created, 'c' AS user_id",
    "predicted_value": {"target": "loan", "window_days": 40},
}


@pytest.mark.parametrize(
    ("steps", "draft", "field"),
    [
        ((DEPENDENT,), ON_DEPENDENT, "conversions.1"),
        (({**LOAN, "inherit_attribution_from": "newer"},), PREDICTED, "predicted_value.target"),
    ],
    ids=["combined", "target"],
)
def test_who_refers_to_what_waits_for_it_is_told_before_it_is_saved(
    harness: Harness, steps: tuple[dict[str, Any], ...], draft: dict[str, Any], field: str
) -> None:
    for definition in (*DEFINITIONS[:2], NEWER, *steps):
        put(harness, definition)
    refused = harness.refused(draft)
    assert (refused["code"], refused["field"]) == ("unreadable_reference", field)
    assert "It refers to 'newer', whose definition cannot be read." in refused["detail"]
    assert harness.ask("GET", f"/conversions/{draft['id']}").status == 404


def test_it_can_be_saved_anew_in_the_present_form(harness: Harness) -> None:
    put(harness, NEWER)
    saved = harness.save({**PURCHASE, "id": "newer"})
    assert (saved["version"], saved["unreadable"]) == (2, None)


def test_what_refers_to_it_waits_and_everything_else_runs(house: House) -> None:
    world, harness = house.world, house.harness
    world.events([{"key": 1, "name": "page_view", "at": world.now - timedelta(days=1)}])
    harness.save(PURCHASE, "?allow_unknown_event=true")
    for broken in (*BROKEN, DEPENDENT):
        put(harness, broken)
    world.handle(RunRequested(request_id="r"))
    done = {row["conversion"] for row in world.ledger("purchase") if row["status"] == "unchanged"}
    assert done == {"purchase"}
    shown = {
        row["conversion"]: row["detail"]
        for row in world.query(f"SELECT * FROM `{world.warehouse.path('incidents')}`")
        if row["code"] == "definition_unreadable"
    }
    assert set(shown) == {"newer", "older", "huge", "unknown", "both"}
    assert "there is no such field" in shown["newer"]
    assert "It refers to 'newer', whose definition cannot be read." in shown["both"]


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda one: str(one["id"]))
def test_what_is_kept_is_what_was_chosen_and_reads_the_same(definition: dict[str, Any]) -> None:
    model = CONVERSION.validate_python(definition)
    kept = stored_form(model)
    assert CONVERSION.validate_python(kept) == model
    assert CONVERSION.validate_json(json.dumps(kept)) == model
    assert set(kept) <= set(definition) | {"kind"}


def test_an_older_form_of_the_same_definition_makes_no_version(harness: Harness) -> None:
    whole = CONVERSION.validate_python(PURCHASE).model_dump(mode="json")
    put(harness, whole)
    assert harness.save(PURCHASE)["version"] == 1
    assert harness.save({**PURCHASE, "refunds": {"days": 9}})["version"] == 2
    kept = Catalog(harness.services.warehouse).get("purchase").definition
    assert kept == {**PURCHASE, "refunds": {"days": 9}}


Rows = st.dictionaries(
    st.sampled_from(["kind", "name", "conversions", "value", "sql", "source", "filters"]),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.sampled_from(["simple", "custom"]),
        lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(), part, max_size=3),
        max_leaves=6,
    ),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(Rows)
def test_whatever_lies_in_the_table_the_sound_ones_stay(
    row: dict[str, Any],
) -> None:
    good = stored("purchase")
    odd = replace(good, id="odd", definition={**row, "id": "odd"})
    assert good in sound([good, odd])
    assert set(stopped([good, odd])) <= {"odd"}
