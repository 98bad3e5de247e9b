"""A destination that fills another list: who stays in the old one, who says so, and who leaves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from functions.export.destinations.registry import DESTINATIONS
from functions.export.frontend import advice
from terraform.operations.erase_person import erase
from tests.destinations.harness import plain
from tests.export.shop import Shop, shop
from tests.export.test_routes import ask, config, define

LEAD = "qualified_lead"
LISTS = sorted(kind for kind, each in DESTINATIONS.items() if each.capabilities.audience)
OTHER = "99999001"
"""Another list, which no stand-in has but makes as it is told."""


@pytest.fixture
def here() -> Iterator[Shop]:
    with shop() as opened:
        define(opened, id=LEAD)
        yield opened


def filling(kind: str, id: str | None, **mapped: Any) -> dict[str, Any]:
    """The plain config of the kind, whose conversion fills this list."""
    found = config(kind, start_date="2026-01-01")
    [each] = found["conversions"]
    own = {DESTINATIONS[kind].audience_field: id} | mapped
    return found | {"conversions": [each | own]}


def list_of(kind: str) -> str:
    found, conversion = plain(kind)
    id: str = getattr(found.mapped[conversion], found.audience_field)
    return id


def members(here: Shop, kind: str, id: str) -> set[str]:
    """Who is in the list, as the platform keeps them."""
    return {person for place, person in platform_of(here, kind).members if place == id}


def platform_of(here: Shop, kind: str) -> Any:
    """The platform, on which the other list is as well."""
    match kind:
        case "google_customer_match":
            google: Any = here.stand_ins["google"]
            google.user_lists = google.user_lists | {OTHER}
            return google
        case "linkedin_audience":
            linkedin: Any = here.stand_ins["linkedin"]
            linkedin.segments[OTHER] = {"id": int(OTHER)}
            return linkedin
        case "microsoft_audience":
            microsoft: Any = here.stand_ins["microsoft_ads"]
            microsoft.audiences[int(OTHER)] = {"Id": int(OTHER)}
            return microsoft
    # these two keep their audiences by id, as texts
    other: Any = here.stand_ins[kind.partition("_")[0]]
    other.audiences[OTHER] = {"subtype": "CUSTOM"}
    return other


def runs(here: Shop) -> None:
    here.passes(days=1)
    here.materialize(LEAD)
    here.export(LEAD)


def saved(here: Shop, document: dict[str, Any]) -> list[str]:
    """Codes of what a save comes back with."""
    status, answer = ask(here, "PUT", f"/destinations/{document['id']}", document)
    assert status == 200, answer
    return [each["code"] for each in answer["problems"]]


@pytest.mark.parametrize("kind", LISTS)
def test_who_stays_in_a_list_that_is_filled_no_more_is_said_and_can_be_taken_out(
    kind: str, here: Shop
) -> None:
    old = list_of(kind)
    saved(here, filling(kind, old))
    here.put("l1", email="ann@example.com")
    here.put("l2", email="bob@example.com", phone=None)
    runs(here)
    before = members(here, kind, old)
    assert before
    assert "people_stay" in saved(here, filling(kind, OTHER))
    [told] = here.all_of("incidents")
    assert (told["code"], told["severity"]) == ("people_stay", "warning")
    runs(here)
    # nobody has chosen yet: an audience may be in use
    assert (members(here, kind, old), len(members(here, kind, OTHER))) == (before, len(before))
    document = filling(kind, OTHER, leaves=[old])
    assert "people_stay" not in saved(here, document)
    _, shown = ask(here, "POST", f"/destinations/{document['id']}/dry-run", {"conversion": LEAD})
    assert ["taken out of it" in note for note in shown["notes"]] == [True]
    runs(here)
    assert (members(here, kind, old), len(members(here, kind, OTHER))) == (set(), len(before))
    sent = sum(len(each.calls) for each in here.stand_ins.values())
    runs(here)
    assert sum(len(each.calls) for each in here.stand_ins.values()) == sent


def test_a_list_can_be_left_without_another_one(here: Shop) -> None:
    old = list_of("meta_audience")
    saved(here, filling("meta_audience", old))
    here.put("l1")
    runs(here)
    assert members(here, "meta_audience", old)
    saved(here, filling("meta_audience", None, leaves=[old]))
    runs(here)
    assert not members(here, "meta_audience", old)
    # what the old list knew people by is forgotten with them
    runs(here)
    assert here.all_of("audience_members") == []


def test_an_archived_destination_says_who_stays(here: Shop) -> None:
    document = filling("google_customer_match", "777")
    saved(here, document)
    here.put("l1")
    runs(here)
    _, answer = ask(here, "DELETE", f"/destinations/{document['id']}")
    [problem] = answer["problems"]
    assert problem["code"] == "people_stay"
    assert "also those who ask to be forgotten" in problem["message"]


def test_a_list_of_another_account_is_left_with_that_account(here: Shop) -> None:
    saved(here, filling("google_customer_match", "777"))
    here.put("l1")
    runs(here)
    moved = filling("google_customer_match", "777") | {"operating_account": "5555555555"}
    _, answer = ask(here, "PUT", f"/destinations/{moved['id']}", moved)
    [problem] = [each for each in answer["problems"] if each["code"] == "people_stay"]
    assert "with the account that it had before" in problem["fix"]


def test_who_asks_to_be_forgotten_leaves_old_lists_unasked(here: Shop) -> None:
    saved(here, filling("meta_audience", list_of("meta_audience")))
    here.put("l1", client_id="1.1", email="ann@example.com")
    here.put("l2", client_id="2.2", email="bob@example.com", phone="+44 113 496 0001")
    runs(here)
    # a list that Meta does not have: what goes there waits, and nobody waits to leave
    saved(here, filling("meta_audience", OTHER))
    runs(here)
    dict(erase(here.warehouse, ["1.1"], here.clock.now()))
    del here.table["l1"]
    runs(here)
    assert len(members(here, "meta_audience", list_of("meta_audience"))) == 1


def test_a_list_that_another_destination_fills_is_not_left() -> None:
    own, conversion = plain("meta_audience")
    leaving = own.at_list(conversion, None)
    mapped = leaving.mapped[conversion].model_copy(update={"leaves": (list_of("meta_audience"),)})
    config = own.config.model_copy(update={"id": "other", "conversions": (mapped,)})
    [problem] = advice.twice(type(own)(config), [own])
    assert problem.code == "sent_by_another"


def test_no_list_is_filled_and_left_at_once() -> None:
    found, _ = plain("google_customer_match")
    definition = found.config.model_dump(mode="json")
    definition["conversions"][0]["leaves"] = ["777"]
    with pytest.raises(ValueError, match="filled and left at once"):
        type(found).Config.model_validate(definition)
