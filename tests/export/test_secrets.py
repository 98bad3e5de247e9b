"""Secrets: read late, kept shortly, never told."""

from __future__ import annotations

import pytest
import requests

from common.errors import AccessError
from common.local import platforms
from functions.export.transport.calls import Answer
from functions.export.transport.secrets import KEPT_SECONDS, Secrets
from functions.export.transport.wire import Wire
from tests.destinations.harness import SECRETS, TestClock, google_token, no_secret_manager, plain


def test_a_refused_secret_is_read_anew_at_once() -> None:
    environment = dict(SECRETS)
    destination, conversion = plain("linkedin")
    request = destination.request(conversion, [])
    with platforms.serving(TestClock().now) as running, requests.Session() as session:
        secrets = Secrets(environment, no_secret_manager)
        wire = Wire(session, secrets, google_token, running.endpoints)
        platform = running.stand_ins["linkedin"]
        assert wire.exchange(request).status == 400  # type: ignore[union-attr]
        platform.token = "rotated"  # type: ignore[attr-defined]
        environment["LINKEDIN_TOKEN"] = "rotated"
        reply = wire.exchange(request)
        assert isinstance(reply, Answer)
        assert reply.status == 400
        assert platform.calls[-1].headers["authorization"] == "Bearer rotated"


def test_a_rotated_secret_is_picked_up_where_the_refusal_is_not_seen() -> None:
    clock, environment = TestClock(), {"TOKEN": "old"}
    secrets = Secrets(environment, no_secret_manager, elapsed=clock.elapsed)
    assert secrets("env:TOKEN") == "old"
    environment["TOKEN"] = "new"
    assert secrets("env:TOKEN") == "old"
    clock.sleep(KEPT_SECONDS + 1)
    assert secrets("env:TOKEN") == "new"


def test_a_missing_secret_is_named_and_says_what_to_do() -> None:
    with pytest.raises(AccessError) as missing:
        Secrets({}, no_secret_manager)("env:TOKEN")
    assert (missing.value.code, "env:TOKEN" in missing.value.detail) == ("secret_unavailable", True)
    assert missing.value.fix
