"""What every destination must do, by being in the registry."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from common.local.platforms.standin import InjectedFault, StandIn
from functions.export.contract.base import Built, Destination
from functions.export.destinations import registry
from functions.export.destinations.registry import CONFIG, DESTINATIONS
from functions.export.payload.rows import ConversionRow
from functions.export.transport.calls import Answer, Unanswered
from functions.export.transport.results import Accepted, Halted, Unknown
from functions.export.transport.retries import unhappy
from tests.destinations.harness import (
    HERE,
    NOW,
    SECRETS,
    World,
    cases,
    load,
    plain,
    prepare,
    sample_row,
    world,
)
from tests.destinations.test_cases import kept

KINDS = sorted(DESTINATIONS)
FORGETS = [kind for kind in KINDS if DESTINATIONS[kind].capabilities.dedup_window == timedelta(0)]
REMEMBERS = [kind for kind in KINDS if kind not in FORGETS]
REFUSES = [
    kind
    for kind in KINDS
    if kind != "google_analytics" and not DESTINATIONS[kind].capabilities.audience
]
ADJUSTS = [kind for kind in REFUSES if "restate" in DESTINATIONS[kind].capabilities.adjusts]
RETRACTS = [kind for kind in KINDS if "retract" in DESTINATIONS[kind].capabilities.adjusts]
AUDIENCES = [kind for kind in KINDS if DESTINATIONS[kind].capabilities.audience]


@pytest.fixture
def earth() -> Iterator[World]:
    with world() as running:
        yield running


def built_rows(kind: str, count: int) -> tuple[Destination[Any], str, list[Built]]:
    """So many different conversions, ready to send."""
    destination, conversion = plain(kind)
    rows = [
        prepare(
            destination,
            conversion,
            sample_row(
                id=f"o{number}",
                order_id=f"o{number}",
                email=f"person{number}@example.com",
                phone=None,
                first_name=None,
                # Microsoft knows a conversion by its click and time alone
                msclkid=f"click-{number}",
            ),
        )
        for number in range(count)
    ]
    assert all(isinstance(row, Built) for row in rows)
    return destination, conversion, [row for row in rows if isinstance(row, Built)]


def platform(earth: World, destination: Destination[Any], conversion: str, row: Built) -> StandIn:
    return earth.platform_of(destination.request(conversion, [row]))


@pytest.mark.parametrize("kind", KINDS)
def test_it_has_a_case_folder(kind: str) -> None:
    assert [case for case in cases() if case.parent.name == kind]
    assert all((case / "expect.json").exists() for case in cases())


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_that_it_sends_stands_in_the_audit_with_its_source(kind: str) -> None:
    audit = Path(registry.__file__).with_name("PAYLOADS.md").read_text(encoding="utf-8")
    [table] = [part for part in audit.split("\n## ") if part.startswith(f"{kind}:")]
    bodies = [
        request["body"]
        for expected in (HERE / kind).glob("*/expect.json")
        for request in load(expected)["requests"]
    ]
    words = set(re.findall(r"\w+", table))
    assert set(names_in(bodies)) - words == set()


def names_in(value: Any) -> Iterator[str]:
    """The names of all members of foreign JSON."""
    for each in value.values() if isinstance(value, dict) else value:
        if isinstance(each, dict | list):
            yield from names_in(each)
    if isinstance(value, dict):
        yield from value


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_its_config_explains_itself(kind: str) -> None:
    definitions = DESTINATIONS[kind].Config.model_json_schema()
    shapes = [definitions, *definitions["$defs"].values()]
    for shape in shapes:
        for name, field in shape["properties"].items():
            assert field.get("title"), name
            assert field.get("description"), name
            assert field.get("examples"), name


@pytest.mark.parametrize("kind", KINDS)
def test_its_config_takes_secrets_only_by_reference_and_nothing_unknown(kind: str) -> None:
    config = load(HERE / kind / "plain" / "target.json")
    with pytest.raises(ValidationError):
        CONFIG.validate_python({**config, "surprise": 1})
    for name in [name for name, value in config.items() if str(value).startswith("env:")]:
        with pytest.raises(ValidationError):
            CONFIG.validate_python({**config, name: "EAAB-a-token-in-clear"})


def test_a_custom_variable_never_tells_who_somebody_is() -> None:
    config = load(HERE / "google_ads" / "custom_variables" / "target.json")
    config["custom_variables"][0]["parameter"] = "email"
    with pytest.raises(ValidationError, match="who somebody is"):
        CONFIG.validate_python(config)


@pytest.mark.parametrize("kind", KINDS)
def test_no_rows_mean_no_request(kind: str, earth: World) -> None:
    destination, conversion, rows = built_rows(kind, 1)
    assert earth.delivery(destination, conversion).deliver([]) == []
    assert not platform(earth, destination, conversion, rows[0]).calls


@pytest.mark.parametrize("kind", KINDS)
def test_what_leaves_is_byte_for_byte_what_a_dry_run_shows(kind: str, earth: World) -> None:
    destination, conversion, rows = built_rows(kind, 3)
    request = destination.request(conversion, rows)
    destination.send(request, earth.wire)
    received = platform(earth, destination, conversion, rows[0]).calls[-1]
    if request.credential.place == "body":
        token = f'"access_token":"{SECRETS["META_TOKEN"]}",'.encode()
        assert received.body == request.body[:1] + token + request.body[1:]
    else:
        assert received.sha256 == request.sha256


@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_stands_in_a_request_before_it_leaves(kind: str) -> None:
    destination, conversion, rows = built_rows(kind, 1)
    shown = repr(destination.request(conversion, rows))
    assert not [secret for secret in SECRETS.values() if secret in shown]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_personal_leaves_in_clear(kind: str) -> None:
    destination, conversion = plain(kind)
    built = prepare(destination, conversion, sample_row())
    assert isinstance(built, Built)
    body = destination.request(conversion, [built]).body.decode().lower()
    assert not [text for text in ("mary", "brien", "4960987", 'example.com"') if text in body]


@pytest.mark.parametrize("kind", REMEMBERS)
def test_the_same_key_twice_is_one_conversion(kind: str, earth: World) -> None:
    destination, conversion, rows = built_rows(kind, 2)
    for _ in range(2):
        outcomes = earth.delivery(destination, conversion).deliver(rows)
        assert {outcome.state for outcome in outcomes} == {"accepted"}
    held = platform(earth, destination, conversion, rows[0])
    assert len(kept(held)) == 2
    assert {each.count for each in held.held.values()} <= {1}


FAULTS = {
    "503 before": InjectedFault(status=503),
    "502 after accepting": InjectedFault(status=502, after_accepting=True),
    "429": InjectedFault(status=429, headers={"Retry-After": "2"}),
    "reset before": InjectedFault("reset"),
    "reset after accepting": InjectedFault("reset", after_accepting=True),
    "an HTML page": InjectedFault(status=200, body="<html>maintenance</html>"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", REMEMBERS)
def test_a_fault_is_survived_without_a_double(kind: str, fault: str, earth: World) -> None:
    destination, conversion, rows = built_rows(kind, 3)
    held = platform(earth, destination, conversion, rows[0])
    held.script(FAULTS[fault])
    outcomes = earth.delivery(destination, conversion).deliver(rows)
    assert {outcome.state for outcome in outcomes} == {"accepted"}
    assert len(kept(held)) == 3
    assert {each.count for each in held.held.values()} <= {1}


@pytest.mark.parametrize("kind", ["google_ads", "tiktok"])
def test_silence_is_no_answer_and_the_platform_may_have_the_rows(kind: str) -> None:
    """Of our own wire and of Google's client. Only here a real wait ends, and only for a platform
    that never answers: an honest answer can be late on a busy machine."""
    destination, conversion, rows = built_rows(kind, 1)
    with world(read_seconds=0.2) as earth:
        platform(earth, destination, conversion, rows[0]).script(InjectedFault("silence"))
        reply = destination.send(destination.request(conversion, rows), earth.wire)
    assert reply == Unanswered("timeout", reached=True)


@pytest.mark.parametrize("fault", ["reset after accepting", "502 after accepting"])
@pytest.mark.parametrize("kind", FORGETS)
def test_without_a_memory_nothing_in_doubt_is_sent_twice(
    kind: str, fault: str, earth: World
) -> None:
    destination, conversion, rows = built_rows(kind, 1)
    held = platform(earth, destination, conversion, rows[0])
    held.script(FAULTS[fault])
    [outcome] = earth.delivery(destination, conversion).deliver(rows)
    assert outcome.state == "unknown"
    assert [each.count for each in held.held.values()] == [1]


@pytest.mark.parametrize("kind", REFUSES)
@pytest.mark.parametrize("position", [0, 4, 9])
def test_one_bad_row_costs_no_other_row(kind: str, position: int, earth: World) -> None:
    destination, conversion, rows = built_rows(kind, 10)
    held = platform(earth, destination, conversion, rows[0])
    # the future passes our own checks here, because only reconciliation looks at the clock
    bad = prepare(
        destination,
        conversion,
        sample_row(id="bad", order_id="bad", created=NOW + timedelta(days=2)),
    )
    assert isinstance(bad, Built)
    rows[position] = bad
    outcomes = earth.delivery(destination, conversion).deliver(rows)
    states = [outcome.state for outcome in outcomes]
    assert states.pop(position) in ("rejected", "parked")
    assert states == ["accepted"] * 9
    assert outcomes[position].reason
    assert len(held.held) == 9


WITH_TOKEN = [kind for kind in KINDS if kind != "google_analytics"]
"""GA4 answers 204 to a wrong secret as well."""

EXPIRED = InjectedFault(status=401, body={"code": 40105, "error": {"code": 190}})


@pytest.mark.parametrize("kind", WITH_TOKEN)
def test_an_expired_token_stops_the_destination_and_loses_nothing(kind: str, earth: World) -> None:
    destination, conversion, rows = built_rows(kind, 2)
    held = platform(earth, destination, conversion, rows[0])
    held.script(*[EXPIRED] * 4)
    delivery = earth.delivery(destination, conversion)
    outcomes = delivery.deliver(rows)
    assert {outcome.state for outcome in outcomes} == {"retry"}
    assert delivery.halted
    sent = len(held.calls)
    assert {outcome.state for outcome in delivery.deliver(rows)} == {"retry"}
    assert len(held.calls) == sent
    assert not kept(held)


@pytest.mark.parametrize("kind", [k for k in KINDS if DESTINATIONS[k].capabilities.trial])
def test_a_test_conversion_is_taken_and_counted_only_where_that_is_said(
    kind: str, earth: World
) -> None:
    destination, conversion, [row] = built_rows(kind, 1)
    trial = destination.capabilities.trial
    assert trial
    request = destination.trial_request(conversion, row, "TEST123")
    reply = destination.send(request, earth.wire)
    assert isinstance(destination.trial_verdict(reply, row, NOW), Accepted)
    held = platform(earth, destination, conversion, row)
    assert len(kept(held)) == (trial.effect == "counts")
    assert (b"TEST123" in request.body) == trial.needs_code


def accepted(earth: World, kind: str, row: ConversionRow, op: str) -> Built:
    """The payload of the row, after the platform has accepted it."""
    destination, conversion = plain(kind)
    built = prepare(destination, conversion, row, op)
    assert isinstance(built, Built)
    [outcome] = earth.delivery(destination, conversion).deliver([built])
    assert outcome.state == "accepted"
    return built


@pytest.mark.parametrize("kind", ADJUSTS)
def test_a_restatement_replaces_the_value_and_counts_once(kind: str, earth: World) -> None:
    destination, conversion = plain(kind)
    row = sample_row(value=100)
    later = replace(row, value=70.0, updated_at=NOW - timedelta(hours=1))
    for op, each in (("create", row), ("restate", later), ("restate", later)):
        built = accepted(earth, kind, each, op)
    [held] = platform(earth, destination, conversion, built).held.values()
    assert (held.value, held.count) == (70, 1)


@pytest.mark.parametrize("kind", RETRACTS)
def test_what_is_retracted_is_worth_nothing_or_gone(kind: str, earth: World) -> None:
    destination, conversion = plain(kind)
    for op, value in (("create", 100.0), ("retract", 0.0)):
        built = accepted(earth, kind, sample_row(value=value), op)
    held = platform(earth, destination, conversion, built)
    assert all(each.value == 0 for each in held.held.values())
    assert not getattr(held, "members", {})


@pytest.mark.parametrize("kind", KINDS)
def test_a_healthy_account_passes_its_check(kind: str, earth: World) -> None:
    destination, _ = plain(kind)
    assert destination.check(earth.wire) == []


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_building_is_pure_and_does_not_depend_on_when_the_row_was_written(
    kind: str, data: st.DataObject
) -> None:
    destination, conversion = plain(kind)
    text = st.one_of(st.none(), st.text(max_size=30))
    changes = data.draw(
        st.fixed_dictionaries(
            {
                "id": st.text(min_size=1, max_size=40),
                "value": st.one_of(st.none(), st.floats(-1e6, 1e6), st.just(float("nan"))),
                "currency": st.one_of(st.none(), st.sampled_from(["EUR", "JPY", "KWD", "XXX"])),
                **dict.fromkeys(("email", "phone", "first_name", "fbp", "country"), text),
                **dict.fromkeys(("lead_id", "postal_code", "page_location", "gclid"), text),
            }
        )
    )
    row = sample_row(**changes)
    first = prepare(destination, conversion, row)
    later = prepare(destination, conversion, replace(row, updated_at=NOW))
    if isinstance(first, str):
        assert later == first
        return
    assert isinstance(later, Built)
    assert later.fingerprint == first.fingerprint
    again = prepare(destination, conversion, row)
    assert isinstance(again, Built)
    request = destination.request(conversion, [first])
    assert destination.request(conversion, [again]).sha256 == request.sha256


@pytest.mark.parametrize("zone", ["Australia/Sydney", "America/Los_Angeles"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_payload_does_not_depend_on_the_machines_time_zone(
    kind: str, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the night in which Sydney's clocks went forward
    row = sample_row(created=datetime(2026, 10, 3, 15, 59, 59, tzinfo=UTC))
    destination, conversion = plain(kind)
    here = prepare(destination, conversion, row)
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    there = prepare(destination, conversion, row)
    monkeypatch.undo()
    time.tzset()
    assert isinstance(here, Built)
    assert isinstance(there, Built)
    bodies = {destination.request(conversion, [each]).sha256 for each in (here, there)}
    assert len(bodies) == 1


@pytest.mark.parametrize("kind", WITH_TOKEN)
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'"ok"', b"<html></html>", b'{"error":{}}'])
def test_an_answer_of_unknown_shape_is_no_success(kind: str, body: bytes) -> None:
    destination, _, rows = built_rows(kind, 2)
    result = destination.read(Answer(200, body), rows)
    assert type(result).__name__ in ("Unknown", "Refused")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("meta", b'{"events_received": 1, "fbtrace_id": "A"}'),
        ("meta_audience", b'{"num_received": 1, "session_id": "1"}'),
        ("linkedin", b'{"elements": [{"status": 201}]}'),
    ],
)
def test_an_answer_that_counts_fewer_rows_than_were_sent_is_no_success(
    kind: str, body: bytes
) -> None:
    destination, _, rows = built_rows(kind, 2)
    assert isinstance(destination.read(Answer(200, body), rows[:1]), Accepted)
    assert isinstance(destination.read(Answer(200, body), rows), Unknown)


@pytest.mark.parametrize("kind", KINDS)
def test_every_client_error_is_read_without_an_exception(kind: str) -> None:
    destination, _, rows = built_rows(kind, 2)
    for status in (400, 401, 403, 404, 409, 422, 426):
        answer = Answer(status, b'{"unexpected": true}')
        assert unhappy(answer, NOW) is None
        assert not isinstance(destination.read(answer, rows), type(None))


def test_a_retired_api_version_halts_with_the_field_to_change(earth: World) -> None:
    destination, conversion, rows = built_rows("linkedin", 1)
    old = type(destination)(destination.config.model_copy(update={"api_version": "202401"}))
    delivery = earth.delivery(old, conversion)
    delivery.deliver(rows)
    assert isinstance(delivery.halted, Halted)
    assert "api_version" in delivery.halted.fix


@pytest.mark.parametrize("kind", ["meta", "meta_audience"])
@pytest.mark.parametrize("proves", [True, False])
def test_an_app_that_wants_proof_of_its_secret_gets_it(
    kind: str, proves: bool, earth: World
) -> None:
    destination, conversion, rows = built_rows(kind, 2)
    secret = {"app_secret": "env:META_APP_SECRET"} if proves else {}
    proving = type(destination)(destination.config.model_copy(update=secret))
    stand_in = platform(earth, destination, conversion, rows[0])
    stand_in.app_secret = SECRETS["META_APP_SECRET"]  # type: ignore[attr-defined]
    delivery = earth.delivery(proving, conversion)
    states = {outcome.state for outcome in delivery.deliver(rows)}
    assert states == {"accepted" if proves else "retry"}
    if not proves:
        assert delivery.halted
        assert delivery.halted.reason == "meta_100_appsecret_proof"


def test_pinterest_says_how_good_the_events_are(earth: World) -> None:
    destination, conversion, rows = built_rows("pinterest", 2)
    assert destination.diagnose(NOW.date(), earth.wire) == {}
    earth.delivery(destination, conversion).deliver(rows)
    assert destination.diagnose(NOW.date(), earth.wire) == {
        "": {"event_quality": 2.0},
        conversion: {"coverage_hashed_email": 80.5},
    }
