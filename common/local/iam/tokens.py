"""Who a call comes from, as it stands on the wire: a bearer token that names account and scopes."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

import grpc
from google.oauth2.credentials import Credentials

_MARK = "local:"

sender_account: ContextVar[str] = ContextVar("sender_account", default="")
"""Who sends the request that a server is answering."""


def access_token(account: str, scopes: str = "") -> str:
    """A token that opens nothing at Google and says here who holds it."""
    return f"{_MARK}{account} {scopes}".strip()


def caller(authorization: str) -> str:
    """The account of an Authorization header, "" when it names none.

    Both kinds are read: an access token of ours, and an identity token's claim `email`.
    """
    token = authorization.removeprefix("Bearer ").strip()
    if token.startswith(_MARK):
        return token.removeprefix(_MARK).partition(" ")[0]
    try:
        claims = token.split(".")[1]
        padded = claims + "=" * (-len(claims) % 4)
        return str(json.loads(base64.urlsafe_b64decode(padded)).get("email", ""))
    except (IndexError, ValueError, AttributeError):
        return ""


def credentials(account: str) -> Credentials:
    """What Google's clients over HTTP send the account's token with."""
    return Credentials(access_token(account))  # type: ignore[no-untyped-call]


def channel(host: str, account: str) -> grpc.Channel:
    """An insecure channel whose calls carry the account's token, as the real clients' do."""
    return signed(grpc.insecure_channel(host), account)


def signed(plain: grpc.Channel, account: str) -> grpc.Channel:
    """The channel with the account's token on every call."""
    return grpc.intercept_channel(plain, _Bearer(account))


class _Bearer(grpc.UnaryUnaryClientInterceptor):  # type: ignore[misc]
    def __init__(self, account: str) -> None:
        self._header = ("authorization", f"Bearer {access_token(account)}")

    def intercept_unary_unary(self, proceed: Any, details: Any, request: Any) -> Any:
        """The call with the header; a client that sends one of its own keeps it."""
        sent: Sequence[tuple[str, str]] = tuple(details.metadata or ())
        return proceed(_Details(details, (*sent, self._header)), request)


class _Details(grpc.ClientCallDetails):  # type: ignore[misc]
    def __init__(self, before: Any, metadata: Sequence[tuple[str, str]]) -> None:
        self.method = before.method
        self.timeout = before.timeout
        self.metadata = metadata
        self.credentials = before.credentials
        self.wait_for_ready = getattr(before, "wait_for_ready", None)
        self.compression = getattr(before, "compression", None)
