"""Export end to end: a table in BigQuery, platforms on real HTTP, and everything that fails."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from google.cloud import bigquery

from common.bigquery.leases import lease
from common.errors import RetryableError, UnreadableDefinitionError
from common.local.platforms.google_data_manager import GoogleDataManager
from common.local.platforms.meta import Meta
from common.local.platforms.standin import InjectedFault, Reply
from common.messaging.messages import ExportContinuation, ExportTick, ReplayRequested
from functions.export.destinations.audiences.google_customer_match import GoogleCustomerMatch
from functions.export.destinations.registry import DESTINATIONS
from functions.export.payload import identifiers
from functions.export.payload.identifiers import sha256
from functions.export.reconcile.delivery_state import dedup_key
from functions.export.services import connection
from functions.export.transport.calls import Reply as WireReply
from functions.export.transport.calls import Request
from functions.export.transport.wire import Wire
from terraform.operations.erase_person import erase
from tests import leases
from tests.destinations.harness import HERE as CASES
from tests.destinations.harness import NOW, load
from tests.destinations.test_cases import kept
from tests.export.shop import Kill, Shop, shop
from tests.quick import QuickWarehouse

ACTION = "987654321"


@pytest.fixture
def here() -> Iterator[Shop]:
    with shop() as opened:
        yield opened


def google(here: Shop) -> GoogleDataManager:
    platform = here.stand_ins["google"]
    assert isinstance(platform, GoogleDataManager)
    return platform


def meta(here: Shop) -> Meta:
    platform = here.stand_ins["meta"]
    assert isinstance(platform, Meta)
    return platform


def held(here: Shop) -> dict[str, float | None]:
    """Conversion id → value at Google."""
    names = {dedup_key("purchase", f"o{number}"): f"o{number}" for number in range(2000)}
    return {names[key[1]]: each.value for key, each in google(here).held.items()}


def test_what_the_warehouse_says_is_what_the_platform_holds(here: Shop) -> None:
    three_days(here)


def test_the_same_over_http_to_the_embedded_bigquery(client: bigquery.Client) -> None:
    with shop(client) as here:
        three_days(here)


def three_days(here: Shop) -> None:
    """A value that changes twice, and a row that leaves and returns."""
    here.add_destination("google_ads")
    here.put("o1", value=100)
    here.put("o2", value=50)
    here.materialize()
    here.export()
    assert held(here) == {"o1": 100, "o2": 50}

    here.passes(days=1)
    here.put("o1", value=70)
    here.put("o3", value=5)
    del here.table["o2"]
    here.materialize()
    here.export()
    assert held(here) == {"o1": 70, "o2": 0, "o3": 5}
    [taken] = [row for row in here.all_of("export_attempts") if row["op"] == "retract"][1:]
    assert (taken["state"], taken["reason"]) == ("accepted", "count_not_retracted")

    here.passes(days=1)
    here.put("o2", value=50)
    here.put("o1", value=60)
    here.materialize()
    here.export()
    assert held(here) == {"o1": 60, "o2": 50, "o3": 5}
    assert set(here.states().values()) == {"accepted"}


def test_a_second_run_sends_nothing(here: Shop) -> None:
    here.add_destination("google_ads")
    here.put("o1")
    here.materialize()
    here.export()
    sent = len(google(here).calls)
    here.export()
    here.handle(ExportTick())
    assert len(google(here).calls) == sent


@pytest.mark.parametrize("run", [{"status": "failed"}, {"status": "held"}, {"rows_read": 0}])
def test_a_failed_or_empty_run_of_the_table_takes_nothing_back(
    here: Shop, run: dict[str, Any]
) -> None:
    here.add_destination("google_ads", retraction_limit_rows=100)
    here.put("o1", value=100)
    here.put("o2", value=50)
    here.materialize()
    here.export()
    here.passes(days=1)
    here.table.clear()
    here.materialize(**run)
    here.export()
    assert held(here) == {"o1": 100, "o2": 50}
    assert "missing_without_proof" in {row["code"] for row in here.all_of("incidents")}


def test_a_mass_retraction_waits_for_a_person(here: Shop) -> None:
    here.add_destination("google_ads", retraction_limit_rows=2)
    for number in range(8):
        here.put(f"o{number}", value=10)
    here.materialize()
    here.export()
    here.passes(days=1)
    for number in range(3):
        del here.table[f"o{number}"]
    here.put("o9", value=10)
    here.materialize()
    here.export()
    assert [value for value in held(here).values() if value == 0] == []
    assert held(here)["o9"] == 10
    incidents = here.all_of("incidents")
    assert [row["code"] for row in incidents] == ["retractions_held"]
    day = here.clock.now().date()
    here.handle(
        ExportContinuation(
            destination="ads_main",
            conversion="purchase",
            run_id="r",
            start_date=day,
            end_date=day,
            force=True,
        )
    )
    assert [held(here)[f"o{number}"] for number in range(3)] == [0, 0, 0]


@pytest.mark.parametrize("hours", [1, 49])
def test_a_kill_at_any_step_loses_nothing_and_doubles_nothing(hours: int) -> None:
    """One shop for each step: killed there, then left to the next run, once inside the 48 hours for
    which TikTok knows a key and once outside of them."""
    step = 0
    while True:
        step += 1
        with shop() as here:
            here.add_destination("tiktok")
            here.put("o1", value=100)
            here.put("o2", value=50)
            here.materialize()
            here.process.kill_at(step)
            try:
                here.export()
                survived = True
            except Kill:
                survived = False
            here.process.kill_at(None)
            here.free_leases()
            here.passes(hours=hours)
            # nobody acknowledged the message, so it comes again; the tick may come first
            here.handle(ExportTick() if hours == 1 else here.materialized())
            platform = here.stand_ins["tiktok"]
            assert {each.count for each in platform.held.values()} <= {1}, step
            if set(here.states().values()) == {"accepted"}:
                assert {each.value for each in platform.held.values()} == {50, 100}, step
            else:
                # only what may have left is a person's to judge, and only when TikTok forgot
                assert (hours, set(here.states().values())) == (49, {"ambiguous"}), step
            if survived:
                break
    assert step > 10


FAULTS = {
    "429": InjectedFault(status=429, headers={"Retry-After": "1"}),
    "500": InjectedFault(status=500),
    "500 after accepting": InjectedFault(status=500, after_accepting=True),
    "reset": InjectedFault("reset"),
    "reset after accepting": InjectedFault("reset", after_accepting=True),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("times", [1, 3])
def test_a_platform_that_fails_gets_everything_in_the_end(
    here: Shop, fault: str, times: int
) -> None:
    here.add_destination("tiktok")
    here.put("o1", value=100)
    here.put("o2", value=50)
    here.materialize()
    here.stand_ins["tiktok"].script(*[FAULTS[fault]] * times)
    here.export()
    here.passes(hours=1)
    here.handle(ExportTick())
    platform = here.stand_ins["tiktok"]
    assert {each.value for each in platform.held.values()} == {50, 100}
    assert {each.count for each in platform.held.values()} == {1}
    assert set(here.states().values()) == {"accepted"}


def test_an_expired_token_is_an_incident_and_costs_nothing(here: Shop) -> None:
    here.add_destination("meta")
    here.put("o1")
    here.materialize()
    platform = meta(here)
    platform.token = "renewed"
    here.export()
    assert here.states() == {"o1": "retry"}
    assert [row["code"] for row in here.all_of("incidents")] == ["export_halted"]
    platform.token = "meta-token"
    here.passes(hours=1)
    here.handle(ExportTick())
    assert len(platform.held) == 1


def test_a_short_lived_token_is_renewed_in_the_middle_of_a_run(here: Shop) -> None:
    here.add_destination("microsoft_ads", batch_size=1)
    for number in range(3):
        here.put(f"o{number}", value=10)
    here.materialize()
    platform = here.stand_ins["microsoft_ads"]
    here.export()
    platform.expire_token()  # type: ignore[attr-defined]
    for number in range(3):
        here.put(f"o{number}", value=20)
    here.passes(minutes=5)
    here.materialize()
    here.export()
    assert {each.value for each in platform.held.values()} == {20}


def test_in_doubt_beyond_the_platforms_memory_a_person_decides(here: Shop) -> None:
    here.add_destination("meta")
    here.put("o1", value=100)
    here.materialize()
    platform = here.stand_ins["meta"]
    platform.script(*[FAULTS["reset after accepting"]] * 3)
    here.export()
    assert here.states() == {"o1": "unknown"}
    here.passes(hours=49)
    here.handle(ExportTick())
    assert here.states() == {"o1": "ambiguous"}
    assert [each.count for each in platform.held.values()] == [1]
    assert "deliveries_in_doubt" in {row["code"] for row in here.all_of("incidents")}


def test_with_both_clocks_an_hour_wrong_nothing_is_counted_twice(here: Shop) -> None:
    here.add_destination("tiktok")
    here.put("o1", value=100)
    here.materialize()
    platform = here.stand_ins["tiktok"]
    platform.clock = lambda: here.clock.now().replace(microsecond=0)
    platform.script(*[FAULTS["reset after accepting"]] * 3)
    here.passes(hours=1)
    here.export()
    here.passes(hours=-2)
    here.handle(ExportTick())
    assert [each.count for each in platform.held.values()] == [1]
    assert here.states() == {"o1": "accepted"}


def test_while_another_run_holds_the_destination_the_work_is_left_to_it(here: Shop) -> None:
    here.add_destination("google_ads")
    here.put("o1")
    here.materialize()
    other = lease.acquire(here.warehouse, "export-ads_main", "other")
    assert other
    here.export()
    assert not google(here).held
    assert lease.asked(here.warehouse, other) == ["purchase"]


def test_work_that_came_meanwhile_is_done_by_the_run_that_is_under_way(here: Shop) -> None:
    here.add_destination("google_ads")
    here.put("o1")
    here.materialize()
    platform = google(here)
    answer = platform.answer

    def meanwhile(call: object) -> object:
        if not here.bus.messages:
            lease.ask_again(here.warehouse, "export-ads_main", "purchase")
        return answer(call)  # type: ignore[arg-type]

    platform.answer = meanwhile  # type: ignore[method-assign, assignment]
    here.export()
    assert here.bus.messages == []
    [left] = leases.all_of(here.warehouse)
    assert (left["holder"], left["pending"]) == (None, None)


MAPPED = [f"conversion_{number}" for number in range(8)]


def test_messages_of_a_destination_end_in_as_much_work_as_was_asked_for(here: Shop) -> None:
    """Three slots and eight conversions ended nowhere when asking had no subject."""
    plain = load(CASES / "google_ads" / "plain" / "target.json")["conversions"][0]
    here.add_destination(
        "google_ads", conversions=[{**plain, "conversion": each} for each in MAPPED]
    )
    here.put("o1")
    for conversion in MAPPED:
        here.materialize(conversion)
    platform, handled = google(here), list[str]()
    answer, first, *others = platform.answer, *MAPPED

    def meanwhile(call: object) -> object:
        # the other slots of export take all that waits while the first run is sending
        while others:
            handled.append(others.pop())
            here.export(handled[-1])
        return answer(call)  # type: ignore[arg-type]

    platform.answer = meanwhile  # type: ignore[method-assign, assignment]
    here.export(first)
    assert sorted(handled) == MAPPED[1:]
    assert here.bus.messages == []
    for conversion in MAPPED:
        assert here.states(conversion) == {"o1": "accepted"}
    assert [each.count for each in platform.held.values()] == [1] * len(MAPPED)


def test_what_is_accepted_after_the_lease_was_lost_is_looked_at_again(here: Shop) -> None:
    here.add_destination("google_ads")
    here.put("o1", value=10)
    here.materialize()
    platform = google(here)
    answer = platform.answer

    def paused(call: object) -> object:
        here.free_leases()
        assert lease.acquire(here.warehouse, "export-ads_main", "somebody else")
        return answer(call)  # type: ignore[arg-type]

    platform.answer = paused  # type: ignore[method-assign, assignment]
    here.export()
    assert here.states() == {"o1": "unknown"}
    platform.answer = answer  # type: ignore[method-assign]
    here.free_leases()
    here.handle(ExportTick())
    assert here.states() == {"o1": "accepted"}
    assert held(here) == {"o1": 10}


def test_out_of_time_the_rest_is_left_to_a_continuation(here: Shop) -> None:
    here.add_destination("meta", batch_size=1, requests_per_second=0.01)
    for number in range(8):
        here.put(f"o{number}", value=10)
    here.materialize()
    here.export()
    assert 0 < len(here.stand_ins["meta"].held) < 8
    [message] = here.bus.messages
    assert isinstance(message, ExportContinuation)
    for _ in range(5):
        here.handle(message)
    assert len(here.stand_ins["meta"].held) == 8


def test_one_bad_row_of_many_is_refused_alone_with_its_reason(here: Shop) -> None:
    here.add_destination("meta", max_age_days=7)
    for number in range(60):
        here.put(f"o{number}", value=10)
    # a cookie that Meta's page does not allow and that we cannot know
    here.put("o33", value=10, lead_id="123456789012345", event_source="crm")
    here.materialize()
    platform = here.stand_ins["meta"]
    refuse(platform, dedup_key("purchase", "o33"))
    here.export()
    assert len(platform.held) == 59
    states = here.states()
    assert states.pop("o33") == "rejected"
    assert set(states.values()) == {"accepted"}
    [refused] = [row for row in here.all_of("export_attempts") if row["state"] == "rejected"]
    assert refused["reason"] == "meta_100_2804017"
    [shown] = [row for row in here.all_of("incidents") if row["code"] == "rows_refused"]
    assert shown["detail"].endswith("refused 1 of 60 conversions (1 x meta_100_2804017).")


def refuse(platform: object, key: str) -> None:
    """Make Meta refuse every batch that holds this key, without saying why."""
    fault = platform._fault  # type: ignore[attr-defined]

    def judged(event: dict[str, Any]) -> object:
        from common.local.platforms.meta import error

        if event["event_id"] == key:
            return error(400, 100, "Invalid parameter", subcode=2804017)
        return fault(event)

    platform._fault = judged  # type: ignore[attr-defined]


def test_what_google_refuses_later_is_booked_by_reason_and_sent_again_where_time_helps(
    here: Shop,
) -> None:
    here.add_destination("google_ads")
    for number in range(4):
        here.put(f"o{number}", value=10, gclid=f"click-{number}")
    here.materialize()
    google(here).later = {"click-1": "TOO_RECENT_CLICK", "click-2": "INVALID_GCLID"}
    here.export()
    assert set(held(here)) == {"o0", "o3"}
    google(here).later = {"click-2": "INVALID_GCLID"}
    here.passes(minutes=31)
    here.handle(ExportTick())
    assert set(held(here)) == {"o0", "o1", "o3"}
    newest = max(here.all_of("export_requests"), key=lambda row: row["polls"])
    assert (newest["state"], newest["counts"]) == (
        "partial",
        '{"INVALID_GCLID": 1, "TOO_RECENT_CLICK": 1}',
    )
    [shown] = [row for row in here.all_of("incidents") if row["code"] == "rows_refused_later"]
    assert (
        "refused 2 conversions later (1 x INVALID_GCLID, 1 x TOO_RECENT_CLICK)" in shown["detail"]
    )


def test_a_kill_while_google_is_asked_leaves_the_answer_to_the_next_tick() -> None:
    """One shop for each step of the tick that learns of a failed request."""
    step = 0
    while True:
        step += 1
        with shop() as here:
            here.add_destination("google_ads")
            here.put("o1", value=10, gclid="click-1")
            here.materialize()
            google(here).later = {"click-1": "TOO_RECENT_CLICK"}
            here.export()
            google(here).later = {}
            here.passes(minutes=31)
            here.process.kill_at(step)
            try:
                here.handle(ExportTick())
                survived = True
            except Kill:
                survived = False
            here.process.kill_at(None)
            here.free_leases()
            here.passes(hours=1)
            here.handle(ExportTick())
            assert held(here) == {"o1": 10}, step
            assert here.states() == {"o1": "accepted"}, step
            if survived:
                break
    assert step > 10


def test_polling_stops_when_time_is_up_and_goes_on_next_time(here: Shop) -> None:
    here.add_destination("google_ads", batch_size=1)
    for number in range(4):
        here.put(f"o{number}", value=10)
    here.materialize()
    here.export()
    here.passes(minutes=31)
    patient = here.services
    here.services = replace(patient, seconds=0)
    here.handle(ExportTick())
    asked = [call for call in google(here).calls if call.method == "GET"]
    assert len(asked) == 1
    here.services = patient
    here.handle(ExportTick())
    newest = {row["request_id"]: row["state"] for row in here.all_of("export_requests")}
    assert set(newest.values()) == {"success"}


def test_a_destination_that_fails_holds_up_no_other_one(
    here: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    here.add_destination("google_ads")
    here.add_destination("meta")
    here.put("o1", value=10)
    here.materialize()
    broken = here.services.wire.google
    here.services.wire.google = broken_credentials
    with pytest.raises(ValueError, match="canary"):
        here.export()
    assert len(here.stand_ins["meta"].held) == 1
    # whatever an error says stays out of the log
    logged = capsys.readouterr().out
    assert '"destination": "ads_main", "reason": "ValueError"' in logged
    assert "canary" not in logged
    here.services.wire.google = broken
    here.free_leases()
    here.export()
    assert held(here) == {"o1": 10}


def broken_credentials(scopes: object, quota_project: object) -> Any:
    raise ValueError("canary@example.com")


def test_a_stored_config_that_this_version_cannot_read_stops_no_other_one(
    here: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = here.add_destination("google_ads")
    here.add_destination("meta")
    outdated = {**stored.definition, "operating_account": "12"}
    here.services.catalog.save(outdated, now=here.clock.now(), author="test")
    here.put("o1", value=10)
    here.materialize()
    here.export()
    assert len(here.stand_ins["meta"].held) == 1
    assert "destination_unreadable" in capsys.readouterr().out
    with pytest.raises(UnreadableDefinitionError, match="operating_account"):
        connection(here.services, stored.id)
    # its older form is no reason to stop a newer one, which begins where that cannot be read
    here.add_destination("google_ads")
    here.export()
    assert held(here) == {"o1": 10}


def test_a_request_that_fails_as_a_whole_leaves_no_claim_in_the_ledger(here: Shop) -> None:
    here.add_destination("google_ads")
    here.put("o1", gclid="click-1")
    here.materialize()
    google(here).later = {"click-1": "CLICK_NOT_FOUND"}
    here.export()
    here.passes(minutes=31)
    here.handle(ExportTick())
    assert here.states() == {"o1": "failed"}
    here.put("o1", gclid="click-2")
    here.passes(hours=1)
    here.materialize()
    here.export()
    assert set(held(here)) == {"o1"}


def test_a_replay_sends_again_only_what_the_platform_takes_twice_or_does_not_have(
    here: Shop,
) -> None:
    for kind in ("google_ads", "meta"):
        here.add_destination(kind)
    here.put("o1", value=10)
    here.materialize()
    here.export()
    day = here.clock.now().date()
    for destination in ("ads_main", "meta_main"):
        for _ in range(2):
            here.handle(
                ReplayRequested(
                    request_id=f"again-{destination}",
                    destination=destination,
                    conversion="purchase",
                    start_date=day.replace(day=1),
                    end_date=day,
                )
            )
    posts = [call for call in google(here).calls if call.path.endswith(":ingest")]
    assert len(posts) == 2
    assert len(here.stand_ins["meta"].calls) == 1
    assert held(here) == {"o1": 10}


@pytest.mark.parametrize(("kind", "name"), [("google_ads", "google"), ("meta", "meta")])
def test_a_replay_to_an_account_that_lost_everything_creates_it_again(
    here: Shop, kind: str, name: str
) -> None:
    stored = here.add_destination(kind)
    here.put("o1", value=10)
    here.materialize()
    here.export()
    here.stand_ins[name].held.clear()
    day = here.clock.now().date()
    here.handle(
        ReplayRequested(
            request_id="lost",
            destination=stored.id,
            conversion="purchase",
            start_date=day.replace(day=1),
            end_date=day,
            lost=True,
        )
    )
    assert [each.value for each in here.stand_ins[name].held.values()] == [10]


def test_another_account_has_a_ledger_of_its_own(here: Shop) -> None:
    google(here).actions = frozenset({ACTION, "555"})
    here.add_destination("google_ads")
    here.put("o1", value=10)
    here.materialize()
    here.export()
    here.add_destination(
        "google_ads", conversions=[{"conversion": "purchase", "conversion_action_id": "555"}]
    )
    here.export()
    assert {key[0] for key in google(here).held} == {ACTION, "555"}


def test_people_join_an_audience_and_leave_it(here: Shop) -> None:
    for kind in ("google_customer_match", "meta_audience"):
        here.add_destination(kind)
    here.put("l1", is_qualified=True)
    here.put("l2", is_qualified=True)
    here.put("l3", is_qualified=False)
    here.materialize("qualified_lead")
    here.export("qualified_lead")
    assert len(kept(here.stand_ins["meta"])) == 2
    members = len(kept(google(here)))
    here.passes(days=1)
    here.put("l2", is_qualified=False)
    here.put("l1", is_qualified=True, consent_ad_personalization="denied")
    here.materialize("qualified_lead")
    here.export("qualified_lead")
    assert kept(here.stand_ins["meta"]) == []
    assert members
    assert not google(here).members


def test_who_has_left_the_table_leaves_the_list_by_every_address_they_ever_had(here: Shop) -> None:
    here.add_destination("google_customer_match")
    for phone in ("+44 113 496 0987", "+44 113 496 0988"):
        here.put("l1", phone=phone)
        here.put("l2")
        here.materialize("qualified_lead")
        here.export("qualified_lead")
        here.passes(days=1)
    del here.table["l1"]
    here.materialize("qualified_lead")
    before = set(google(here).members)
    here.export("qualified_lead")
    left = before - set(google(here).members)
    assert identifiers.phone("+441134960988", None) in {key for _, key in left}
    # the other person has the first number too, so it stays
    assert identifiers.phone("+441134960987", None) in {key for _, key in google(here).members}
    assert here.states("qualified_lead") == {"l1": "accepted", "l2": "accepted"}
    known = here.all_of("audience_members")
    assert {member["conversion_id"] for member in known} == {"l1", "l2"}
    here.passes(days=4)
    here.export("qualified_lead")
    known = here.all_of("audience_members")
    assert {member["conversion_id"] for member in known} == {"l2"}


def test_an_erased_person_leaves_every_list_though_no_run_reads_their_day_again(here: Shop) -> None:
    for kind in ("google_customer_match", "meta_audience"):
        here.add_destination(kind)
    here.put("l1", client_id="1.1", created=NOW - timedelta(days=200))
    here.put("l2", client_id="2.2", phone="+44 113 496 0001")
    here.materialize("qualified_lead")
    here.export("qualified_lead")
    members = set(google(here).members)
    here.passes(days=120)
    erased = dict(erase(here.warehouse, ["1.1"], here.clock.now()))
    assert erased["conversion_qualified_lead"] == 1
    here.handle(ExportTick())
    left = members - set(google(here).members)
    assert sha256("l1@example.com") in {key for _, key in left}
    assert len(kept(here.stand_ins["meta"])) == 1
    here.passes(hours=1)
    here.handle(ExportTick())
    for table in ("audience_members", "export_attempts"):
        assert {row["conversion_id"] for row in here.all_of(table)} == {"l2"}


def test_what_no_platform_took_back_is_forgotten_after_a_month_and_a_person_hears_of_it(
    here: Shop,
) -> None:
    here.add_destination("google_customer_match")
    here.put("l1", client_id="1.1")
    here.put("l2", client_id="2.2")
    here.materialize("qualified_lead")
    here.export("qualified_lead")
    here.passes(days=1)
    here.add_destination("google_customer_match", mode="paused")
    dict(erase(here.warehouse, ["1.1"], here.clock.now()))
    for days, remembered in ((29, {"l1", "l2"}), (2, {"l2"})):
        here.passes(days=days)
        here.handle(ExportTick())
        for table in ("audience_members", "export_attempts"):
            assert {row["conversion_id"] for row in here.all_of(table)} == remembered
    [told] = here.all_of("incidents")
    assert (told["code"], told["conversion"]) == ("erasure_unconfirmed", "qualified_leads")


def test_a_tick_runs_only_what_is_open(here: Shop) -> None:
    here.add_destination("meta")
    here.put("o1")
    here.materialize()
    here.export()
    here.passes(hours=4)
    quiet = statements_of_a_tick(here)
    here.put("o2")
    here.stand_ins["meta"].script(*[InjectedFault(status=429)] * 3)
    here.materialize()
    here.export()
    here.passes(hours=4)
    assert here.states()["o2"] == "retry"
    assert statements_of_a_tick(here) > quiet
    assert here.states() == {"o1": "accepted", "o2": "accepted"}
    assert statements_of_a_tick(here) == quiet


@pytest.mark.parametrize("news", ["destination", "table"])
def test_a_tick_exports_what_is_new_without_a_message(here: Shop, news: str) -> None:
    here.put("o1")
    if news == "table":
        here.add_destination("google_ads")
        here.materialize()
    else:
        here.materialize()
        here.passes(hours=4)
        here.add_destination("google_ads", now=here.clock.now())
    here.passes(hours=1)
    here.handle(ExportTick())
    assert set(held(here)) == {"o1"}


def statements_of_a_tick(here: Shop) -> int:
    """How many statements a tick runs now."""
    assert isinstance(here.warehouse, QuickWarehouse)
    before = here.warehouse.statements
    here.handle(ExportTick())
    return here.warehouse.statements - before


def test_a_removal_that_google_refuses_later_is_sent_again(here: Shop) -> None:
    here.add_destination("google_customer_match")
    here.put("l1")
    here.put("l2")
    here.materialize("qualified_lead")
    here.export("qualified_lead")
    here.passes(days=1)
    del here.table["l1"]
    here.materialize("qualified_lead")
    member = ("777", sha256("l1@example.com"))
    google(here).later[member[1]] = "INTERNAL_ERROR"
    here.export("qualified_lead")
    assert member in google(here).members
    google(here).later.clear()
    here.passes(hours=1)
    here.handle(ExportTick())
    assert member not in google(here).members


def leads(here: Shop) -> None:
    here.materialize("qualified_lead")
    here.export("qualified_lead")
    here.passes(days=1)


def emails(here: Shop) -> set[str]:
    """Whose e-mail address is in the list of Google."""
    known = {sha256(f"{name}@example.com"): name for name in ("ann", "new", "bob")}
    return {known[key] for _, key in google(here).members if key in known}


@pytest.mark.parametrize("way", ["row gone", "consent withdrawn"])
def test_a_person_with_two_leads_leaves_with_the_last_of_them(here: Shop, way: str) -> None:
    for kind in ("google_customer_match", "meta_audience"):
        here.add_destination(kind)
    for id in ("l1", "l2"):
        here.put(id, email="ann@example.com")
    here.put("l3", email="bob@example.com", phone=None)
    leads(here)
    for id, there in (("l1", True), ("l2", False)):
        if way == "row gone":
            del here.table[id]
        else:
            here.put(id, email="ann@example.com", consent_ad_personalization="denied")
        leads(here)
        assert emails(here) == ({"ann", "bob"} if there else {"bob"})
        assert len(meta(here).members) == (2 if there else 1)
    assert set(here.states("qualified_lead").values()) == {"accepted"}


def test_who_goes_with_both_leads_at_once_is_gone(here: Shop) -> None:
    here.add_destination("google_customer_match")
    for id in ("l1", "l2", "l3"):
        here.put(id, email="ann@example.com" if id != "l3" else "bob@example.com")
    leads(here)
    del here.table["l1"], here.table["l2"]
    leads(here)
    assert emails(here) == {"bob"}


def test_who_leaves_by_one_lead_and_joins_by_another_is_there_in_the_end(here: Shop) -> None:
    here.add_destination("google_customer_match")
    here.put("l1", email="ann@example.com")
    leads(here)
    del here.table["l1"]
    here.put("l2", email="ann@example.com")
    for _ in range(2):
        leads(here)
        assert emails(here) == {"ann"}
    assert here.states("qualified_lead") == {"l1": "accepted", "l2": "accepted"}


def test_an_address_that_changed_takes_the_old_one_out(here: Shop) -> None:
    here.add_destination("google_customer_match")
    here.put("l1", email="ann@example.com")
    leads(here)
    here.put("l1", email="new@example.com")
    leads(here)
    assert emails(here) == {"new"}


def test_an_old_address_whose_removal_google_refuses_later_leaves_all_the_same(here: Shop) -> None:
    here.add_destination("google_customer_match")
    here.put("l1", email="ann@example.com")
    leads(here)
    here.put("l1", email="new@example.com")
    google(here).later[sha256("ann@example.com")] = "INTERNAL_ERROR"
    here.materialize("qualified_lead")
    here.export("qualified_lead")
    assert emails(here) == {"ann", "new"}
    google(here).later.clear()
    here.passes(hours=1)
    here.handle(ExportTick())
    assert emails(here) == {"new"}
    known = here.all_of("audience_members")
    assert sha256("ann@example.com") in "".join(each["identifiers"] for each in known)
    here.passes(hours=1)
    here.handle(ExportTick())
    known = here.all_of("audience_members")
    assert sha256("ann@example.com") not in "".join(each["identifiers"] for each in known)


def test_who_joins_while_a_run_sleeps_is_not_taken_out_by_what_it_sends(
    here: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.add_destination("google_customer_match")
    here.put("l1", email="ann@example.com")
    here.put("l0", email="bob@example.com", phone=None)
    leads(here)
    send = GoogleCustomerMatch.send

    def asleep(self: GoogleCustomerMatch, request: Request, wire: Wire) -> WireReply:
        """Its lease ends, and another run lets the person in again before the removal arrives."""
        monkeypatch.undo()
        here.free_leases()
        here.put("l2", email="ann@example.com")
        here.materialize("qualified_lead")
        here.export("qualified_lead")
        return send(self, request, wire)

    monkeypatch.setattr(GoogleCustomerMatch, "send", asleep)
    del here.table["l1"]
    here.materialize("qualified_lead")
    here.export("qualified_lead")
    assert emails(here) == {"bob"}
    here.handle(ExportTick())
    assert emails(here) == {"ann", "bob"}
    here.handle(ExportTick())
    assert emails(here) == {"ann", "bob"}
    assert set(here.states("qualified_lead").values()) == {"accepted"}


@pytest.mark.parametrize("kind", ["google_ads", "microsoft_ads"])
def test_a_conversion_with_only_an_email_is_taken_back_when_its_row_is_gone(
    here: Shop, kind: str
) -> None:
    here.add_destination(kind)
    name = {"google_ads": "google"}.get(kind, kind)
    for id in ("o1", "o2"):
        here.put(id, value=10, gclid=None, msclkid=None, click_at=None)
    here.materialize()
    here.export()
    assert [each.value for each in here.stand_ins[name].held.values()] == [10, 10]
    here.passes(days=1)
    del here.table["o1"]
    here.materialize()
    here.export()
    values = sorted(each.value or 0 for each in here.stand_ins[name].held.values())
    assert values == [0, 10]


def test_a_row_that_cannot_be_taken_back_is_named_in_an_incident(here: Shop) -> None:
    here.add_destination("tiktok", conversions=[{"conversion": "purchase", "event": "Buy"}])
    here.put("o1", value=10)
    here.put("o2", value=10)
    here.materialize()
    here.export()
    here.passes(days=1)
    del here.table["o1"]
    here.materialize()
    here.export()
    assert "stays_at_platform" in {row["code"] for row in here.all_of("incidents")}


def test_a_wrong_setting_for_three_days_and_then_mended_costs_no_row(here: Shop) -> None:
    here.add_destination("meta")
    proof = InjectedFault(
        status=400,
        body={"error": {"code": 100, "message": "unknown", "type": "GraphMethodException"}},
    )
    platform = meta(here)
    for day in range(3):
        for number in range(8):
            id = f"o{day * 8 + number}"
            here.put(id, value=10, created=here.clock.now() - timedelta(hours=1))
        here.materialize()
        platform.script(*[proof] * 400)
        here.export()
        for _ in range(4):
            here.passes(hours=6)
            here.handle(ExportTick())
    assert not platform.held
    assert set(here.states().values()) <= {"retry", "parked"}
    platform.faults.clear()
    for _ in range(26):
        here.passes(hours=1)
        here.handle(ExportTick())
    assert set(here.states().values()) == {"accepted"}
    assert len(platform.held) == 24


def test_saving_the_destination_releases_what_was_parked(here: Shop) -> None:
    here.add_destination("meta")
    for number in range(3):
        here.put(f"o{number}", value=10)
    here.materialize()
    platform = meta(here)
    odd = InjectedFault(status=400, body={"error": {"code": 999, "message": "odd"}})
    # the whole request, one canary that passes, and one half
    platform.script(odd, None, odd)
    here.export()
    assert sorted(here.states().values()) == ["accepted", "accepted", "parked"]
    here.passes(hours=1)
    here.handle(ExportTick())
    assert "parked" in here.states().values()
    here.add_destination("meta", requests_per_second=5)
    here.handle(ExportTick())
    assert set(here.states().values()) == {"accepted"}


def test_a_change_that_is_refused_later_leaves_what_was_there(here: Shop) -> None:
    here.add_destination("google_ads")
    here.put("o1", value=10, gclid="click-1")
    here.materialize()
    here.export()
    here.passes(hours=1)
    google(here).later = {"click-1": "CLICK_NOT_FOUND"}
    here.put("o1", value=20, gclid="click-1")
    here.materialize()
    here.export()
    assert held(here) == {"o1": 10}
    here.passes(hours=1)
    here.handle(ExportTick())
    assert here.states() == {"o1": "failed"}
    google(here).later = {}
    here.passes(hours=1)
    del here.table["o1"]
    here.put("o2", value=1)
    here.materialize()
    here.export()
    assert held(here)["o1"] == 0


def test_what_was_refused_later_twice_was_never_there(here: Shop) -> None:
    here.add_destination("google_ads")
    here.put("o1", value=10, gclid="click-1")
    here.materialize()
    google(here).later = {"click-1": "CLICK_NOT_FOUND"}
    here.export()
    # the change goes out before anybody asks what became of the conversion
    here.passes(minutes=5)
    here.put("o1", value=20, gclid="click-1")
    here.materialize()
    here.export()
    here.passes(hours=1)
    here.handle(ExportTick())
    assert held(here) == {}
    assert here.states() == {"o1": "failed"}
    del here.table["o1"]
    here.put("o2", value=1)
    here.passes(hours=1)
    here.materialize()
    requests = len(here.all_of("export_requests"))
    here.export()
    assert [entry["op"] for entry in here.all_of("export_attempts")].count("retract") == 0
    assert len(here.all_of("export_requests")) == requests + 1


@pytest.mark.parametrize(
    "reason",
    ["DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED", "WORD_OF_TOMORROW"],
)
def test_what_is_mended_later_brings_failed_conversions_back(here: Shop, reason: str) -> None:
    here.add_destination("google_ads")
    here.put("o1", value=10, gclid="click-1")
    here.materialize()
    google(here).later = {"click-1": reason}
    here.export()
    here.passes(hours=1)
    here.handle(ExportTick())
    assert here.states() == {"o1": "parked"}
    google(here).later = {}
    here.passes(hours=25)
    here.handle(ExportTick())
    assert held(here) == {"o1": 10}


def test_organic_people_whom_google_does_not_know_alarm_nobody(here: Shop) -> None:
    here.add_destination("google_ads")
    here.put("o1", value=10, gclid="click-1")
    here.put("o2", value=10, gclid="click-2")
    here.materialize()
    google(here).later = {"click-1": "USER_ID_NOT_FOUND_FOR_GCLID"}
    here.export()
    here.passes(hours=1)
    here.handle(ExportTick())
    assert not here.all_of("incidents")


def test_one_unreadable_status_holds_up_no_other_one(here: Shop) -> None:
    here.add_destination("google_ads", batch_size=1)
    for number in (1, 2):
        here.put(f"o{number}", value=10, gclid=f"click-{number}")
    here.materialize()
    google(here).later = {"click-2": "CLICK_NOT_FOUND"}
    here.export()
    platform, answer = google(here), google(here).answer

    def odd(call: Any) -> Any:
        first = call.query.get("requestId") == "r-1"
        return Reply(200, '{"requestStatusPerDestination": "?"}') if first else answer(call)

    platform.answer = odd  # type: ignore[method-assign]
    here.passes(hours=1)
    here.handle(ExportTick())
    assert here.states() == {"o1": "accepted", "o2": "failed"}


def test_at_every_kill_point_what_is_refused_later_is_still_heard_of() -> None:
    step = 0
    while True:
        step += 1
        with shop() as here:
            here.add_destination("google_ads")
            here.put("o1", value=10, gclid="click-1")
            here.materialize()
            google(here).later = {"click-1": "CLICK_NOT_FOUND"}
            here.process.kill_at(step)
            survived = exported(here)
            here.process.kill_at(None)
            here.free_leases()
            # one that sends what was not sent, and one that asks what became of it
            for _ in range(2):
                here.passes(hours=1)
                here.handle(ExportTick())
            assert here.states() == {"o1": "failed"}, step
            if survived:
                break
    assert step > 10


def test_a_message_whose_worker_died_comes_again_until_the_work_is_done(here: Shop) -> None:
    here.add_destination("google_ads")
    here.put("o1", value=10)
    here.materialize()
    message = here.materialized()
    here.process.kill_at(20)
    with pytest.raises(Kill):
        here.handle(message)
    here.process.kill_at(None)
    # the dead one still holds the lease, and nobody will do its work but this message
    with pytest.raises(RetryableError):
        here.handle(message)
    here.free_leases()
    here.handle(message)
    assert here.states() == {"o1": "accepted"}


def exported(here: Shop) -> bool:
    """Whether the process lived through it."""
    try:
        here.export()
    except Kill:
        return False
    return True


CANARIES = (
    *("canary@example", "4960987", "113 496", "ebediah", "203.0.113", "-token", "-secret"),
    hashlib.sha256(b"canary@example.com").hexdigest(),
    hashlib.sha256(b"zebediah").hexdigest(),
)
"""What the canary's row and our secrets hold, in clear and hashed."""

GOSSIP = InjectedFault(
    status=400, body={"code": 40002, "message": "canary@example.com is no address"}
)
"""A platform that repeats what it was sent."""


@pytest.mark.parametrize("faults", [0, 3], ids=["healthy", "failing"])
def test_nothing_personal_reaches_ledger_logs_or_incidents(
    here: Shop, capsys: pytest.CaptureFixture[str], faults: int
) -> None:
    for kind in DESTINATIONS:
        mapped = load(CASES / kind / "plain" / "target.json")["conversions"][0]
        here.add_destination(kind, conversions=[{**mapped, "conversion": "purchase"}])
    here.put("canary", phone="+44 113 496 0987", first_name="Zebediah", ip_address="203.0.113.99")
    here.materialize()
    for platform in here.stand_ins.values():
        platform.script(*[GOSSIP] * faults)
    here.export()
    entries = here.all_of("export_attempts")
    assert {entry["destination"] for entry in entries} == {
        stored.id for stored in here.services.catalog.active()
    }
    assert ("parked" in {entry["state"] for entry in entries}) == bool(faults)
    tables = ("export_attempts", "export_requests", "incidents")
    shown = capsys.readouterr()
    for text in (*(repr(here.all_of(table)) for table in tables), shown.out, shown.err):
        assert not [canary for canary in CANARIES if canary in text]


def test_a_paused_destination_sends_nothing_and_a_busy_replay_comes_again(here: Shop) -> None:
    here.add_destination("google_ads", mode="paused")
    here.put("o1")
    here.materialize()
    here.export()
    assert not google(here).calls
    here.add_destination("google_ads")
    other = lease.acquire(here.warehouse, "export-ads_main", "other")
    assert other
    day = here.clock.now().date()
    replay = ReplayRequested(
        request_id="r",
        destination="ads_main",
        conversion="purchase",
        start_date=day,
        end_date=day,
    )
    with pytest.raises(RetryableError):
        here.handle(replay)


def test_before_the_first_run_of_a_table_there_is_nothing_to_send(client: bigquery.Client) -> None:
    with shop(client) as here:
        here.add_destination("google_ads")
        here.export()
        assert not google(here).calls
