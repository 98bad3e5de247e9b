"""Who asks and what they may do.

An account is known by a token that we verified, or that Cloud Run verified before us. What it may
do follows from the lists of accounts and domains in the settings; whoever is on none may nothing.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from flask import Request

from common.errors import AccessError, UnauthenticatedError
from common.http import tokens
from common.http.tokens import GOOGLE, IDENTITY_AWARE_PROXY, Keys
from common.settings import Settings
from common.untyped import Row

Role = Literal["viewer", "editor", "operator"]
ROLES: tuple[Role, ...] = ("viewer", "editor", "operator")
"""Each may do what those before it may, and more."""
USER_TOKEN = "X-Conversions-User-Token"
"""Identity-Aware Proxy's assertion as the console passes it on."""


@dataclass(frozen=True)
class Identity:
    """An account and what it may do."""

    email: str
    role: Role

    def may(self, role: Role) -> bool:
        """Whether the account may do what this role may."""
        # one order of roles, so that no right has to be given to each of them
        return ROLES.index(self.role) >= ROLES.index(role)

    @property
    def sees_personal_data(self) -> bool:
        """Whether what GA4 and CRMs know of persons is shown unmasked."""
        return self.may("operator")


def identified(request: Request, settings: Settings, keys: Keys) -> Identity:
    """Who sent the request; raises UnauthenticatedError, AccessError, RetryableError without keys.

    A user's assertion counts before the token of the console that passed it on.
    """
    # verified like any other token, so that whoever sets the header itself wins nothing
    if assertion := request.headers.get(USER_TOKEN, ""):
        claims = tokens.verified(assertion, IDENTITY_AWARE_PROXY, settings.iap_audience, keys)
        return _on_a_list(claims, settings)
    if settings.token_audience:
        claims = tokens.verified(_bearer(request), GOOGLE, settings.token_audience, keys)
        return _on_a_list(claims, settings)
    # after the audience: where tokens are asked for, no setting lets anybody in without one
    if settings.local_user:
        return Identity(settings.local_user, "operator")
    return _let_in_by_the_platform(request, settings)


def require(who: Identity, role: Role) -> None:
    """Raise AccessError unless the account may do what the role may."""
    if not who.may(role):
        article = "an" if role[0] in "aeiou" else "a"
        raise AccessError(
            f"{who.email} is a {who.role} here; this takes {article} {role}.",
            code="role_missing",
            fix=f"Ask whoever runs the product to add the account to its {role}s.",
        )


@cache
def google_keys() -> Keys:
    """Google's public keys, fetched when first needed."""
    return Keys(_fetched)


def _fetched(address: str) -> Mapping[str, str]:
    # only services that verify tokens themselves need it
    import requests

    # a person waits for it; keys that are known already go on without an answer
    answer = requests.get(address, timeout=5)
    answer.raise_for_status()
    found: Mapping[str, str] = answer.json()
    return found


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise UnauthenticatedError(
            "The request does not say who sends it.",
            code="not_signed_in",
            fix="Sign in and send the ID token as Authorization: Bearer.",
        )
    return token.strip()


def _on_a_list(claims: Row, settings: Settings) -> Identity:
    # addresses are compared as people write them: Ann@ and ann@ are one account at Google
    email, domain = str(claims["email"]).lower(), str(claims.get("hd", "")).lower()
    if settings.token_domain and domain != settings.token_domain.lower():
        raise _stranger(email)
    role = role_of(email, domain, settings)
    if role is None:
        raise _stranger(email)
    return Identity(email, role)


def role_of(email: str, domain: str, settings: Settings) -> Role | None:
    """The highest role whose list names the account or the domain that Google vouches for.

    Without any list, the members of the one domain that is let in are operators.
    """
    # the claim hd, never the text behind the @: only the claim is vouched for by Google
    names = {email, f"domain:{domain}"} if domain else {email}
    lists = {
        "viewer": settings.viewers,
        "editor": settings.editors,
        "operator": settings.operators,
    }
    for role in reversed(ROLES):
        if names & {entry.lower() for entry in lists[role]}:
            return role
    if not any(lists.values()) and settings.token_domain:
        return "operator"
    return None


def _let_in_by_the_platform(request: Request, settings: Settings) -> Identity:
    """The account that Cloud Run let in (roles/run.invoker).

    It has verified the token and taken its signature away, so the claims are read as they stand.
    Source: cloud.google.com/run/docs/authenticating/service-to-service.
    """
    claims = _claims(request)
    # 320 is the longest address (RFC 3696): it goes into logs and versions
    email, domain = str(claims.get("email", ""))[:320].lower(), str(claims.get("hd", "")).lower()
    if settings.token_domain and domain != settings.token_domain.lower():
        raise _stranger(email or "unknown")
    if not (settings.viewers or settings.editors or settings.operators):
        return Identity(email or "unknown", "operator")
    role = role_of(email, domain, settings) if email else None
    if role is None:
        raise _stranger(email or "unknown")
    return Identity(email, role)


def _claims(request: Request) -> Row:
    # where both are sent Cloud Run verifies this one alone, and Authorization may say anything
    # (docs.cloud.google.com/run/docs/authenticating/service-to-service#acquire-token)
    verified = request.headers.get("X-Serverless-Authorization")
    token = request.headers.get("Authorization", "") if verified is None else verified
    payload = token.partition(".")[2].partition(".")[0]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    # whoever sends nonsense is nobody, and a list then lets nobody in
    except (ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _stranger(email: str) -> AccessError:
    return AccessError(
        f"The account {email} may not use this service.",
        code="wrong_account",
        fix="Ask whoever runs the product to add the account to its viewers.",
    )
