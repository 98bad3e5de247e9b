"""Signed tokens of Google: an end user's ID token and the assertion of Identity-Aware Proxy.

`google.oauth2.id_token` is not used: it takes any issuer and any lifetime, checks no audience when
it is given none, and fetches the keys anew for every token.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

from common.errors import RetryableError, UnauthenticatedError
from common.untyped import Row

SKEW_SECONDS = 30
"""By so much clocks may differ (cloud.google.com/iap/docs/signed-headers-howto)."""
KEYS_SECONDS = 3600
PAUSE_SECONDS = 30
"""An unknown key is looked for so often at most, whoever sends it."""
REST = 5
"""Seconds without another try where no keys could be had: each holds up every request."""
# far longer than real ones: decoding is work that anybody could ask for
MAXIMUM_TOKEN = 8192


@dataclass(frozen=True)
class Issuer:
    """Who signs tokens of one sort, and what holds for each of them."""

    names: frozenset[str]
    algorithm: str
    certificates: str
    """Address of its public keys: key id → PEM."""
    lifetime: int
    """Seconds from `iat` to `exp`, at most."""


GOOGLE = Issuer(
    frozenset(["https://accounts.google.com", "accounts.google.com"]),
    "RS256",
    "https://www.googleapis.com/oauth2/v1/certs",
    3600,
)
"""ID tokens. Source: developers.google.com/identity/openid-connect, "Validating an ID token"."""

IDENTITY_AWARE_PROXY = Issuer(
    frozenset(["https://cloud.google.com/iap"]),
    "ES256",
    "https://www.gstatic.com/iap/verify/public_key",
    600,
)
"""Source: cloud.google.com/iap/docs/signed-headers-howto."""


class Keys:
    """Public keys of issuers, kept for an hour; one that is not known is looked for anew."""

    def __init__(
        self,
        fetch: Callable[[str], Mapping[str, str]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch, self._clock = fetch, clock
        self._kept: dict[str, tuple[float, Mapping[str, str]]] = {}
        self._missed: dict[str, float] = {}
        self._lock = threading.Lock()

    def of(self, issuer: Issuer, key_id: str) -> Mapping[str, str]:
        """The issuer's keys by id; raises RetryableError when there are none to be had."""
        # threads of one instance wait for one fetch instead of each doing its own
        with self._lock:
            fetched_at, known = self._kept.get(issuer.certificates, (-inf, {}))
            age = self._clock() - fetched_at
            if not known and self._clock() - self._missed.get(issuer.certificates, -inf) < REST:
                raise _unavailable()
            if age > KEYS_SECONDS or (key_id not in known and age > PAUSE_SECONDS):
                known = self._fetched(issuer.certificates, known)
                self._kept[issuer.certificates] = (self._clock(), known)
            return known

    def _fetched(self, address: str, known: Mapping[str, str]) -> Mapping[str, str]:
        try:
            return self._fetch(address)
        except Exception as error:
            # they verify as well as a minute ago; without any nobody gets in
            if known:
                return known
            self._missed[address] = self._clock()
            raise _unavailable() from error


def _unavailable() -> RetryableError:
    return RetryableError(
        "The keys that tokens are verified with cannot be had.",
        code="keys_unavailable",
        fix="Try again in a minute.",
    )


def verified(token: str, issuer: Issuer, audience: str, keys: Keys) -> Row:
    """The token's claims, when the issuer signed it for this audience and it holds now.

    Raises UnauthenticatedError, RetryableError without keys. An empty audience is no audience.
    """
    from google.auth import exceptions, jwt

    if not audience:
        raise bad_token()
    try:
        # before it is decoded, and so before anything of it costs time
        if not token.isascii() or len(token) > MAXIMUM_TOKEN:
            raise ValueError
        header: Row = jwt.decode_header(token)  # type: ignore[no-untyped-call]
        # the algorithm is the issuer's, never the token's choice (RFC 8725 3.1)
        if header.get("alg") != issuer.algorithm or not isinstance(header.get("kid"), str):
            raise ValueError
    except (ValueError, TypeError, AttributeError, exceptions.GoogleAuthError) as error:
        raise bad_token() from error
    certificates = keys.of(issuer, header["kid"])
    try:
        claims: Row = jwt.decode(  # type: ignore[no-untyped-call]
            token,
            certs={header["kid"]: certificates[header["kid"]]},
            audience=audience,
            clock_skew_in_seconds=SKEW_SECONDS,
        )
        _check(claims, issuer)
    except (ValueError, TypeError, KeyError, exceptions.GoogleAuthError) as error:
        raise bad_token() from error
    return claims


def _check(claims: Row, issuer: Issuer) -> None:
    """Raise ValueError for what Google's library lets pass."""
    if claims["iss"] not in issuer.names:
        raise ValueError("another issuer")
    if claims["exp"] - claims["iat"] > issuer.lifetime + 2 * SKEW_SECONDS:
        raise ValueError("it lives too long")
    if not isinstance(claims["email"], str) or not claims["email"]:
        raise ValueError("it names nobody")
    # the proxy's assertion has no such claim
    if claims.get("email_verified", issuer is IDENTITY_AWARE_PROXY) is not True:
        raise ValueError("the address is not verified")


def bad_token() -> UnauthenticatedError:
    """What is said of a token, whatever is wrong with it: who made it up learns nothing."""
    return UnauthenticatedError(
        "The token is expired, not for this service or not signed by Google.",
        code="bad_token",
        fix="Sign in again and send the new ID token as Authorization: Bearer.",
        challenge='Bearer error="invalid_token"',
    )
