"""Secrets: read late, kept shortly, never told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import requests
from google.auth.exceptions import DefaultCredentialsError, TransportError

from common.errors import AccessError, RetryableError
from common.local import platforms
from functions.export.transport.calls import Answer, Credential, Request, Unanswered
from functions.export.transport.secrets import KEPT_SECONDS, Secrets
from functions.export.transport.wire import Wire, unanswered
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


NO_TOKEN = TransportError("no token")  # type: ignore[no-untyped-call]


class SecretManager:
    """Answers with a status, or not at all."""

    body = b""

    def __init__(self, outcome: int | Exception) -> None:
        self._outcome = outcome

    def get(self, *_: Any, **__: Any) -> requests.Response:
        if isinstance(self._outcome, Exception):
            raise self._outcome
        response = requests.Response()
        response.status_code = self._outcome
        response._content = self.body
        return response


@pytest.mark.parametrize(
    "outcome",
    [requests.ConnectionError(), requests.Timeout(), NO_TOKEN, 429, 500, 503],
    ids=str,
)
def test_a_secret_manager_that_does_not_answer_is_asked_again_later(
    outcome: int | Exception,
) -> None:
    with pytest.raises(RetryableError) as failed:
        Secrets({}, lambda: SecretManager(outcome))("secret:projects/1/secrets/a/versions/1")  # type: ignore[arg-type,return-value]
    assert failed.value.code == "secrets_unreachable"


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"payload": {"data": "_w=="}}', b"[" * 99999])
def test_an_answer_that_holds_no_secret_is_none(body: bytes) -> None:
    manager = SecretManager(200)
    manager.body = body
    with pytest.raises(AccessError):
        Secrets({}, lambda: manager)("secret:projects/1/secrets/a/versions/1")  # type: ignore[arg-type,return-value]


def test_a_line_break_behind_a_secret_is_none_of_it() -> None:
    assert Secrets({"TOKEN": " token-1\r\n"}, no_secret_manager)("env:TOKEN") == "token-1"


@pytest.mark.parametrize("odd", ["to\nken", "“token”", "to\x00ken"])
def test_what_no_header_can_carry_is_no_secret_and_not_told(odd: str) -> None:
    with pytest.raises(AccessError) as refused:
        Secrets({"TOKEN": odd}, no_secret_manager)("env:TOKEN")
    assert refused.value.code == "secret_unusable"
    assert odd not in refused.value.detail


@pytest.mark.parametrize(
    "reference", ["Content-Type: x", "httpx://nowhere", "//nowhere", "http://"]
)
def test_a_request_that_cannot_be_made_carried_nothing(reference: str) -> None:
    is_header = reference.startswith("Content")
    headers = {"X": "a\nb"} if is_header else {}
    url = "https://graph.facebook.com/x" if is_header else reference
    wire = Wire(requests.Session(), Secrets(SECRETS, no_secret_manager), google_token, {})
    request = Request(url, b"{}", Credential("bearer", reference="env:META_TOKEN"), headers)
    assert wire.exchange(request) == Unanswered("unreachable", reached=False)


def test_a_proxy_that_refuses_the_tunnel_carried_nothing() -> None:
    tunnel = requests.exceptions.ProxyError(OSError("Tunnel connection failed: 407"))
    assert unanswered(tunnel) == Unanswered("unreachable", reached=False)
    assert unanswered(requests.exceptions.ChunkedEncodingError()).reached


def test_a_function_without_an_account_has_no_secret() -> None:
    manager = SecretManager(DefaultCredentialsError())  # type: ignore[no-untyped-call]
    with pytest.raises(AccessError):
        Secrets({}, lambda: manager)("secret:projects/1/secrets/a/versions/1")  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize(
    ("granted", "authorization"),
    [
        ('{"access_token": "a"}', "Bearer a"),
        ('{"access_token": "a", "expires_in": null}', "Bearer a"),
        ('{"access_token": ["a"], "expires_in": "soon"}', "Bearer "),
        ("[1]", "Bearer "),
        ("[" * 99999, ""),
    ],
)
def test_whatever_a_token_address_answers_the_run_goes_on(granted: str, authorization: str) -> None:
    sent: list[str] = []

    def answered(_method: str, _url: str, **options: Any) -> requests.Response:
        sent.append(options["headers"]["Authorization"])
        return SecretManager(200).get()

    token = SecretManager(200)
    token.body = granted.encode()
    session = SimpleNamespace(request=answered, post=token.get)
    wire = Wire(session, Secrets(SECRETS, no_secret_manager), google_token, {})  # type: ignore[arg-type]
    destination, conversion = plain("microsoft_ads")
    reply = wire.exchange(destination.request(conversion, []))
    assert sent == ([authorization] if authorization else [])
    assert isinstance(reply, Answer if authorization else Unanswered)


@pytest.mark.parametrize("status", [403, 404])
def test_a_secret_that_is_not_ours_is_missing(status: int) -> None:
    with pytest.raises(AccessError):
        Secrets({}, lambda: SecretManager(status))("secret:projects/1/secrets/a/versions/1")  # type: ignore[arg-type,return-value]
