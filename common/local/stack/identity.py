"""Who the functions are on this machine: identity tokens and credentials that open nothing.

Google's libraries find credentials through GOOGLE_APPLICATION_CREDENTIALS, so the product builds
the very clients that it builds in the cloud.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

LIFETIME = 3600


def identity_token(audience: str, email: str, now: float) -> str:
    """An unsigned OIDC token with the claims that Google signs for a service account.

    Sources: https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions and,
    for a token without signature, RFC 7519 section 6.
    """
    subject = str(sum(email.encode()))
    claims = {
        "aud": audience,
        "azp": subject,
        "email": email,
        "email_verified": True,
        "exp": int(now) + LIFETIME,
        "iat": int(now),
        "iss": "https://accounts.google.com",
        "sub": subject,
    }
    return f"{_encoded({'alg': 'none', 'typ': 'JWT'})}.{_encoded(claims)}."


def write_credentials(directory: Path, token_url: str) -> Path:
    """A credentials file whose access tokens come from `token_url`; opens nothing at Google.

    Source: https://google.aip.dev/auth/4117 (external account credentials)
    """
    directory.mkdir(parents=True, exist_ok=True)
    subject, credentials = directory / "subject", directory / "credentials.json"
    subject.write_text("this machine")
    configuration = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/local",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": token_url,
        "credential_source": {"file": str(subject)},
    }
    credentials.write_text(json.dumps(configuration))
    return credentials


def exchange(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """A WSGI app that answers token exchanges (RFC 8693); the token tells its scopes."""
    request = Request(environ)
    if request.method != "POST":
        return Response(status=405)(environ, start_response)
    answer = {
        "access_token": f"local {request.form.get('scope', '')}".strip(),
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "Bearer",
        "expires_in": LIFETIME,
    }
    response = Response(json.dumps(answer), content_type="application/json")
    return response(environ, start_response)


def _encoded(part: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
