"""Requests to the functions behind the console, under the identity of whoever sent them.

The console's own ID token lets it call the function (roles/run.invoker); who the person is, the
function reads from the assertion of Identity-Aware Proxy, which goes along untouched and which it
verifies by itself. Source: https://cloud.google.com/iap/docs/signed-headers-howto.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import quote

import requests
from flask import Request, Response

from common.errors import MalformedError, RetryableError
from common.http.reading import read_bytes
from common.settings import Settings

if TYPE_CHECKING:
    from google.auth.compute_engine import IDTokenCredentials

FUNCTIONS = ("api", "validate-sql", "export-preview")
ASSERTION = "X-Goog-IAP-JWT-Assertion"
USER_TOKEN = "X-Conversions-User-Token"
"""The assertion under a name of ours: x-goog- headers may be stripped on the way."""
SENT = (
    "Accept",
    "Content-Type",
    "If-Match",
    "If-None-Match",
    "Idempotency-Key",
    "X-Cloud-Trace-Context",
    "traceparent",
)
RETURNED = (
    "Cache-Control",
    "Content-Type",
    "ETag",
    "Location",
    "Retry-After",
    "WWW-Authenticate",
    "Allow",
    "X-Request-Id",
)
TIMEOUT = (5.0, 295.0)
"""Seconds to connect and to answer: 5 s below the console's own timeout in the manifest."""

Token = Callable[[str], str]
"""The ID token for an address, or nothing where none is needed."""


@dataclass(frozen=True)
class Upstreams:
    """The functions by name, one pooled session, and the console's own token."""

    addresses: Mapping[str, str]
    session: requests.Session
    token: Token

    @classmethod
    def of(cls, settings: Settings, session: requests.Session, token: Token) -> Upstreams:
        """The three that the page calls; raises ValueError naming one without an address."""
        named = dict(pair.partition("=")[::2] for pair in settings.function_urls)
        if missing := [name for name in FUNCTIONS if not named.get(name)]:
            raise ValueError(f"CONVERSIONS_FUNCTION_URLS names no address of {missing[0]}.")
        return cls({name: named[name].rstrip("/") for name in FUNCTIONS}, session, token)

    @property
    def names(self) -> frozenset[str]:
        """First parts of the paths that are forwarded."""
        return frozenset(self.addresses)

    def forward(self, request: Request) -> Response:
        """The function's answer, with those of its headers that the page needs.

        Raises MalformedError for a path that could mean another, TooLargeError, RetryableError
        when the function does not answer.
        """
        name, _, rest = checked_path(request).lstrip("/").partition("/")
        address = self.addresses[name]
        # byte by byte, as it was sent: decoded and encoded anew, a + would become a blank
        query = request.query_string.decode("latin-1")
        try:
            answer = self.session.request(
                request.method,
                f"{address}/{quote(rest, safe='/:@')}" + (f"?{query}" if query else ""),
                data=read_bytes(request),
                headers={**_kept(request.headers.get, SENT), **self._identity(request, address)},
                timeout=TIMEOUT,
                # the console's token must not follow to another address
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise RetryableError(
                f"The function {name} does not answer.",
                code="function_unreachable",
                fix="Try again; if it stays, look at the function's log.",
            ) from error
        response = Response(answer.content, answer.status_code)
        # Flask's own default would stand where the function sends none, as with 204
        del response.headers["Content-Type"]
        response.headers.update(_kept(answer.headers.get, RETURNED))
        # answers differ by person behind one address
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    def _identity(self, request: Request, address: str) -> dict[str, str]:
        own, person = self.token(address), request.headers.get(ASSERTION, "")
        return {
            **({"Authorization": f"Bearer {own}"} if own else {}),
            **({USER_TOKEN: person} if person else {}),
        }


def checked_path(request: Request) -> str:
    """The request's path; raises MalformedError where it may be read in two ways."""
    path, raw = request.path, request.environ.get("RAW_URI", "").partition("?")[0].lower()
    # what one server takes apart and the next one joins leads to a route that nobody judged
    odd = any(ord(character) < 32 or character in "\\\x7f" for character in path)
    if odd or "//" in path or "%2f" in raw or {".", ".."} & set(path.split("/")):
        raise MalformedError(
            "The address is not plain: it holds //, .. or an escaped /.",
            fix="Go back to the start page of the console and open it from there.",
        )
    return path


def no_token(address: str) -> str:
    """On one machine nobody guards the functions."""
    return ""


def own_token(address: str) -> str:
    """An ID token of the console's account for the address, from the metadata server; kept while
    it is valid; raises RetryableError when there is none to be had.

    Source: https://cloud.google.com/run/docs/authenticating/service-to-service.
    """
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import Request as Transport

    credentials = _credentials(address)
    if not credentials.valid:
        try:
            credentials.refresh(Transport())  # type: ignore[no-untyped-call]
        except GoogleAuthError as error:
            raise RetryableError(
                "The metadata server gives the console no identity.", code="identity_unavailable"
            ) from error
    return str(credentials.token)


@cache
def _credentials(address: str) -> IDTokenCredentials:
    from google.auth.compute_engine import IDTokenCredentials
    from google.auth.transport.requests import Request as Transport

    return IDTokenCredentials(  # type: ignore[no-untyped-call]
        Transport(), address, use_metadata_identity_endpoint=True
    )


def _kept(header: Callable[[str], str | None], names: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name in names if (value := header(name)) is not None}
