"""The network: one request out, one reply in, with its secret put in on the way."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

import requests
from google.auth import exceptions as google_failures
from google.auth.transport.requests import Request as Granting
from requests import exceptions as failures
from urllib3.exceptions import NewConnectionError

from functions.export.transport import foreign
from functions.export.transport.calls import Answer, Credential, Reply, Request, Unanswered
from functions.export.transport.secrets import Secrets

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

# a little over a multiple of TCP's retransmission window of 3 s (requests, "Timeouts")
CONNECT_SECONDS = 3.05
READ_SECONDS = 30.0
EARLY_SECONDS = 60
"""An access token is renewed this long before it ends."""

T = TypeVar("T")


class Wire:
    """Sends what destinations ask for; `endpoints` replaces hosts, so that tests stay at home."""

    def __init__(
        self,
        session: requests.Session,
        secrets: Secrets,
        google: Callable[[tuple[str, ...], str | None], Credentials],
        endpoints: Mapping[str, str],
        *,
        read_seconds: float = READ_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._session = session
        self._secrets = secrets
        self.google = google
        self.endpoints = endpoints
        self.timeout = (CONNECT_SECONDS, read_seconds)
        self._clock = clock
        self._tokens: dict[tuple[str, str], tuple[str, float]] = {}
        self._once: dict[object, Any] = {}

    def exchange(self, request: Request) -> Reply:
        """The platform's answer; a refused secret is read anew and the request sent once more.

        Raises AccessError when the secret cannot be found.
        """
        reply = self._send(request)
        # refused before any work, so that a second copy counts nothing twice
        if isinstance(reply, Answer) and reply.status == 401 and self._renew(request.credential):
            reply = self._send(request)
        return reply

    def once(self, key: object, make: Callable[[], T]) -> T:
        """What `make` returned the first time: clients are built once per process."""
        if key not in self._once:
            self._once[key] = make()
        made: T = self._once[key]
        return made

    def at(self, url: str) -> str:
        """The address behind a documented one."""
        for host, stand_in in self.endpoints.items():
            if url.startswith(host):
                return stand_in + url.removeprefix(host)
        return url

    def _send(self, request: Request) -> Reply:
        placed = self._placed(request)
        if not isinstance(placed, tuple):
            return placed
        url, headers, body = placed
        try:
            response = self._session.request(
                request.method,
                self.at(url),
                data=body,
                headers=headers,
                timeout=self.timeout,
                allow_redirects=False,
            )
        except failures.RequestException as error:
            return unanswered(error)
        return Answer(
            response.status_code,
            response.content,
            # names of headers have no case (RFC 9110 5.1)
            {name.lower(): value for name, value in response.headers.items()},
        )

    def _placed(self, request: Request) -> tuple[str, dict[str, str], bytes] | Reply:
        """The request with its secrets where they belong, or why it has none."""
        url, headers, body = request.url, dict(request.headers), request.body
        for name, extra in request.more.items():
            headers[name] = self._secrets(extra.reference)
        credential = request.credential
        match credential.place:
            case "bearer":
                secret = self._secrets(credential.reference)
                headers["Authorization"] = f"Bearer {secret}"
                if proof := credential.details.get("proof_secret"):
                    signed = urlencode({"appsecret_proof": proof_of(secret, self._secrets(proof))})
                    url = f"{url}{'&' if '?' in url else '?'}{signed}"
            case "header":
                headers[credential.name] = self._secrets(credential.reference)
            # GA4 takes its secret nowhere else
            case "query":
                secret = urlencode({credential.name: self._secrets(credential.reference)})
                url = f"{url}{'&' if '?' in url else '?'}{secret}"
            # Meta's token: in the address it would stand in exceptions and in logs of proxies
            case "body":
                secret = self._secrets(credential.reference)
                if proof := credential.details.get("proof_secret"):
                    signed = proof_of(secret, self._secrets(proof))
                    body = with_member(body, "appsecret_proof", signed)
                body = with_member(body, credential.name, secret)
            case "oauth":
                token = self._token(credential)
                if isinstance(token, Unanswered):
                    return token
                headers["Authorization"] = f"Bearer {token}"
            case "google":
                granted = self._granted(credential, request)
                if not isinstance(granted, dict):
                    return granted
                headers |= granted
        return url, headers, body

    def _granted(self, credential: Credential, request: Request) -> dict[str, str] | Reply:
        """What the function's own identity puts into the headers, or how it was refused one."""
        headers: dict[str, str] = {}
        try:
            identity = self.once(_identity(credential), lambda: self._google(credential))
            asking = Granting(self._session)
            identity.before_request(  # type: ignore[no-untyped-call]
                asking, request.method, request.url, headers
            )
        except google_failures.TransportError:
            return Unanswered("token_endpoint_unreachable", reached=False)
        except google_failures.GoogleAuthError:
            return Answer(401, b'{"error":{"status":"UNAUTHENTICATED"}}')
        return headers

    def _google(self, credential: Credential) -> Credentials:
        return self.google((credential.name,), credential.details["quota_project"] or None)

    def _token(self, credential: Credential) -> str | Unanswered:
        """An access token for a refresh token (RFC 6749 section 6), kept until it ends."""
        key = (credential.details["token_url"], credential.reference)
        token, ends = self._tokens.get(key, ("", 0.0))
        if token and self._clock() < ends - EARLY_SECONDS:
            return token
        form = {
            "grant_type": "refresh_token",
            "client_id": credential.details["client_id"],
            "client_secret": self._secrets(credential.details["client_secret"]),
            "refresh_token": self._secrets(credential.reference),
        }
        if scope := credential.details.get("scope"):
            form["scope"] = scope
        try:
            answer = self._session.post(
                self.at(key[0]), data=form, timeout=self.timeout, allow_redirects=False
            )
            granted = foreign.mapping(answer.json() if answer.status_code == 200 else {})
        except (failures.RequestException, ValueError, RecursionError):
            return Unanswered("token_endpoint_unreachable", reached=False)
        if answer.status_code >= 500 or answer.status_code == 429:
            return Unanswered(f"token_endpoint_{answer.status_code}", reached=False)
        # without a token the platform answers 401, and that stops the destination
        token = foreign.text(granted.get("access_token"))
        # RFC 6749 5.1 only recommends expires_in: a token without it serves this one request
        ends = self._clock() + (foreign.number(granted.get("expires_in")) or 0.0)
        self._tokens[key] = (token, ends)
        return token

    def _renew(self, credential: Credential) -> bool:
        """Forget what was refused; whether another try makes sense."""
        if credential.place == "google":
            return self._once.pop(_identity(credential), None) is not None
        self._secrets.forget(credential.reference)
        if credential.place == "oauth":
            self._tokens.pop((credential.details["token_url"], credential.reference), None)
        return True


def _identity(credential: Credential) -> tuple[str, str, str]:
    """Under which the process keeps Google's credentials."""
    return "google", credential.name, credential.details["quota_project"]


def with_member(body: bytes, name: str, value: str) -> bytes:
    """The JSON object with one more string member at its front."""
    return b"{%s:%s,%s" % (json.dumps(name).encode(), json.dumps(value).encode(), body[1:])


def proof_of(token: str, app_secret: str) -> str:
    """SHA-256 HMAC of the token under the app's secret, in hex.

    Source: developers.facebook.com/docs/graph-api/guides/secure-requests (appsecret_proof).
    """
    return hmac.new(app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()


_UNSENT = (
    failures.ConnectTimeout,
    failures.InvalidHeader,
    failures.InvalidSchema,
    failures.InvalidURL,
    failures.MissingSchema,
    # platforms speak TLS only: what a proxy refuses is the tunnel, before any request is in it
    failures.ProxyError,
)
"""Errors before the first byte."""


def unanswered(error: failures.RequestException) -> Unanswered:
    """Why no answer came, in a word that holds no address, secret or row.

    A connection that was never made carried nothing; everything else may have.
    """
    if isinstance(error, _UNSENT) or _never_connected(error):
        return Unanswered("unreachable", reached=False)
    if isinstance(error, failures.Timeout):
        return Unanswered("timeout", reached=True)
    return Unanswered("connection_lost", reached=True)


def _never_connected(error: BaseException) -> bool:
    # requests wraps urllib3's error, which alone says that no byte left
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", None), NewConnectionError)
