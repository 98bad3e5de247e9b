"""Conversions are listed, read, created, changed and archived, and every version stays."""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.api.conftest import LEAD, PURCHASE, Harness, NoSchedules

BOTH = {"id": "both", "name": "Both", "kind": "combined", "conversions": ["purchase", "lead"]}


def combined(id: str, *members: str) -> dict[str, Any]:
    return {"id": id, "name": id, "kind": "combined", "conversions": members}


def normalized(id: str, by: str) -> dict[str, Any]:
    return {**PURCHASE, "id": id, "normalize": {"by": by}}


def test_a_created_conversion_is_listed_and_read(harness: Harness) -> None:
    created = harness.post("/conversions", PURCHASE, status=201)
    assert (created["version"], created["status"]) == (1, "active")
    listed = harness.get("/conversions")["conversions"]
    assert [(one["id"], one["name"]) for one in listed] == [("purchase", "Purchase")]
    assert harness.get("/conversions/purchase")["definition"] == created["definition"]


def test_the_same_definition_adds_no_version(harness: Harness) -> None:
    assert harness.save(PURCHASE)["version"] == 1
    assert harness.save(PURCHASE)["version"] == 1
    assert harness.post("/conversions", PURCHASE, status=201)["version"] == 1
    assert len(harness.get("/conversions/purchase/versions")["versions"]) == 1


def test_a_change_adds_a_version_and_the_old_one_stays(harness: Harness) -> None:
    harness.save(PURCHASE)
    assert harness.save({**PURCHASE, "name": "Sale"})["version"] == 2
    names = [
        v["definition"]["name"] for v in harness.get("/conversions/purchase/versions")["versions"]
    ]
    assert names == ["Purchase", "Sale"]


def test_creating_a_taken_id_is_refused_and_names_the_way_out(harness: Harness) -> None:
    harness.save(PURCHASE)
    answered = harness.ask("POST", "/conversions", {**PURCHASE, "name": "Sale"})
    assert answered.status == 409
    assert answered.body["code"] == "already_exists"
    assert "PUT /conversions/purchase" in answered.body["fix"]


def test_the_version_is_the_etag_and_a_stale_one_is_refused(harness: Harness) -> None:
    first = harness.ask("PUT", "/conversions/purchase", PURCHASE)
    assert first.headers["ETag"] == '"1"'
    mine = {**PURCHASE, "name": "Mine"}
    theirs = {**PURCHASE, "name": "Theirs"}
    assert harness.ask("PUT", "/conversions/purchase", theirs, If_Match='"1"').status == 200
    stale = harness.ask("PUT", "/conversions/purchase", mine, If_Match='"1"')
    assert (stale.status, stale.body["code"]) == (409, "version_conflict")
    assert "Read it again" in stale.body["fix"]
    assert harness.get("/conversions/purchase")["definition"]["name"] == "Theirs"


def test_who_saved_a_version_is_kept(harness: Harness) -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"email": "ann@shop.example"}).encode()).decode()
    harness.ask("PUT", "/conversions/purchase", PURCHASE, Authorization=f"Bearer e30.{claims}.x")
    assert harness.get("/conversions/purchase")["created_by"] == "ann@shop.example"


def test_an_id_cannot_be_changed(harness: Harness) -> None:
    answered = harness.ask("PUT", "/conversions/sale", PURCHASE)
    assert (answered.status, answered.body["code"]) == (422, "id_mismatch")


def test_an_archived_conversion_keeps_its_versions_and_comes_back(
    harness: Harness, schedules: NoSchedules
) -> None:
    harness.save(PURCHASE)
    archived = harness.ask("DELETE", "/conversions/purchase")
    assert (archived.status, archived.body["status"], archived.body["version"]) == (
        200,
        "archived",
        2,
    )
    assert schedules.removed == ["purchase"]
    assert harness.get("/conversions")["conversions"] == []
    assert len(harness.get("/conversions?status=all")["conversions"]) == 1
    assert harness.save(PURCHASE)["status"] == "active"
    assert len(harness.get("/conversions/purchase/versions")["versions"]) == 3


def test_archiving_twice_adds_no_version(harness: Harness, schedules: NoSchedules) -> None:
    harness.save(PURCHASE)
    harness.ask("DELETE", "/conversions/purchase")
    assert harness.ask("DELETE", "/conversions/purchase").body["version"] == 2


def test_what_others_use_is_not_archived_and_they_are_named(
    harness: Harness, schedules: NoSchedules
) -> None:
    harness.save(PURCHASE)
    harness.save(LEAD)
    harness.save(BOTH)
    harness.services.warehouse.append(
        "definitions",
        [
            {
                "collection": "destination",
                "id": "ads_main",
                "version": 1,
                "kind": "google_ads",
                "status": "active",
                "definition": json.dumps({"conversions": [{"conversion": "purchase"}]}),
                "definition_hash": "x",
                "created_at": harness.services.now(),
            }
        ],
    )
    answered = harness.ask("DELETE", "/conversions/purchase")
    assert (answered.status, answered.body["code"]) == (409, "still_referenced")
    assert "both, the destination ads_main" in answered.body["detail"]
    assert harness.get("/conversions/purchase")["status"] == "active"


def test_a_reference_must_exist_and_the_nearest_id_is_offered(harness: Harness) -> None:
    harness.save(PURCHASE)
    problem = harness.refused(combined("both", "purchase", "purchases"))
    assert problem["code"] == "unknown_reference"
    assert problem["field"] == "conversions.1"
    assert problem["fix"] == "Did you mean purchase?"


def test_an_archived_reference_is_refused(harness: Harness, schedules: NoSchedules) -> None:
    harness.save(PURCHASE)
    harness.save(LEAD)
    harness.ask("DELETE", "/conversions/lead")
    assert harness.refused(BOTH)["code"] == "archived_reference"


def test_conversions_that_wait_for_each_other_are_refused_with_the_circle(harness: Harness) -> None:
    harness.save(PURCHASE)
    harness.save(normalized("a", by="purchase"))
    harness.save(combined("b", "a", "purchase"), "?allow_unknown_event=true")
    problem = harness.refused(normalized("a", by="b"))
    assert problem["code"] == "cycle"
    assert "a → b → a" in problem["detail"]
    assert problem["field"] == "normalize.by"


def test_a_conversion_is_not_combined_twice(harness: Harness) -> None:
    harness.save(PURCHASE)
    harness.save(LEAD)
    harness.save(BOTH)
    problem = harness.refused(combined("all", "both", "lead"))
    assert problem["code"] == "counted_twice"
    assert "'lead'" in problem["detail"]


def test_an_unknown_conversion_is_reported(shared: Harness) -> None:
    for path in ("/conversions/nix", "/conversions/nix/versions", "/conversions/nix/statistics"):
        answered = shared.ask("GET", path)
        assert (answered.status, answered.body["code"]) == (404, "unknown_conversion")
