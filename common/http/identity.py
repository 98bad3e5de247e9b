"""Who asks: ID tokens of end users, checked where the function is public."""

from __future__ import annotations

import base64
import json

from flask import Request

from common.errors import AccessError
from common.settings import Settings


def authorize(request: Request, settings: Settings) -> None:
    """Check an end user's ID token where the function is public; raises AccessError.

    Without an audience the platform has judged the caller already (roles/run.invoker).
    """
    if not settings.token_audience:
        return
    from google.auth.transport.requests import Request as Transport
    from google.oauth2 import id_token

    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        claims = id_token.verify_oauth2_token(  # type: ignore[no-untyped-call]
            token if scheme == "Bearer" else "", Transport(), settings.token_audience
        )
    except Exception as error:
        raise AccessError(
            "The ID token is missing, expired or not for this service.",
            code="bad_token",
            fix="Sign in again and send the ID token as Authorization: Bearer.",
        ) from error
    if claims.get("iss", "").removeprefix("https://") != settings.token_issuer.removeprefix(
        "https://"
    ) or (settings.token_domain and claims.get("hd") != settings.token_domain):
        raise AccessError("The account may not use this service.", code="wrong_account")


def caller(request: Request) -> str:
    """E-mail address in the caller's token, or "unknown"; for the record, never for a decision.

    Its signature is not looked at: `authorize`, or the platform before us, has checked the token.
    """
    payload = request.headers.get("Authorization", "").partition(".")[2].partition(".")[0]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["email"])[:320]
    except (KeyError, TypeError, ValueError, RecursionError):
        return "unknown"
