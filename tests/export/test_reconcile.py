"""What is done about one conversion: each line of reconcile's table, and its finer points."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from functions.export.contract.base import Built, Destination
from functions.export.destinations.registry import DESTINATIONS
from functions.export.payload.money import money
from functions.export.payload.rows import ConversionRow
from functions.export.reconcile.delivery_state import (
    Candidate,
    DeliveryState,
    Sent,
    dedup_key,
    identity_of,
)
from functions.export.reconcile.reconcile import Decision, Deliver, Note, Nothing, Terms, reconcile
from tests.destinations.harness import NOW, plain, sample_row

TERMS = Terms("purchase", 1, "EUR", NOW)


def destination(kind: str, **changes: Any) -> Destination[Any]:
    found, _ = plain(kind)
    return type(found)(found.config.model_copy(update=changes))


def decide(
    kind: str,
    row: ConversionRow | None,
    delivery_state: DeliveryState | None = None,
    *,
    changes: dict[str, Any] | None = None,
    terms: Terms = TERMS,
    gone_at: Any = NOW,
) -> Decision:
    candidate = Candidate("order-1", delivery_state or DeliveryState(), row, gone_at, NOW.date())
    return reconcile(candidate, destination(kind, **(changes or {})), terms)


def sent(kind: str, row: ConversionRow, op: Any = "create", **changes: Any) -> Sent:
    """What the ledger keeps after that row was sent."""
    decision = decide(kind, row)
    assert isinstance(decision, Deliver)
    kept = destination(kind).kept
    return replace(
        Sent(
            op,
            decision.intent.money,
            row.created,
            decision.built.fingerprint,
            identity_of(row, decision.intent, kept),
            NOW - timedelta(hours=3),
        ),
        **changes,
    )


def holding(kind: str, row: ConversionRow, **changes: Any) -> DeliveryState:
    """The delivery_state of a conversion that the platform holds as that row says."""
    return DeliveryState("accepted", None, row.row_hash, 1, held=sent(kind, row, **changes))


ROW = sample_row(value=100, row_hash=1)


def test_a_new_conversion_is_created() -> None:
    decision = decide("google_ads", ROW)
    assert isinstance(decision, Deliver)
    assert decision.intent.op == "create"
    assert decision.intent.key == dedup_key("purchase", "order-1")


def test_a_row_that_the_daily_table_may_still_change_waits() -> None:
    assert decide("google_ads", replace(ROW, is_preliminary=True)) == Nothing("preliminary")
    assert isinstance(decide("google_ads", replace(ROW, is_preliminary=False)), Deliver)


def test_a_click_of_another_platform_does_not_make_this_one_old() -> None:
    old, young = NOW - timedelta(days=91), NOW - timedelta(days=2)
    row = replace(ROW, click_at=old, email=None, phone=None, first_name=None)
    assert decide("google_ads", row) == Note("expired", "click_too_old")
    assert isinstance(decide("google_ads", replace(row, google_click_at=young)), Deliver)
    elsewhere = replace(row, click_at=young, google_click_at=old)
    assert decide("google_ads", elsewhere) == Note("expired", "click_too_old")


def test_meta_is_sent_when_its_own_click_was_first_seen() -> None:
    row = replace(ROW, meta_click_at=NOW - timedelta(days=5))
    decision = decide("meta", row)
    assert isinstance(decision, Deliver)
    clicked = int((NOW - timedelta(days=5)).timestamp() * 1000)
    assert f"fb.1.{clicked}.IwAR-click".encode() in decision.built.payload


def test_a_conversion_from_the_future_waits() -> None:
    row = replace(ROW, created=NOW + timedelta(minutes=5))
    assert decide("google_ads", row) == Nothing("not_yet")


@pytest.mark.parametrize(
    ("kind", "days", "source", "expired"),
    [
        ("meta", 6, "web", False),
        ("meta", 8, "web", True),
        ("meta", 61, "store", False),
        ("meta", 63, "store", True),
        ("google_ads", 89, "web", False),
        ("google_ads", 91, "web", True),
        ("linkedin", 89, "web", False),
        ("google_analytics", 4, "web", True),
    ],
)
def test_each_platform_has_its_own_age_limit(
    kind: str, days: int, source: str, expired: bool
) -> None:
    row = replace(ROW, created=NOW - timedelta(days=days), event_source=source)
    conversion = plain(kind)[1]
    decision = decide(kind, row, terms=replace(TERMS, conversion=conversion))
    assert (decision == Note("expired", "too_old")) is expired


def test_an_unchanged_row_needs_nothing() -> None:
    assert decide("google_ads", ROW, holding("google_ads", ROW)) == Nothing("unchanged")


def test_a_new_value_is_restated_under_the_same_key_and_time() -> None:
    changed = replace(ROW, value=70.0, row_hash=2, created=ROW.created + timedelta(hours=1))
    decision = decide("google_ads", changed, holding("google_ads", ROW))
    assert isinstance(decision, Deliver)
    assert (decision.intent.op, decision.intent.money) == ("restate", money(70, "EUR"))
    assert decision.intent.occurred == ROW.created


def test_a_platform_without_adjustments_gets_no_new_value() -> None:
    changed = replace(ROW, value=70.0, row_hash=2)
    assert decide("meta", changed, holding("meta", ROW)) == Note(
        "unsupported_change", "value_changed"
    )


def test_after_the_adjustment_window_a_change_is_only_written_down() -> None:
    old = replace(ROW, created=NOW - timedelta(days=40))
    changed = replace(old, value=70.0, row_hash=2)
    decision = decide(
        "google_ads", changed, holding("google_ads", old), changes={"adjustment_days": 30}
    )
    assert decision == Note("unsupported_change", "adjustment_window_passed")


def test_what_is_known_of_the_person_later_supplements_the_conversion_at_google() -> None:
    before = replace(ROW, email=None)
    decision = decide("google_ads", replace(ROW, row_hash=2), holding("google_ads", before))
    assert isinstance(decision, Deliver)


def test_a_prediction_is_restated_only_when_it_moves_enough() -> None:
    predicted = replace(ROW, value_kind="predicted")
    delivery_state = holding("google_ads", predicted)
    for value, restated in ((109.0, False), (111.0, True), (91.0, False), (89.0, True)):
        changed = replace(predicted, value=value, row_hash=2)
        assert isinstance(decide("google_ads", changed, delivery_state), Deliver) is restated
    penny = replace(predicted, value=0.5)
    doubled = replace(penny, value=1.2, row_hash=2)
    assert decide("google_ads", doubled, holding("google_ads", penny)) == Nothing("unchanged")


def test_a_new_mapping_alone_sends_nothing_again_unless_asked() -> None:
    delivery_state = holding("google_ads", ROW, fingerprint="mapped otherwise")
    assert decide("google_ads", ROW, delivery_state) == Nothing("unchanged")
    asked = {"restate_on_version_change": True}
    assert isinstance(decide("google_ads", ROW, delivery_state, changes=asked), Deliver)


def test_a_row_that_lost_its_status_is_taken_back_and_an_open_one_is_left() -> None:
    delivery_state = holding("google_ads", ROW)
    lost = decide("google_ads", replace(ROW, is_qualified=False, row_hash=2), delivery_state)
    assert isinstance(lost, Deliver)
    assert (lost.intent.op, lost.intent.money) == ("retract", money(0, "EUR"))
    unknown = decide("google_ads", replace(ROW, is_qualified=None, row_hash=2), delivery_state)
    assert unknown == Nothing("not_qualified")


def test_a_row_that_is_gone_is_taken_back_by_the_click_that_was_sent() -> None:
    decision = decide("google_ads", None, holding("google_ads", ROW))
    assert isinstance(decision, Deliver)
    assert decision.intent.op == "retract"
    assert decision.row.gclid == ROW.gclid
    assert decision.row.email is None


def test_a_row_that_is_gone_without_a_click_id_cannot_be_pointed_at() -> None:
    by_email = replace(ROW, gclid=None)
    assert decide("google_ads", None, holding("google_ads", by_email)) == Note(
        "unsupported_change", "no_identifier"
    )


def test_without_proof_that_it_is_gone_nothing_happens() -> None:
    assert decide("google_ads", None, holding("google_ads", ROW), gone_at=None) == Nothing(
        "unproved"
    )


def test_what_was_taken_back_comes_back_with_its_value() -> None:
    delivery_state = holding("google_ads", ROW, op="retract", money=money(0, "EUR"))
    decision = decide("google_ads", replace(ROW, row_hash=2), delivery_state)
    assert isinstance(decision, Deliver)
    assert (decision.intent.op, decision.intent.money) == ("restate", money(100, "EUR"))
    retracted = holding("microsoft_ads", ROW, op="retract", money=money(0, "EUR"))
    assert decide("microsoft_ads", replace(ROW, row_hash=2), retracted) == Note(
        "unsupported_change", "taken_back_for_good"
    )


def test_withdrawn_consent_stops_what_comes_and_takes_people_out_of_audiences() -> None:
    withdrawn = replace(ROW, consent_ad_user_data="denied", row_hash=2)
    assert decide("google_ads", withdrawn, holding("google_ads", ROW)) == Nothing("no_consent")
    terms = replace(TERMS, conversion="qualified_lead")
    candidate = Candidate("order-1", DeliveryState(), ROW)
    audience = destination("google_customer_match")
    joined = reconcile(candidate, audience, terms)
    assert isinstance(joined, Deliver)
    held = Sent("create", None, ROW.created, joined.built.fingerprint, {}, NOW)
    left = reconcile(
        Candidate("order-1", DeliveryState("accepted", held=held), withdrawn), audience, terms
    )
    assert isinstance(left, Deliver)
    assert left.intent.op == "retract"


@pytest.mark.parametrize(
    ("kind", "hours", "again"),
    [
        ("google_ads", 24 * 60, True),
        ("tiktok", 30, True),
        ("tiktok", 39, False),
        ("meta", 0, False),
        ("google_analytics", 0, False),
    ],
)
def test_in_doubt_the_key_is_sent_again_only_while_the_platform_remembers(
    kind: str, hours: int, again: bool
) -> None:
    in_doubt = sent(kind, ROW, at=NOW - timedelta(hours=hours))
    delivery_state = DeliveryState("unknown", "timeout", ROW.row_hash, 1, in_doubt=in_doubt)
    decision = decide(kind, ROW, delivery_state)
    if again:
        assert isinstance(decision, Deliver)
    else:
        assert decision == Note("ambiguous", "dedup_window_passed")


def test_what_may_have_been_taken_back_for_good_is_for_a_person_to_look_at() -> None:
    in_doubt = sent("microsoft_ads", ROW)
    delivery_state = DeliveryState(
        "sending", None, ROW.row_hash, 1, in_doubt=in_doubt, in_doubt_gone=True
    )
    assert decide("microsoft_ads", ROW, delivery_state) == Note("ambiguous", "taken_back_in_doubt")
    assert isinstance(decide("google_ads", ROW, delivery_state), Deliver)


@pytest.mark.parametrize("row", [None, replace(ROW, is_qualified=False)])
def test_a_doubt_that_a_refused_retraction_leaves_is_for_a_person_to_end(
    row: ConversionRow | None,
) -> None:
    known = replace(
        holding("google_ads", ROW),
        state="failed",
        row_hash=row.row_hash if row else None,
        in_doubt=sent("google_ads", ROW, money=money(5, "EUR")),
        refused_in_doubt=True,
    )
    assert decide("google_ads", row, known) == Note("ambiguous", "refused_later_in_doubt")
    # a row that changed since, or a destination that was saved, is a reason to try once more
    for other in (replace(known, row_hash=9), replace(known, version=0)):
        assert isinstance(decide("google_ads", row, other), Deliver)


def test_where_the_first_counts_one_in_doubt_is_repeated_with_its_own_value() -> None:
    in_doubt = sent("tiktok", ROW)
    delivery_state = DeliveryState("unknown", None, ROW.row_hash, 1, in_doubt=in_doubt)
    decision = decide("tiktok", replace(ROW, value=70.0, row_hash=2), delivery_state)
    assert isinstance(decision, Deliver)
    assert decision.intent.money == money(100, "EUR")
    assert decision.row_hash is None


def test_the_same_verdict_on_the_same_row_is_written_down_once() -> None:
    row = replace(ROW, consent_ad_user_data="denied")
    first = decide("google_ads", row)
    assert first == Note("skipped", "no_consent")
    known = DeliveryState("skipped", "no_consent", row.row_hash, 1)
    assert decide("google_ads", row, known) == Nothing("known")
    assert decide("google_ads", row, known, terms=replace(TERMS, version=2)) == first


def test_the_key_is_stable_never_all_digits_and_short() -> None:
    assert dedup_key("purchase", "order-1") == "c557ebe0126e48aca84036c769ad151a"
    assert dedup_key("purchase", "1") != dedup_key("lead", "1")
    assert all(len(dedup_key("p", str(number))) == 32 for number in range(50))


def test_a_payload_is_the_same_whenever_it_is_built() -> None:
    first, second = decide("google_ads", ROW), decide("google_ads", ROW)
    assert isinstance(first, Deliver)
    assert isinstance(second, Deliver)
    assert isinstance(first.built, Built)
    assert first.built.fingerprint == second.built.fingerprint


@pytest.mark.parametrize("kind", ["google_ads", "microsoft_ads"])
@pytest.mark.parametrize(
    ("clicked", "reason"),
    [(timedelta(days=91), "click_too_old"), (timedelta(hours=-1), "before_click")],
)
def test_a_click_that_the_platform_refuses_is_not_sent(
    kind: str, clicked: timedelta, reason: str
) -> None:
    row = replace(ROW, click_at=NOW - clicked, created=NOW - timedelta(hours=2))
    nobody = replace(row, email=None, phone=None, first_name=None)
    assert decide(kind, nobody) == Note("expired", reason)
    by_person = decide(kind, row)
    assert isinstance(by_person, Deliver)
    assert b"click" not in destination(kind).request("purchase", [by_person.built]).body


@pytest.mark.parametrize("kind", ["google_ads", "microsoft_ads"])
def test_what_was_sent_without_its_click_is_changed_without_it(kind: str) -> None:
    late = replace(ROW, click_at=NOW - timedelta(hours=1), created=NOW - timedelta(hours=2))
    decision = decide(kind, late)
    assert isinstance(decision, Deliver)
    # the hash that Microsoft knows it by, kept since
    [*members] = decision.built.members
    known = DeliveryState("accepted", None, 1, 1, held=sent(kind, decision.row))
    changed = replace(late, value=50.0, row_hash=2)
    candidate = Candidate("order-1", known, changed, members=tuple(members))
    restated = reconcile(candidate, destination(kind), TERMS)
    assert isinstance(restated, Deliver)
    assert restated.intent.op == "restate"
    assert b"click" not in destination(kind).request("purchase", [restated.built]).body


@pytest.mark.parametrize("kind", ["google_ads", "microsoft_ads"])
def test_a_click_that_has_become_too_old_leaves_a_doubt_to_a_person(kind: str) -> None:
    row = replace(ROW, click_at=NOW - timedelta(days=91), created=NOW - timedelta(days=80))
    young = replace(row, click_at=NOW - timedelta(days=85))
    doubt = DeliveryState("unknown", "timeout", 1, 1, in_doubt=sent(kind, young))
    assert decide(kind, row, doubt) == Note("ambiguous", "click_too_old_in_doubt")
    assert isinstance(decide(kind, young, doubt), Deliver)


def test_the_click_window_of_the_action_counts() -> None:
    row = replace(ROW, click_at=NOW - timedelta(days=40), email=None, phone=None, first_name=None)
    assert isinstance(decide("google_ads", row), Deliver)
    assert decide("google_ads", row, changes={"click_window_days": 30}) == Note(
        "expired", "click_too_old"
    )


def test_two_conversions_of_one_click_in_one_second_have_two_times_at_microsoft() -> None:
    times = set()
    for id in ("order-1", "order-2"):
        built = decide("microsoft_ads", replace(ROW, id=id))
        assert isinstance(built, Deliver)
        body = json.loads(destination("microsoft_ads").request("purchase", [built.built]).body)
        times.add(body["OfflineConversions"][0]["ConversionTime"])
    assert len(times) == 2


@pytest.mark.parametrize(("source", "days", "sent"), [("crm", 27, True), ("web", 8, False)])
def test_tiktok_takes_offline_events_for_longer(source: str, days: int, sent: bool) -> None:
    row = replace(ROW, created=NOW - timedelta(days=days))
    assert isinstance(decide("tiktok", row, changes={"event_source": source}), Deliver) is sent


@pytest.mark.parametrize(("gclid", "group"), [("Cj0KCQ-ab_c", ""), ("Cj0 KCQ", "odd_click")])
def test_a_click_that_google_will_not_know_is_sent_apart(gclid: str, group: str) -> None:
    decision = decide("google_ads", replace(ROW, gclid=gclid))
    assert isinstance(decision, Deliver)
    assert decision.built.group == group


@pytest.mark.parametrize("kind", ["google_ads", "microsoft_ads"])
def test_a_change_that_only_the_config_brings_is_later_than_what_was_sent(kind: str) -> None:
    # a platform heeds the later of two changes, and the row has not changed since the first
    old = replace(ROW, updated_at=NOW - timedelta(days=1))
    decision = decide(kind, old, holding(kind, old), changes={"minimum_value": 1000.0})
    assert isinstance(decision, Deliver)
    assert decision.intent.op == "retract"
    assert decision.intent.changed > NOW - timedelta(hours=3)


def test_a_refund_that_waited_for_days_is_not_stamped_with_its_old_change() -> None:
    old = replace(ROW, is_qualified=False, row_hash=2, updated_at=NOW - timedelta(days=4))
    decision = decide("google_analytics", old, holding("google_analytics", ROW))
    assert isinstance(decision, Deliver)
    [event] = json.loads(f"[{decision.built.payload[1].decode()}]")
    assert event["name"] == "refund"
    # GA4 drops in silence what is stamped 72 hours back
    assert "timestamp_micros" not in event


AUDIENCE_KINDS = [kind for kind, each in DESTINATIONS.items() if each.capabilities.audience]


def own_terms(kind: str) -> Terms:
    return replace(TERMS, conversion=plain(kind)[1])


def member(kind: str, row: ConversionRow, days: int = 0) -> tuple[DeliveryState, tuple[str, ...]]:
    """What the ledger knows of somebody who joined as that row says, and their identifiers."""
    decision = decide(kind, row, terms=own_terms(kind))
    assert isinstance(decision, Deliver)
    joined = Sent(
        "create",
        decision.intent.money,
        row.created,
        decision.built.fingerprint,
        identity_of(row, decision.intent, ()),
        NOW - timedelta(days=days, hours=3),
    )
    return DeliveryState("accepted", None, row.row_hash, 1, held=joined), decision.built.members


@pytest.mark.parametrize("kind", AUDIENCE_KINDS)
def test_who_has_another_address_is_told_though_the_value_has_gone(kind: str) -> None:
    state, members = member(kind, ROW)
    moved = replace(ROW, email="another@example.com", phone=None, value=None, row_hash=2)
    candidate = Candidate("order-1", state, moved, members=members)
    decision = reconcile(candidate, destination(kind), own_terms(kind))
    assert isinstance(decision, Deliver)
    assert decision.intent.op == "restate"


@pytest.mark.parametrize("kind", AUDIENCE_KINDS)
def test_nobody_stays_in_an_audience_because_their_conversion_is_old(kind: str) -> None:
    old = replace(ROW, created=NOW - timedelta(days=60))
    state, members = member(kind, old, days=60)
    said_no = replace(old, consent_ad_personalization="denied", row_hash=2)
    candidate = Candidate("order-1", state, said_no, members=members)
    chosen = destination(kind, adjustment_days=30)
    decision = reconcile(candidate, chosen, own_terms(kind))
    assert isinstance(decision, Deliver)
    assert decision.intent.op == "retract"
    # what they are known by is kept as long as they are in
    assert chosen.adjusts_within is None


@pytest.mark.parametrize("kind", sorted(DESTINATIONS))
def test_a_row_that_turns_out_to_be_of_an_app_is_not_sent_again(kind: str) -> None:
    # until a release read GA4's platform, rows of apps were of the web
    conversion = plain(kind)[1]
    terms = replace(TERMS, conversion=conversion)
    before = replace(ROW, event_source="web")
    decision = decide(kind, before, terms=terms)
    assert isinstance(decision, Deliver)
    kept = identity_of(before, decision.intent, destination(kind).kept)
    fingerprint, money = decision.built.fingerprint, decision.intent.money
    there = Sent("create", money, before.created, fingerprint, kept, NOW - timedelta(hours=3))
    held = DeliveryState("accepted", None, before.row_hash, 1, held=there)
    now = replace(before, event_source="app", row_hash=2)
    candidate = Candidate("order-1", held, now, NOW, NOW.date(), members=decision.built.members)
    assert reconcile(candidate, destination(kind), terms) == Nothing("unchanged")


def test_a_purchase_in_an_app_is_none_of_the_web_anywhere() -> None:
    row = replace(ROW, event_source="app")
    assert decide("meta", row) == Note("rejected", "missing_app_data:app_data")
    assert decide("tiktok", row) == Note("rejected", "event_source_mismatch:event_source")
    of_app = decide("tiktok", row, changes={"event_source": "app"})
    assert isinstance(of_app, Deliver)
    web = decide("tiktok", ROW, changes={"event_source": "app"})
    assert web == Note("rejected", "event_source_mismatch:event_source")
    assert isinstance(decide("tiktok", row, changes={"event_source": "offline"}), Deliver)
    assert decide("pinterest", row) == Note("rejected", "unknown_app_platform:action_source")
    android = decide("pinterest", row, changes={"action_source": "app_android"})
    assert isinstance(android, Deliver)
    assert b'"action_source":"app_android"' in android.built.payload
    google = decide("google_ads", row)
    assert isinstance(google, Deliver)
    assert b'"eventSource":2' in google.built.payload


def test_what_was_sent_of_an_app_to_a_web_stream_can_be_taken_back() -> None:
    conversions = destination("google_analytics").config.conversions
    mapped = (conversions[0].model_copy(update={"event_name": "purchase"}),)
    terms = replace(TERMS, conversion=mapped[0].conversion)
    row = replace(ROW, event_source="app", is_qualified=False)
    there = sent("google_ads", ROW, identity={"client_id": ROW.client_id, "order_id": "order-1"})
    held = DeliveryState("accepted", None, 1, 1, held=there)
    decision = decide("google_analytics", row, held, terms=terms, changes={"conversions": mapped})
    assert isinstance(decision, Deliver)
    assert decision.intent.op == "retract"
    anew = decide("google_analytics", replace(row, is_qualified=True), terms=terms)
    assert anew == Note("rejected", "app_stream_required:event_source")
