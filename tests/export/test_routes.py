"""The frontend's side of export, request by request."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask, request

from common.bigquery.leases import lease
from common.catalog.definitions import Catalog
from common.http.identity import Identity
from common.http.request import Ask, Nothing
from common.messaging.messages import ExportContinuation, ExportTick, ReplayRequested
from functions.export.destinations.registry import DESTINATIONS
from functions.export.frontend import deliveries
from functions.export.frontend.models import DryRunBody
from functions.export.main import answer
from functions.export.send import resolve
from tests import leases
from tests.destinations.harness import HERE as CASES
from tests.destinations.harness import NOW, load
from tests.export.shop import Shop, shop
from tests.export.test_service import FAULTS, google, held, meta


@pytest.fixture
def here() -> Iterator[Shop]:
    with shop() as opened:
        yield opened


def ask(here: Shop, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """Status and JSON of the answer to one request."""
    data = None if body is None else json.dumps(body)
    kind = {} if body is None else {"Content-Type": "application/json"}
    with Flask("test").test_request_context(
        path, method=method, data=data, headers={**kind, **headers}
    ):
        response = answer(request, here.services)
    return response.status_code, response.get_json()


def config(kind: str, **changes: Any) -> dict[str, Any]:
    return {**load(CASES / kind / "plain" / "target.json"), **changes}


def define(here: Shop, **changes: Any) -> None:
    """A conversion definition named purchase."""
    definition = {
        "kind": "simple",
        "id": "purchase",
        "name": "Purchase",
        "event_type": "purchase",
        **changes,
    }
    Catalog(here.warehouse).save(definition, now=NOW, author="test")


def test_a_destination_is_saved_read_listed_and_archived(here: Shop) -> None:
    define(here)
    status, saved = ask(here, "PUT", "/destinations/ads_main", config("google_ads"))
    assert (status, saved["version"]) == (200, 1)
    assert ask(here, "GET", "/destinations/ads_main")[1]["definition"]["kind"] == "google_ads"
    assert ask(here, "DELETE", "/destinations/ads_main")[1]["status"] == "archived"
    assert [each["status"] for each in ask(here, "GET", "/destinations")[1]["destinations"]] == [
        "archived"
    ]


def test_each_wrong_field_is_named_and_nothing_is_saved(here: Shop) -> None:
    bad = config("meta", access_token="EAAB-clear", pixel_id="x")
    status, problem = ask(here, "PUT", "/destinations/meta_main", bad)
    assert status == 422
    assert {fault["field"] for fault in problem["errors"]} == {"access_token", "pixel_id"}
    assert "EAAB" not in json.dumps(problem)
    [shown] = [fault for fault in problem["errors"] if fault["field"] == "access_token"]
    assert shown["message"].startswith("must say where the secret lies, never the secret itself")
    assert ask(here, "GET", "/destinations/meta_main")[0] == 404


def test_an_unknown_conversion_refuses_the_destination(here: Shop) -> None:
    status, problem = ask(here, "PUT", "/destinations/ads_main", config("google_ads"))
    assert (status, problem["code"]) == (422, "unknown_conversion")
    define(here)
    target = config("google_ads")
    target["conversions"][0]["conversion"] = "purchases"
    _, problem = ask(here, "PUT", "/destinations/ads_main", target)
    assert (problem["field"], problem["fix"]) == ("conversions", "Did you mean 'purchase'?")


def test_an_account_number_may_be_written_as_google_shows_it(here: Shop) -> None:
    define(here)
    target = config("google_ads", operating_account="123-456-7890")
    _, saved = ask(here, "PUT", "/destinations/ads_main", target)
    assert saved["definition"]["operating_account"] == "1234567890"


def test_one_conversion_goes_to_one_account_through_one_destination_only(here: Shop) -> None:
    define(here)
    ask(here, "PUT", "/destinations/ads_main", config("google_ads"))
    again = config("google_ads", id="ads_again")
    status, problem = ask(here, "PUT", "/destinations/ads_again", again)
    assert (status, problem["code"]) == (422, "sent_by_another")
    assert "'ads_main'" in problem["detail"]
    ask(here, "DELETE", "/destinations/ads_main")
    assert ask(here, "PUT", "/destinations/ads_again", again)[0] == 200


def test_a_platform_that_would_refuse_every_row_is_reported_at_once(here: Shop) -> None:
    define(here)
    chosen = {"start_date": "2026-11-01"}
    _, saved = ask(here, "PUT", "/destinations/meta_main", config("meta", **chosen))
    assert [each["code"] for each in saved["problems"]] == ["never_accepted"]
    assert "user_agent" in saved["problems"][0]["message"]
    crm = config("meta", action_source="system_generated", **chosen)
    assert ask(here, "PUT", "/destinations/meta_main", crm)[1]["problems"] == []


@pytest.mark.parametrize(
    ("kind", "days", "code"),
    [
        ("meta", 30, "adjustment_not_possible"),
        ("linkedin", 30, "adjustment_not_possible"),
        ("google_ads", 120, "adjustment_window_too_long"),
    ],
)
def test_an_adjustment_window_that_a_platform_cannot_honour_is_reported_at_once(
    here: Shop, kind: str, days: int, code: str
) -> None:
    define(here, refunds={"days": days})
    target = config(kind)
    target["conversions"][0]["conversion"] = "purchase"
    _, saved = ask(here, "PUT", f"/destinations/{target['id']}", target)
    problems = {each["code"]: each for each in saved["problems"]}
    assert problems[code]["severity"] == "warning"
    assert str(days) in problems[code]["message"]


def test_a_new_destination_says_from_which_day_on_it_sends(here: Shop) -> None:
    define(here)
    _, saved = ask(here, "PUT", "/destinations/ads_main", config("google_ads"))
    [problem] = saved["problems"]
    assert (problem["code"], problem["severity"]) == ("starts_today", "warning")
    assert str(NOW.date()) in problem["message"]
    _, again = ask(here, "PUT", "/destinations/ads_main", config("google_ads", name="Renamed"))
    assert again["problems"] == []
    chosen = config("google_ads", id="ads_other", start_date="2026-11-01")
    chosen["conversions"][0]["conversion_action_id"] = "555"
    assert ask(here, "PUT", "/destinations/ads_other", chosen)[1]["problems"] == []


def test_another_account_begins_on_the_day_that_it_is_chosen(here: Shop) -> None:
    define(here)
    ask(here, "PUT", "/destinations/ads_main", config("google_ads"))
    moved = config("google_ads")
    moved["conversions"][0]["conversion_action_id"] = "555"
    _, saved = ask(here, "PUT", "/destinations/ads_main", moved)
    [problem] = [each for each in saved["problems"] if each["code"] == "starts_today"]
    assert "'purchase'" in problem["message"]
    _, saved = ask(here, "PUT", "/destinations/ads_main", moved | {"name": "Another"})
    assert "starts_today" not in [each["code"] for each in saved["problems"]]


def test_a_stale_version_is_refused(here: Shop) -> None:
    define(here)
    ask(here, "PUT", "/destinations/ads_main", config("google_ads"))
    renamed = config("google_ads", name="Other")
    status, problem = ask(here, "PUT", "/destinations/ads_main", renamed, **{"If-Match": '"7"'})
    assert (status, problem["code"]) == (409, "version_conflict")


def test_versions_are_read_compared_and_brought_back(here: Shop) -> None:
    define(here)
    ask(here, "PUT", "/destinations/ads_main", config("google_ads"))
    ask(here, "PUT", "/destinations/ads_main", config("google_ads", name="Other"))
    path = "/destinations/ads_main/versions/1"
    assert ask(here, "GET", path)[1]["definition"]["name"] == config("google_ads")["name"]
    _, shown = ask(here, "GET", "/destinations/ads_main/compare?before=1&after=2")
    assert [(each["path"], each["after"]) for each in shown["changes"]] == [("name", "Other")]
    assert ask(here, "POST", f"{path}:restore", **{"If-Match": '"1"'})[0] == 409
    _, restored = ask(here, "POST", f"{path}:restore", **{"If-Match": '"2"'})
    assert (restored["version"], restored["definition"]["name"]) == (
        3,
        config("google_ads")["name"],
    )


def test_the_schemas_draw_a_form_for_every_kind(here: Shop) -> None:
    _, shown = ask(here, "GET", "/destinations/schemas")
    assert set(shown) == set(DESTINATIONS)
    assert shown["meta"]["capabilities"]["max_age_days"] == {"any": 7, "physical_store": 62}
    assert shown["google_ads"]["capabilities"]["adjusts"] == ["restate", "retract"]


def test_a_check_asks_the_platform_without_sending_a_conversion(here: Shop) -> None:
    define(here)
    target = config("meta", action_source="system_generated")
    assert ask(here, "POST", "/destinations/check", target)[1] == {"problems": []}
    meta(here).token = "renewed"
    _, shown = ask(here, "POST", "/destinations/check", target)
    assert [each["code"] for each in shown["problems"]] == ["meta_190_463"]
    assert not meta(here).held


@pytest.mark.parametrize(
    ("kind", "code", "effect", "count"),
    [("google_ads", "", "validated", 0), ("meta", "TEST123", "counts", 1)],
)
def test_one_test_conversion_is_sent_and_stands_in_no_ledger(
    here: Shop, kind: str, code: str, effect: str, count: int
) -> None:
    define(here)
    ask(here, "PUT", "/destinations/ads", config(kind, id="ads"))
    body = {"conversion": "purchase", "test_event_code": code}
    status, shown = ask(here, "POST", "/destinations/ads/test", body)
    assert status == 200
    assert (shown["verdict"], shown["reason"], shown["effect"]) == ("accepted", "", effect)
    assert "test.conversion" not in shown["request"]["body"]
    assert len({"google_ads": google, "meta": meta}[kind](here).held) == count
    assert ask(here, "GET", "/destinations/ads/ledger")[1]["entries"] == []


@pytest.mark.parametrize(
    ("kind", "code"),
    [("meta", "test_event_code_required"), ("linkedin", "no_test_conversions")],
)
def test_a_test_conversion_that_cannot_be_sent_says_why(here: Shop, kind: str, code: str) -> None:
    define(here)
    mapped = [{**config(kind)["conversions"][0], "conversion": "purchase"}]
    ask(here, "PUT", "/destinations/ads", config(kind, id="ads", conversions=mapped))
    status, shown = ask(here, "POST", "/destinations/ads/test", {"conversion": "purchase"})
    assert (status, shown["code"]) == (422, code)


def test_a_test_conversion_says_what_google_analytics_would_drop_without_a_word(here: Shop) -> None:
    define(here)
    reserved = [{"conversion": "purchase", "event_name": "session_start"}]
    kind = "google_analytics"
    ask(here, "PUT", "/destinations/ads", config(kind, id="ads", conversions=reserved))
    _, shown = ask(here, "POST", "/destinations/ads/test", {"conversion": "purchase"})
    assert (shown["verdict"], shown["reason"]) == ("refused", "name_reserved")


def test_a_check_tells_a_missing_secret_beside_the_other_problems(here: Shop) -> None:
    target = config("meta", access_token="env:NOWHERE")
    _, shown = ask(here, "POST", "/destinations/check", target)
    problems = {each["code"]: each for each in shown["problems"]}
    assert set(problems) == {"unknown_conversion", "secret_unavailable"}
    assert "env:NOWHERE" in problems["secret_unavailable"]["message"]


def test_a_check_names_the_list_that_google_does_not_know(here: Shop) -> None:
    target = config("google_customer_match")
    target["conversions"] = [{"conversion": "qualified_lead", "user_list_id": "778"}]
    _, shown = ask(here, "POST", "/destinations/check", target)
    assert "User list 778: INVALID_USER_LIST_ID." in [each["message"] for each in shown["problems"]]
    assert not google(here).members


def test_a_dry_run_shows_the_very_bytes_that_the_run_sends(here: Shop) -> None:
    for kind, name in (("google_ads", "ads_main"), ("microsoft_ads", "microsoft_main")):
        here.add_destination(kind, batch_size=2)
        here.put("o1", value=100)
        here.put("o2", value=50)
        here.put("o3", value=-1)
        here.put("o4", value=5)
        here.materialize()
        _, shown = ask(
            here, "POST", f"/destinations/{name}/dry-run", {"conversion": "purchase", "limit": 100}
        )
        verdicts = {row["id"]: row["verdict"] for row in shown["rows"]}
        assert verdicts == {"o1": "create", "o2": "create", "o3": "skipped", "o4": "create"}
        assert shown["complete"]
        body = DryRunBody(conversion="purchase")
        who = Identity("editor@shop.example", "editor")
        masked = deliveries.dry_run(Ask({"id": name}, Nothing(), body, who), here.services)
        assert {each.body for each in masked.requests} == {None}
        assert [each.sha256 for each in masked.requests] == [e["sha256"] for e in shown["requests"]]
        platform = here.stand_ins["google" if kind == "google_ads" else kind]
        assert not platform.held
        assert not here.all_of("export_attempts") or kind != "google_ads"
        before = len(platform.calls)
        here.export()
        sent = [call for call in list(platform.calls)[before:] if platform.is_delivery(call)]
        assert [call.sha256 for call in sent] == [each["sha256"] for each in shown["requests"]]
        assert [call.body.decode() for call in sent] == [each["body"] for each in shown["requests"]]
        booked = [
            row["body_sha256"]
            for row in here.all_of("export_requests")
            if row["destination"] == name
        ]
        assert sorted(booked) == sorted(call.sha256 for call in sent)


@pytest.mark.parametrize("kind", ["google_analytics", "meta"])
def test_a_dry_run_of_many_rows_shows_the_runs_own_requests_whatever_it_lists(
    here: Shop, kind: str
) -> None:
    target = here.add_destination(kind).definition
    conversion = target["conversions"][0]["conversion"]
    for number in range(130):
        # three visitors: their batches at Google Analytics depend on where a portion ends
        here.put(f"o{number:03}", value=10, client_id=f"{number % 3}.1")
    here.materialize(conversion)
    body = {"conversion": conversion, "limit": 7, "bodies": 0}
    _, shown = ask(here, "POST", f"/destinations/{target['id']}/dry-run", body)
    assert (len(shown["rows"]), shown["verdicts"], shown["complete"]) == (7, {"create": 130}, True)
    here.export(conversion)
    sent = sorted(row["body_sha256"] for row in here.all_of("export_requests"))
    assert sent == sorted(each["sha256"] for each in shown["requests"])


def test_a_dry_run_counts_what_the_first_day_leaves_at_home(here: Shop) -> None:
    here.add_destination("google_ads", start_date="2026-11-19")
    here.put("young", value=100)
    here.put("older", value=100, created=NOW - timedelta(days=3), date=date(2026, 11, 17))
    here.materialize()
    _, shown = ask(here, "POST", "/destinations/ads_main/dry-run", {"conversion": "purchase"})
    assert (shown["first_day"], shown["before_first_day"]) == ("2026-11-19", 1)
    assert shown["notes"][0].startswith("1 conversions before 2026-11-19 are not sent")
    assert shown["verdicts"] == {"create": 1}


def test_a_dry_run_says_why_for_every_row(here: Shop) -> None:
    here.add_destination("meta", minimum_value=10)
    here.put("young", value=100)
    here.put("cheap", value=5)
    here.put("denied", value=100, consent_ad_user_data="denied")
    here.put("old", value=100, created=NOW - timedelta(days=9))
    here.put("blind", value=100, user_agent=None)
    here.put("odd", value=100, currency="ABC")
    here.put("open", value=100, is_qualified=None)
    here.materialize()
    body = {"conversion": "purchase", "bodies": 0}
    _, shown = ask(here, "POST", "/destinations/meta_main/dry-run", body)
    assert {row["id"]: (row["verdict"], row.get("reason")) for row in shown["rows"]} == {
        "young": ("create", None),
        "cheap": ("skipped", "below_minimum_value"),
        "denied": ("skipped", "no_consent"),
        "old": ("expired", "too_old"),
        "blind": ("rejected", "missing_user_agent:client_user_agent"),
        "odd": ("skipped", "unknown_currency"),
        "open": ("skipped", "not_qualified"),
    }
    assert shown["requests"][0]["body"] is None
    assert shown["requests"][0]["credential"] == {
        "in": "body",
        "name": "access_token",
        "reference": "env:META_TOKEN",
    }


def test_run_and_replay_are_asked_for_by_message(here: Shop) -> None:
    here.add_destination("google_ads")
    here.put("o1")
    here.materialize()
    status, shown = ask(here, "POST", "/destinations/ads_main/run", {"force": True})
    assert (status, shown["conversions"]) == (202, ["purchase"])
    days = {"start_date": "2026-11-01", "end_date": "2026-11-20"}
    asked = {"conversion": "purchase", "lost": True, "request_id": "mine", **days}
    assert ask(here, "POST", "/destinations/ads_main/replay", asked) == (
        202,
        {"request_id": "mine", "conversions": 1},
    )
    run, replay = here.bus.messages
    assert isinstance(run, ExportContinuation)
    assert run.force
    assert isinstance(replay, ReplayRequested)
    assert (replay.request_id, replay.lost) == ("mine", True)


def test_a_run_that_was_asked_for_is_found_by_the_id_that_was_answered(here: Shop) -> None:
    here.add_destination("google_ads")
    here.put("o1")
    here.materialize()
    _, shown = ask(here, "POST", "/destinations/ads_main/run", {})
    # delivered twice it is two runs, of which the second one finds nothing to send
    for _ in range(2):
        here.handle(here.bus.messages[0])
    search = f"/destinations/ads_main/ledger?search={shown['run_id']}"
    states = [entry["state"] for entry in ask(here, "GET", search)[1]["entries"]]
    assert states == ["accepted", "sending"]


def test_a_destination_that_sends_nothing_says_why(here: Shop) -> None:
    define(here)
    ask(here, "PUT", "/destinations/ads_main", config("google_ads", mode="paused"))
    _, problem = ask(here, "POST", "/destinations/ads_main/run", {})
    assert (problem["code"], problem["fix"]) == ("destination_not_live", "Set its mode to live.")
    ask(here, "DELETE", "/destinations/ads_main")
    _, problem = ask(here, "POST", "/destinations/ads_main/run", {})
    assert "archived" in problem["detail"]


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/destinations/nowhere/run", {}, "unknown_destination"),
        ("/destinations/ads_main/run", {"conversions": ["lead"]}, "conversion_not_mapped"),
        ("/destinations/ads_main/dry-run", {"conversion": "lead"}, "conversion_not_mapped"),
        (
            "/destinations/ads_main/replay",
            {"conversion": "purchase", "start_date": "2026-11-02", "end_date": "2026-11-01"},
            "empty_window",
        ),
        ("/destinations/ads_main/replay", {"conversion": "purchase"}, "invalid_request"),
        ("/destinations/ads_main/elsewhere", {}, "unknown_route"),
    ],
)
def test_a_request_that_makes_no_sense_says_so(here: Shop, path: str, body: Any, code: str) -> None:
    here.add_destination("google_ads")
    here.materialize()
    status, problem = ask(here, "POST", path, body)
    assert problem["code"] == code
    assert 400 <= status < 500
    assert not here.bus.messages


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("dry-run", {"conversion": "purchase"}),
        ("run", {}),
        (
            "replay",
            {"conversion": "purchase", "start_date": "2026-11-01", "end_date": "2026-11-02"},
        ),
    ],
)
def test_before_a_conversion_is_computed_nothing_is_promised(
    here: Shop, verb: str, body: dict[str, Any]
) -> None:
    here.add_destination("google_ads")
    status, problem = ask(here, "POST", f"/destinations/ads_main/{verb}", body)
    assert (status, problem["code"]) == (404, "not_materialized")
    assert "'purchase'" in problem["detail"]
    assert not here.bus.messages


def test_the_ledger_can_be_read_by_conversion_state_and_id(here: Shop) -> None:
    here.add_destination("google_ads")
    here.put("o1", value=100)
    here.put("o2", value=-5)
    here.materialize()
    here.export()
    _, shown = ask(here, "GET", "/destinations/ads_main/ledger?conversion_id=o1")
    assert [entry["state"] for entry in shown["entries"]] == ["accepted", "sending"]
    _, shown = ask(here, "GET", "/destinations/ads_main/ledger?state=skipped&limit=1")
    assert [(entry["conversion_id"], entry["reason"]) for entry in shown["entries"]] == [
        ("o2", "negative_value")
    ]
    _, shown = ask(here, "GET", "/destinations/ads_main/standings")
    assert {(each["state"], each["conversions"]) for each in shown["standings"]} == {
        ("accepted", 1),
        ("skipped", 1),
    }


@pytest.mark.parametrize("sort", ["-recorded_at", "recorded_at"])
def test_pages_of_the_ledger_hold_each_entry_once(here: Shop, sort: str) -> None:
    here.add_destination("google_ads")
    for number in range(5):
        here.put(f"o{number}", value=100)
    here.materialize()
    here.export()
    whole = ask(here, "GET", f"/destinations/ads_main/ledger?sort={sort}")[1]["entries"]
    paged: list[dict[str, Any]] = []
    page = "&"
    while page:
        asked = f"/destinations/ads_main/ledger?sort={sort}&limit=3{page}"
        _, shown = ask(here, "GET", asked)
        paged += shown["entries"]
        page = shown["next_page"] and f"&page={shown['next_page']}"
    assert (len(whole), paged) == (10, whole)
    moments = [entry["recorded_at"] for entry in whole]
    assert moments == sorted(moments, reverse=sort.startswith("-"))


@pytest.mark.parametrize(
    ("search", "found"), [("O1", 2), ("sent", 0), ("negative", 1), ("%", 0), ("", 3)]
)
def test_the_ledger_is_searched_by_row_key_request_and_reason(
    here: Shop, search: str, found: int
) -> None:
    here.add_destination("google_ads")
    here.put("o1", value=100)
    here.put("o2", value=-5)
    here.materialize()
    here.export()
    _, shown = ask(here, "GET", f"/destinations/ads_main/ledger?search={quote(search)}")
    assert len(shown["entries"]) == found


def test_a_place_in_the_ledger_that_is_none_of_ours_is_refused(here: Shop) -> None:
    here.add_destination("google_ads")
    half = (
        base64.urlsafe_b64encode(rb'["2026-11-01T00:00:00+00:00", "\ud800"]').decode().rstrip("=")
    )
    for page in ("e30", half):
        status, problem = ask(here, "GET", f"/destinations/ads_main/ledger?page={page}")
        assert (status, problem["code"]) == (400, "bad_page")


def test_the_match_report_counts_what_was_refused_later(here: Shop) -> None:
    here.add_destination("google_ads")
    for number in range(4):
        here.put(f"o{number}", value=10, gclid=f"click-{number}")
    here.put("o9", value=-5)
    here.materialize()
    google(here).later = {"click-1": "INVALID_GCLID"}
    here.export()
    path = "/destinations/ads_main/report?start_date=2026-11-01&end_date=2026-11-30"
    [day] = ask(here, "GET", path)[1]["days"]
    assert (day["sent"], day["accepted"], day["skipped"], day["waiting_for_answer"]) == (4, 4, 1, 4)
    here.passes(minutes=31)
    here.handle(ExportTick())
    [day] = ask(here, "GET", path)[1]["days"]
    assert (day["refused_later"], day["waiting_for_answer"]) == ({"INVALID_GCLID": 1}, 0)
    assert len(held(here)) == 3


def test_the_match_report_says_what_platforms_say_of_the_quality(here: Shop) -> None:
    for kind in ("meta", "microsoft_ads"):
        here.add_destination(kind)
    here.put("o1", value=100)
    here.materialize()
    here.export()
    paths = {
        id: f"/destinations/{id}/report?start_date=2026-11-01&end_date=2026-11-30"
        for id in ("meta_main", "microsoft_main")
    }
    here.handle(ExportTick())
    assert [ask(here, "GET", path)[1]["diagnoses"] for path in paths.values()] == [[], []]
    here.passes(hours=18)
    for _ in range(2):
        here.handle(ExportTick())
    told = {id: ask(here, "GET", path)[1]["diagnoses"] for id, path in paths.items()}
    quality = {"event_match_quality": 6.2, "coverage_email": 80.5}
    assert told == {
        "meta_main": [{"date": "2026-11-21", "conversion": "purchase", "measures": quality}],
        "microsoft_main": [
            {"date": "2026-11-21", "conversion": "", "measures": {"taken": 1, "refused": 0}}
        ],
    }
    [day] = ask(here, "GET", paths["meta_main"])[1]["days"]
    assert (day["accepted"], day["refused_later"]) == (1, {})


def test_an_audience_below_the_platforms_minimum_is_an_incident(here: Shop) -> None:
    here.add_destination("meta_audience", app_secret="env:META_APP_SECRET")
    meta(here).app_secret = "meta-app-secret"
    here.passes(hours=18)
    here.handle(ExportTick())
    path = "/destinations/meta_leads/report?start_date=2026-11-01&end_date=2026-11-30"
    [told] = ask(here, "GET", path)[1]["diagnoses"]
    assert told["measures"] == {"size_from": 20, "size_to": 40, "ready": 1}
    [shown] = here.all_of("incidents")
    assert (shown["code"], shown["conversion"]) == (
        "audience_too_small",
        "meta_leads/qualified_lead",
    )
    assert "at most 40 people; below 100" in shown["detail"]


def test_a_list_that_is_not_there_yet_is_created_before_it_is_saved(here: Shop) -> None:
    config = load(CASES / "google_customer_match" / "plain" / "target.json")
    lacking = config | {"conversions": [{"conversion": "qualified_lead"}]}
    define(here, id="qualified_lead")
    path = f"/destinations/{config['id']}"
    assert ask(here, "PUT", path, lacking)[1]["code"] == "no_audience"
    status, answer = ask(here, "POST", "/destinations/audiences", lacking)
    assert (status, answer["created"]) == (200, {"qualified_lead": "778"})
    assert ask(here, "PUT", path, answer["definition"])[0] == 200
    again = ask(here, "POST", "/destinations/audiences", answer["definition"])
    assert again[1]["created"] == {}
    alike = {"conversion": "qualified_lead", "country": "DE"}
    status, refused = ask(here, "POST", f"{path}/lookalikes", alike)
    assert (status, refused["code"]) == (422, "not_offered")


@pytest.mark.parametrize(("verdict", "state"), [("delivered", "accepted"), ("absent", "absent")])
def test_a_person_settles_what_is_in_doubt(here: Shop, verdict: str, state: str) -> None:
    here.add_destination("meta")
    here.put("o1", value=100)
    here.materialize()
    meta(here).script(FAULTS["reset"])
    here.export()
    here.passes(hours=49)
    here.handle(ExportTick())
    assert here.states() == {"o1": "ambiguous"}
    body = {"conversion": "purchase", "ids": ["o1"], "verdict": verdict}
    assert ask(here, "POST", "/destinations/meta_main/settle", body) == (200, {"settled": 1})
    assert here.states() == {"o1": state}
    here.handle(ExportTick())
    assert len(meta(here).held) == (verdict == "absent")
    assert ask(here, "POST", "/destinations/meta_main/settle", body)[0] == 404


@pytest.mark.parametrize("late", [False, True])
def test_a_persons_word_is_written_or_refused_and_holds_up_no_run(
    here: Shop, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    here.add_destination("meta")
    here.put("o1", value=100)
    here.materialize()
    meta(here).script(FAULTS["reset"])
    here.export()
    here.passes(hours=49)
    here.handle(ExportTick())
    written = resolve._entries

    def meanwhile(*asked: Any) -> Any:
        if late:
            leases.lapse(here.warehouse)
            assert lease.acquire(here.warehouse, "export-meta_main", "another run")
        else:
            assert lease.ask_again(here.warehouse, "export-meta_main", "purchase")
        return written(*asked)

    monkeypatch.setattr(resolve, "_entries", meanwhile)
    here.bus.messages.clear()
    body = {"conversion": "purchase", "ids": ["o1", "o1"], "verdict": "delivered"}
    status, shown = ask(here, "POST", "/destinations/meta_main/settle", body)
    asked = [each.conversion for each in here.bus.messages if isinstance(each, ExportContinuation)]
    if late:
        assert (status, shown["code"], asked) == (503, "destination_busy", [])
        assert here.states() == {"o1": "ambiguous"}
    else:
        assert (status, shown, asked) == (200, {"settled": 1}, ["purchase"])
