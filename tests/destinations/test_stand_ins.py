"""The stand-ins have teeth: what a platform is known to refuse, its stand-in refuses."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from common.local import platforms
from common.local.platforms.google_data_manager import SCOPE
from common.local.platforms.standin import Call, Reply, StandIn
from functions.export.contract.base import Built
from functions.export.destinations.registry import DESTINATIONS
from functions.export.transport.calls import Credential, Request
from tests.destinations.harness import (
    HERE,
    NOW,
    SECRETS,
    TestClock,
    load,
    plain,
    prepare,
    sample_row,
)

MODULES = sorted(Path(platforms.__file__).parent.glob("*.py"))
Change = Callable[[dict[str, Any]], object]


def carried(request: Request) -> dict[str, str]:
    """Headers with the secrets that the wire would put in."""
    credential = request.credential
    secret = SECRETS.get(credential.reference.removeprefix("env:"), "")
    tokens = {
        "google": f"token {SCOPE}",
        "bearer": secret,
        # what the stand-in's token address hands out
        "oauth": "access-1",
    }
    headers = {
        header.lower(): SECRETS[each.reference.removeprefix("env:")]
        for header, each in request.more.items()
    }
    if credential.place == "header":
        headers[credential.name.lower()] = secret
    if token := tokens.get(credential.place):
        headers["authorization"] = f"Bearer {token}"
    return headers


def ask(kind: str, change: Change, op: str = "create", **headers: str) -> tuple[StandIn, Reply]:
    """The answer to a request of ours, changed: the platform's stand-in, asked without HTTP."""
    destination, conversion = plain(kind)
    built = prepare(destination, conversion, sample_row(), op)
    assert isinstance(built, Built)
    request = destination.request(conversion, [built])
    name, stand_in = of(request)
    body = json.loads(request.body)
    if name == "meta":
        body["access_token"] = SECRETS["META_TOKEN"]
    change(body)
    own = {key.lower(): value for key, value in request.headers.items()}
    call = Call(
        request.method,
        "/" + request.url.split("/", 3)[3].partition("?")[0],
        {"measurement_id": "G-ABC1234567", "api_secret": SECRETS["GA4_API_SECRET"]},
        {**own, **carried(request), **headers},
        json.dumps(body).encode(),
    )
    if name == "meta":
        call = Call(call.method, call.path, {}, call.headers, call.body)
    return stand_in, stand_in.answer(call)


def of(request: Request) -> tuple[str, StandIn]:
    """A fresh stand-in for the request's host, and its name."""
    for name, kind in platforms.STAND_INS.items():
        if request.url.startswith(kind.hosts):
            return name, kind(TestClock().now)
    raise LookupError(request.url)


def event(name: str, value: Any) -> Change:
    """Set a field of the first event, wherever the platform's body has it."""
    return lambda body: first(body).__setitem__(name, value)


def person(name: str, value: Any) -> Change:
    """Set a field of the first event's person."""
    return lambda body: first(body)["user_data" if "user_data" in first(body) else "user"].update(
        {name: value}
    )


def without(name: str) -> Change:
    return lambda body: first(body).pop(name)


def instead(whole: dict[str, Any]) -> Change:
    """Another body in the place of ours."""

    def change(body: dict[str, Any]) -> None:
        body.clear()
        body.update(whole)

    return change


def times(count: int) -> Change:
    """The same event so many times."""
    return lambda body: listed(body).extend(listed(body) * (count - 1))


def first(body: dict[str, Any]) -> Any:
    return listed(body)[0]


def member(body: dict[str, Any]) -> Any:
    """The places of TikTok's first member."""
    return body["batch_data"][0]


def listing(body: dict[str, Any]) -> Any:
    """What Microsoft is told of a list."""
    return body["CustomerListUserData"]


def listed(body: dict[str, Any]) -> Any:
    return next(body[name] for name in LISTS if name in body)


def identifier(name: str, value: Any) -> Change:
    """Another identifier of the first Google event."""
    return lambda body: first(body)["userData"]["userIdentifiers"].append({name: value})


LISTS = (
    "events",
    "data",
    "elements",
    "audienceMembers",
    "OfflineConversions",
    "OfflineConversionAdjustments",
)
"""What platforms call the rows of a request."""
CLEAR = "mary@example.com"
HASHED = "0" * 64
WHO = ("MicrosoftClickId", "HashedEmailAddress", "HashedPhoneNumber")
ADDRESS = {"givenName": HASHED, "familyName": HASHED, "regionCode": "GB", "postalCode": "M1 1AE"}
AGO = {days: int((NOW - timedelta(days=days)).timestamp()) for days in (8, 91)}
SOON = int((NOW + timedelta(hours=1)).timestamp())

REFUSED: list[tuple[str, str, Change]] = [
    ("google_ads", "a misspelt field", event("transactionID", "x")),
    ("google_ads", "a value that is no number", event("conversionValue", "abc")),
    ("google_ads", "a time without zone", event("eventTimestamp", "2026-11-20 10:00:00")),
    ("google_ads", "no time", without("eventTimestamp")),
    ("google_ads", "a time 91 days ago", event("eventTimestamp", "2026-08-21T12:00:00Z")),
    ("google_ads", "a time to come", event("eventTimestamp", "2026-11-20T12:00:01Z")),
    ("google_ads", "no event source", without("eventSource")),
    ("google_ads", "a transaction id of digits", event("transactionId", "12345")),
    ("google_ads", "a currency in lower case", event("currency", "eur")),
    ("google_ads", "a value without currency", without("currency")),
    ("google_ads", "two click ids", event("adIdentifiers", {"gclid": "a", "gbraid": "b"})),
    ("google_ads", "no encoding", lambda body: body.pop("encoding")),
    ("google_ads", "an address in clear", identifier("emailAddress", CLEAR)),
    (
        "google_ads",
        "a hashed region",
        identifier("address", {**ADDRESS, "regionCode": HASHED}),
    ),
    (
        "google_ads",
        "a hashed postal code",
        identifier("address", {**ADDRESS, "postalCode": HASHED}),
    ),
    (
        "google_ads",
        "eleven identifiers",
        lambda body: first(body)["userData"].update(
            userIdentifiers=[{"emailAddress": HASHED}] * 11
        ),
    ),
    ("google_ads", "too many events", times(2001)),
    (
        "google_ads",
        "an unknown action",
        lambda body: body["destinations"][0].update(productDestinationId="1"),
    ),
    (
        "google_ads",
        "an unknown merchant",
        event("cartData", {"merchantId": "1", "items": [{"merchantProductId": "a"}]}),
    ),
    (
        "google_ads",
        "an account with hyphens",
        lambda body: body["destinations"][0]["operatingAccount"].update(accountId="123-456-7890"),
    ),
    ("google_customer_match", "no terms", lambda body: body.pop("termsOfService")),
    ("meta", "an address in clear", person("em", [CLEAR])),
    ("meta", "a hashed cookie", person("fbp", HASHED)),
    ("meta", "a malformed cookie", person("fbc", "IwAR-click")),
    ("meta", "a lead id as text", person("lead_id", "123456789012345")),
    ("meta", "a time in milliseconds", event("event_time", AGO[8] * 1000)),
    ("meta", "a time 8 days ago", event("event_time", AGO[8])),
    ("meta", "a time to come", event("event_time", SOON)),
    ("meta", "no action source", without("action_source")),
    ("meta", "a purchase without value", without("custom_data")),
    ("meta", "a website event without page", without("event_source_url")),
    (
        "meta",
        "an app event that does not say what the app may track",
        event("action_source", "app"),
    ),
    (
        "meta",
        "a person known by place only",
        event("user_data", {"ct": [HASHED], "client_user_agent": "x"}),
    ),
    ("meta", "too many events", times(1001)),
    ("meta_audience", "an address in clear", lambda body: body["payload"]["data"][0].insert(1, "")),
    ("meta_audience", "no session", lambda body: body.pop("session")),
    ("linkedin", "a time in seconds", event("conversionHappenedAt", AGO[8])),
    ("linkedin", "a time 91 days ago", event("conversionHappenedAt", AGO[91] * 1000)),
    (
        "linkedin",
        "an amount that is no text",
        event("conversionValue", {"amount": 12.5, "currencyCode": "EUR"}),
    ),
    ("linkedin", "no list of ids", event("user", {})),
    ("linkedin", "an unknown rule", event("conversion", "urn:lla:llaPartnerConversion:1")),
    ("linkedin", "too many events", times(5001)),
    ("microsoft_ads", "too many conversions", times(1001)),
    ("tiktok", "an address in clear", person("email", [CLEAR])),
    ("tiktok", "a time in milliseconds", event("event_time", AGO[8] * 1000)),
    ("tiktok", "an unknown event set", lambda body: body.update(event_source_id="other")),
    ("tiktok", "too many events", times(1001)),
    ("pinterest", "an address in clear", person("em", [CLEAR])),
    ("pinterest", "a time in milliseconds", event("event_time", AGO[8] * 1000)),
    ("pinterest", "a time to come", event("event_time", SOON)),
    ("pinterest", "a field that it does not know", event("colour", "red")),
    ("pinterest", "another platform's name of an event", event("event_name", "Purchase")),
    (
        "pinterest",
        "a value that is no text",
        lambda body: first(body)["custom_data"].update(value=12.5),
    ),
    ("pinterest", "no event id", without("event_id")),
    ("pinterest", "no action source", without("action_source")),
    ("pinterest", "too many events", times(1001)),
    ("linkedin_audience", "too many users", times(5001)),
    ("tiktok_audience", "an address in clear", lambda body: member(body)[0].update(id=CLEAR)),
    ("tiktok_audience", "a place too few", lambda body: member(body).pop()),
    ("tiktok_audience", "an unknown audience", lambda b: member(b)[0].update(audience_ids=["1"])),
    ("tiktok_audience", "another's advertiser", lambda body: body.update(advertiser_ids=["1"])),
    ("tiktok_audience", "an unknown action", lambda body: body.update(action="append")),
    ("microsoft_audience", "no terms", lambda body: listing(body).pop("AcceptCustomerMatchTerm")),
    ("microsoft_audience", "an unknown list", lambda body: listing(body).update(AudienceId=1)),
    *(
        (file.parent.name, name, instead(whole))
        for file in sorted(HERE.glob("*/refused.json"))
        for name, whole in load(file).items()
    ),
]


def test_linkedin_and_microsoft_name_the_member_at_fault() -> None:
    def spoil(body: dict[str, Any]) -> None:
        first(body)["userIds"][0]["idValue"] = CLEAR

    stand_in, reply = ask("linkedin_audience", spoil)
    assert reply.body == {"elements": [{"status": 400}]}
    assert not getattr(stand_in, "members", {})
    stand_in, reply = ask(
        "microsoft_audience", lambda body: listing(body).update(CustomerListItems=[CLEAR])
    )
    assert [error["Index"] for error in reply.body["PartialErrors"]] == [0]
    assert not getattr(stand_in, "members", {})


def test_every_platform_that_tells_has_refusals_that_were_seen_to_be_refused() -> None:
    tells = sorted(set(DESTINATIONS) - {"google_analytics"})
    shown = sorted({kind for kind, _, _ in REFUSED})
    assert shown == tells, "tests/destinations/<kind>/refused.json: what is wrong -> a whole body"


@pytest.mark.parametrize(
    ("kind", "name", "change"), REFUSED, ids=[f"{kind}-{name}" for kind, name, _ in REFUSED]
)
def test_what_a_platform_refuses_is_refused_and_nothing_of_it_kept(
    kind: str, name: str, change: Change
) -> None:
    stand_in, reply = ask(kind, change)
    code = reply.body.get("code", 0) if isinstance(reply.body, dict) else 0
    assert reply.status >= 400 or code >= 40000, name
    assert not stand_in.held
    assert not getattr(stand_in, "members", {})


@pytest.mark.parametrize(
    ("name", "change", "code"),
    [
        ("a local time", event("ConversionTime", "2026-11-19T12:00:00+01:00"), "ConversionTime"),
        ("91 days ago", event("ConversionTime", "2026-08-21T11:00:00Z"), "OutOfWindow"),
        ("nobody", lambda body: [first(body).pop(n) for n in WHO], "MicrosoftClickId"),
        ("an unknown goal", event("ConversionName", "Else"), "NameInvalid"),
    ],
)
def test_microsoft_names_the_row_and_takes_the_others(name: str, change: Change, code: str) -> None:
    stand_in, reply = ask("microsoft_ads", change)
    [error] = reply.body["PartialErrors"]
    assert (reply.status, error["Index"]) == (200, 0), name
    assert code in error["ErrorCode"]
    assert not stand_in.held


def test_microsoft_adjusts_only_what_it_has() -> None:
    _, reply = ask("microsoft_ads", lambda body: None, "restate")
    assert reply.body["PartialErrors"][0]["ErrorCode"] == "OfflineConversionNotFound"


@pytest.mark.parametrize("kind", sorted(DESTINATIONS))
def test_unchanged_the_same_request_is_accepted(kind: str) -> None:
    stand_in, reply = ask(kind, lambda body: None)
    assert reply.status in (200, 204)
    assert stand_in.held or getattr(stand_in, "members", {})


def test_google_validates_without_executing_and_misses_a_numeric_id_then() -> None:
    def validated(body: dict[str, Any]) -> None:
        body["validateOnly"] = True
        first(body)["transactionId"] = "12345"

    stand_in, reply = ask("google_ads", validated)
    assert reply.status == 200
    assert not stand_in.held


def test_google_takes_no_token_of_another_scope() -> None:
    wide = "Bearer token https://www.googleapis.com/auth/cloud-platform"
    _, reply = ask("google_ads", lambda body: None, authorization=wide)
    assert reply.status == 401
    assert reply.body["error"]["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"


def test_google_names_every_row_at_fault() -> None:
    def spoil(body: dict[str, Any]) -> None:
        body["events"] = [{**body["events"][0], "transactionId": f"c{i}"} for i in range(10)]
        for index in (2, 7):
            body["events"][index]["currency"] = "ABC"

    _, reply = ask("google_ads", spoil)
    fields = [each["field"] for each in reply.body["error"]["details"][1]["fieldViolations"]]
    assert fields == ["events.events[2].currency", "events.events[7].currency"]


def test_google_answers_300_requests_a_minute() -> None:
    asked = Request("https://datamanager.googleapis.com/", b"", Credential("google"))
    _, stand_in = of(asked)
    call = Call("GET", "/v1/requestStatus:retrieve", {}, carried(asked), b"")
    assert [stand_in.answer(call).status for _ in range(301)] == [400] * 300 + [429]


def test_meta_takes_no_token_in_the_address() -> None:
    _, stand_in = of(Request("https://graph.facebook.com/", b"", None))  # type: ignore[arg-type]
    token = {"access_token": SECRETS["META_TOKEN"]}
    call = Call("POST", "/v26.0/123456789012345/events", token, {}, b'{"data": []}')
    assert stand_in.answer(call).status == 400


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("linkedin-version", "202401", 426),
        ("linkedin-version", "", 400),
        ("authorization", "", 401),
    ],
)
def test_linkedin_wants_a_served_version_and_a_token(header: str, value: str, status: int) -> None:
    _, reply = ask("linkedin", lambda body: None, **{header: value})
    assert reply.status == status


def test_google_analytics_never_complains_and_keeps_nothing_invalid() -> None:
    stand_in, reply = ask("google_analytics", lambda body: body.pop("client_id"))
    assert reply.status == 204
    assert not stand_in.held
    debug = Call("POST", "/debug/mp/collect", {}, {}, b'{"events": [{"name": "1st"}]}')
    assert stand_in.answer(debug).body["validationMessages"]


def test_the_same_key_after_48_hours_is_a_second_conversion_at_meta_and_tiktok() -> None:
    for kind in ("meta", "tiktok"):
        stand_in, _ = ask(kind, lambda body: None)
        [held] = stand_in.held.values()
        assert held.received
        held.received -= timedelta(hours=49)
        stand_in._keep(listed(json.loads(body_of(kind)))[0])  # type: ignore[attr-defined]
        assert held.count == 2, kind


def body_of(kind: str) -> bytes:
    destination, conversion = plain(kind)
    built = prepare(destination, conversion, sample_row())
    assert isinstance(built, Built)
    return destination.request(conversion, [built]).body


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_a_stand_in_knows_nothing_of_ours(module: Path) -> None:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            ours = name.partition(".")[0] in ("common", "functions", "tests")
            assert not ours or name.startswith("common.local.platforms"), name


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_rules_name_the_sources_that_are_listed_and_no_others(module: Path) -> None:
    head, _, rules = module.read_text(encoding="utf-8").partition('"""\n')
    sources = set(re.findall(r"^\[(\w+)\]", head, re.M))
    named = set(re.findall(r"\[([a-z]+)\]", "\n".join(comments(rules))))
    assert named == sources


def comments(text: str) -> list[str]:
    """Comments, docstrings and what stands behind a #."""
    return [line for line in text.splitlines() if "#" in line or '"""' in line]
