"""Audiences as a product: created at the platform, filled, renewed, measured, and resembled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from common.errors import UserError
from common.local.platforms.google_data_manager import GoogleDataManager
from common.local.platforms.meta import Meta
from functions.export.contract.base import STAYS, Built, Destination, Intent, Lookalike
from functions.export.destinations.audiences.members import Members
from functions.export.destinations.registry import DESTINATIONS
from functions.export.frontend import advice, audiences
from functions.export.ledger.outcomes import Outcome
from functions.export.reconcile.delivery_state import Candidate, DeliveryState, Sent
from functions.export.reconcile.reconcile import Deliver, Nothing, Terms, reconcile
from functions.export.transport.calls import Answer
from functions.export.transport.results import Accepted
from tests.destinations.harness import NOW, World, plain, prepare, sample_row, world

CONVERSION = "qualified_lead"
MAKERS = [kind for kind, each in DESTINATIONS.items() if each.capabilities.creates_audiences]
ACCOUNTS: dict[str, dict[str, Any]] = {
    "google_customer_match": {"login_account": "9876543210"},
    "meta_audience": {"ad_account": "1234567890"},
    "linkedin_audience": {"ad_account": "518121035", "source_platform": "ACME"},
    "tiktok_audience": {},
    "microsoft_audience": {},
}
"""What configs need to have audiences made."""

ALIKE = Lookalike("like the best", "DE", 0.01)


@pytest.fixture(scope="module")
def running() -> Iterator[World]:
    with world() as found:
        yield found


@pytest.fixture
def here(running: World) -> World:
    """Stand-ins that hold nothing."""
    for stand_in in running.stand_ins.values():
        stand_in.__init__(running.clock.now)  # type: ignore[misc]
    return running


def of(kind: str, *, config: dict[str, Any] | None = None, **mapped: Any) -> Destination[Any]:
    """The kind's plain destination with other fields, and with these of its conversion."""
    found, _ = plain(kind)
    definition = found.config.model_dump(mode="json") | (config or {})
    definition["conversions"] = [definition["conversions"][0] | mapped]
    return type(found)(type(found).Config.model_validate(definition))


def google(**mapped: Any) -> Destination[Any]:
    return of("google_customer_match", config={"login_account": "9876543210"}, **mapped)


def meta(**mapped: Any) -> Destination[Any]:
    return of("meta_audience", config={"ad_account": "1234567890"}, **mapped)


def fill(here: World, destination: Destination[Any], people: int) -> list[Outcome]:
    """Put so many people in."""
    rows = [
        prepare(destination, CONVERSION, sample_row(id=f"l{n}", email=f"p{n}@example.com", value=n))
        for n in range(people)
    ]
    return here.delivery(destination, CONVERSION).deliver([r for r in rows if isinstance(r, Built)])


def test_a_list_is_created_filled_and_measured_at_google(here: World) -> None:
    wanted = google(user_list_id=None, membership_days=30)
    assert wanted.lacks_audience(CONVERSION)
    assert wanted.diagnose(NOW.date(), here.wire) == {}
    id = wanted.create_audience(CONVERSION, here.wire)
    stand_in = here.stand_ins["google"]
    assert isinstance(stand_in, GoogleDataManager)
    assert stand_in.lists[id]["membershipDuration"] == "2592000s"
    manager = stand_in.calls[-1].headers["login-account"]
    assert manager == "accountTypes/GOOGLE_ADS/accounts/9876543210"
    filled = google(user_list_id=id)
    assert {outcome.state for outcome in fill(here, filled, 3)} == {"accepted"}
    size = len(stand_in.members)
    assert filled.diagnose(NOW.date(), here.wire) == {
        CONVERSION: {
            "size_display": size,
            "size_search": size,
            "size_to": size,
            "match_rate": 64,
        }
    }


def test_google_says_why_it_makes_no_list(here: World) -> None:
    wanted = google(user_list_id=None)
    wanted.create_audience(CONVERSION, here.wire)
    # another destination of the same name: Google takes a name once
    other = of("google_customer_match", config={"id": "other_one"}, user_list_id=None)
    with pytest.raises(UserError, match="made no list"):
        other.create_audience(CONVERSION, here.wire)
    elsewhere = of("google_customer_match", config={"operating_account": "5555555555"})
    with pytest.raises(UserError, match="PERMISSION_DENIED"):
        elsewhere.create_audience(CONVERSION, here.wire)


def test_ids_of_lists_that_were_made_before_a_failure_are_not_lost(here: World) -> None:
    wanted = google(user_list_id=None)
    listed = [{"conversion": each} for each in (CONVERSION, "lead")]
    config = type(wanted.config).model_validate(
        wanted.config.model_dump(mode="json") | {"conversions": listed}
    )
    both = type(wanted)(config)
    other = type(wanted)(config.model_copy(update={"id": "other_one"}))
    other.create_audience("lead", here.wire)
    with pytest.raises(UserError, match=f"Made before that: 779 for {CONVERSION}"):
        audiences.made(both, here.wire)


@pytest.mark.parametrize("kind", MAKERS)
def test_an_audience_is_made_once_however_often_it_is_asked_for(kind: str, here: World) -> None:
    field = DESTINATIONS[kind].audience_field
    # quotes and backslashes are a name's, not the question's
    wanted = of(kind, config={**ACCOUNTS[kind], "name": 'Say "hi" \\ again'}, **{field: None})
    first = audiences.made(wanted, here.wire)
    assert audiences.made(wanted, here.wire) == first
    other = type(wanted)(wanted.config.model_copy(update={"name": "Another"}))
    assert audiences.made(other, here.wire) != first


@pytest.mark.parametrize("kind", MAKERS)
def test_long_names_make_audiences_too_and_each_its_own(kind: str, here: World) -> None:
    # as long as the config allows them; TikTok and Microsoft take 128 letters
    field, long = DESTINATIONS[kind].audience_field, {"id": "d" * 63, "name": "n" * 120}
    ids = [
        audiences.made(
            of(kind, config={**ACCOUNTS[kind], **long}, **{field: None, "conversion": conversion}),
            here.wire,
        )
        for conversion in ("c" * 62 + "a", "c" * 62 + "b")
    ]
    assert len({id for made in ids for id in made.values()}) == 2


def test_an_audience_that_nobody_joins_any_more_is_not_taken_for_a_new_one(here: World) -> None:
    stand_in: Any = here.stand_ins["google"]
    wanted = google(user_list_id=None)
    stand_in.lists[wanted.create_audience(CONVERSION, here.wire)]["membershipStatus"] = "CLOSED"
    with pytest.raises(UserError, match="made no list"):
        wanted.create_audience(CONVERSION, here.wire)
    linkedin = of("linkedin_audience", config=ACCOUNTS["linkedin_audience"], segment_id=None)
    first = linkedin.create_audience(CONVERSION, here.wire)
    stand_in = here.stand_ins["linkedin"]
    stand_in.segments[first]["destinations"] = [{"destination": "LINKEDIN", "status": "EXPIRED"}]
    assert linkedin.create_audience(CONVERSION, here.wire) != first


def test_a_lookalike_is_made_once_for_each_share_of_a_country(here: World) -> None:
    seed = meta()
    fill(here, seed, 100)
    first = seed.create_lookalike(CONVERSION, ALIKE, here.wire)
    assert seed.create_lookalike(CONVERSION, ALIKE, here.wire) == first
    wider = replace(ALIKE, ratio=0.05)
    assert seed.create_lookalike(CONVERSION, wider, here.wire) != first


SIZES = {
    "linkedin_audience": {"size_to": 12.0, "match_rate": 50.0},
    "tiktok_audience": {"size_to": 3.0},
    "microsoft_audience": {"size_search": 3.0, "size_to": 3.0},
}
"""What the stand-ins say of three people."""


@pytest.mark.parametrize("kind", sorted(SIZES))
def test_an_audience_is_created_filled_and_measured(kind: str, here: World) -> None:
    field = DESTINATIONS[kind].audience_field
    wanted = of(kind, config=ACCOUNTS[kind], **{field: None})
    assert wanted.lacks_audience(CONVERSION)
    assert wanted.diagnose(NOW.date(), here.wire) == {}
    [id] = audiences.made(wanted, here.wire).values()
    filled = of(kind, config=ACCOUNTS[kind], **{field: id})
    assert filled.diagnose(NOW.date(), here.wire).get(CONVERSION, {}).get("size_to", 0) == 0
    people = [sample_row(id=f"l{n}", email=f"p{n}@example.com", phone=None) for n in range(3)]
    joining = [prepare(filled, CONVERSION, row) for row in people]
    outcomes = here.delivery(filled, CONVERSION).deliver(
        [each for each in joining if isinstance(each, Built)]
    )
    assert {outcome.state for outcome in outcomes} == {"accepted"}
    assert filled.diagnose(NOW.date(), here.wire) == {CONVERSION: SIZES[kind]}


KINDS_OF_HASH = {
    "linkedin_audience": "SHA256_EMAIL",
    "tiktok_audience": "EMAIL_SHA256",
    "microsoft_audience": "Email",
}


@pytest.mark.parametrize("kind", sorted(KINDS_OF_HASH))
def test_who_leaves_goes_by_every_address_that_was_sent_but_those_of_others(
    kind: str, here: World
) -> None:
    destination, _ = plain(kind)
    assert isinstance(destination, Members)
    known = [(KINDS_OF_HASH[kind], letter * 64) for letter in "abc"]
    texts = tuple(json.dumps(dict([each])) for each in known)
    joining = [Built(letter, None, letter, "add") for letter in "abc"]
    delivery = here.delivery(destination, CONVERSION)
    outcomes = delivery.deliver(
        [
            each._replace(payload=destination.member([by], "add"))
            for each, by in zip(joining, known, strict=True)
        ]
    )
    assert {each.state for each in outcomes} == {"accepted"}
    row = sample_row(email="another@example.com", phone=None)
    intent = Intent("retract", "k", None, NOW, NOW, members=texts, claimed=frozenset({texts[1]}))
    leaving = destination.build(CONVERSION, row, intent)
    assert isinstance(leaving, Built)
    [outcome] = delivery.deliver([leaving])
    assert outcome.state == "accepted"
    stand_in: Any = here.platform_of(destination.request(CONVERSION, [leaving]))
    assert {digest for _, digest in stand_in.members} == {"b" * 64}
    claimed = destination.build(CONVERSION, row, intent._replace(claimed=frozenset(texts)))
    assert isinstance(claimed, Built)
    assert claimed.group == STAYS


def test_an_address_that_microsoft_refuses_is_its_owners() -> None:
    destination, _ = plain("microsoft_audience")
    batch = [
        Built("one", b'"a","b"', "f", "remove"),
        Built("two", b'"c"', "f", "remove"),
    ]
    said = {"PartialErrors": [{"Index": 2, "Code": 8001}], "TrackingId": "t"}
    result = destination.read(Answer(200, json.dumps(said).encode()), batch)
    assert isinstance(result, Accepted)
    assert result.failures == {1: "8001"}


def test_meta_gets_what_people_are_worth_where_the_audience_is_for_that(here: World) -> None:
    wanted = meta(audience_id=None, value_based=True)
    id = wanted.create_audience(CONVERSION, here.wire)
    assert {each.state for each in fill(here, meta(audience_id=id, value_based=True), 3)} == {
        "accepted"
    }
    stand_in = here.stand_ins["meta"]
    assert isinstance(stand_in, Meta)
    assert sorted(row[-1] for row in stand_in.members.values()) == [0.0, 1.0, 2.0]
    # an audience that was not created for values takes none, and nobody is refused for good
    plain_one = meta(value_based=True)
    assert {each.state for each in fill(here, plain_one, 6)} == {"retry"}


def test_meta_hears_of_nobody_that_they_are_worth_nothing_when_nobody_knows() -> None:
    valued = meta(value_based=True)
    unknown = prepare(valued, CONVERSION, sample_row(id="l1", email="p1@example.com", value=None))
    assert unknown == "rejected: no_value"
    nothing = prepare(valued, CONVERSION, sample_row(id="l2", email="p2@example.com", value=0.0))
    assert isinstance(nothing, Built)


def test_a_lookalike_needs_a_hundred_people(here: World) -> None:
    seed = meta()
    with pytest.raises(UserError, match="2654"):
        seed.create_lookalike(CONVERSION, ALIKE, here.wire)
    fill(here, seed, 100)
    id = seed.create_lookalike(CONVERSION, ALIKE, here.wire)
    stand_in = here.stand_ins["meta"]
    assert isinstance(stand_in, Meta)
    spec = {"type": "custom_ratio", "ratio": 0.01, "country": "DE"}
    assert stand_in.audiences[id]["lookalike_spec"] == spec


def test_meta_needs_an_ad_account(here: World) -> None:
    with pytest.raises(UserError, match="ad account"):
        of("meta_audience").create_audience(CONVERSION, here.wire)


@pytest.mark.parametrize(
    ("days", "member_for", "again"),
    [(540, 431, False), (540, 433, True), (30, 23, False), (30, 25, True)],
)
def test_who_would_soon_drop_out_is_put_in_once_more(
    days: int, member_for: int, again: bool
) -> None:
    destination, row = google(membership_days=days), sample_row(row_hash=1)
    terms = Terms(CONVERSION, 1, "EUR", NOW)
    first = reconcile(Candidate(row.id, DeliveryState(), row), destination, terms)
    assert isinstance(first, Deliver)
    joined = NOW - timedelta(days=member_for)
    held = Sent("create", first.intent.money, row.created, first.built.fingerprint, {}, joined)
    known = DeliveryState("accepted", None, row.row_hash, 1, held=held)
    decision = reconcile(
        Candidate(row.id, known, row, members=first.built.members), destination, terms
    )
    assert isinstance(decision, Deliver) is again
    renewed = replace(known, held=replace(held, at=NOW))
    unchanged = Candidate(row.id, renewed, row, members=first.built.members)
    assert reconcile(unchanged, destination, terms) == Nothing("unchanged")


def test_no_audience_of_meta_ends() -> None:
    assert meta().joins_again_after(CONVERSION) is None
    assert json.loads(meta().config.model_dump_json())["conversions"][0]["value_based"] is False


@pytest.mark.parametrize("kind", MAKERS)
def test_no_two_destinations_fill_one_audience(kind: str) -> None:
    # each would take out of it whom the other one has put in
    own = of(kind, config=ACCOUNTS[kind])
    other = of(kind, config=ACCOUNTS[kind] | {"id": "other_one"}, conversion="another_lead")
    [problem] = advice.twice(own, [other])
    assert problem.code == "sent_by_another"
    elsewhere = of(
        kind, config={"id": "other_one"}, conversion="another_lead", **{own.audience_field: "99999"}
    )
    assert advice.twice(own, [elsewhere]) == []
