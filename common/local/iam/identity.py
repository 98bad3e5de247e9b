"""Who the functions are on this machine: identity tokens and credentials that open nothing.

Google's libraries find credentials through GOOGLE_APPLICATION_CREDENTIALS, so the product builds
the very clients that it builds in the cloud.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from common.local.iam.messages import denied, token_needs
from common.local.iam.policy import Policy
from common.local.iam.tokens import access_token, caller

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LIFETIME = 3600
IAM_CREDENTIALS = "https://iamcredentials.googleapis.com"
NOBODY = "nobody@conversions-local.iam.gserviceaccount.com"


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


def write_credentials(directory: Path, token_url: str, account: str = NOBODY) -> Path:
    """A file of credentials of the account whose access tokens come from `token_url`.

    They open nothing at Google. Source: https://google.aip.dev/auth/4117 (external accounts)
    """
    directory.mkdir(parents=True, exist_ok=True)
    name = account.partition("@")[0]
    subject, credentials = directory / f"{name}.subject", directory / f"{name}.json"
    subject.write_text(account)
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
    """A WSGI app that answers token exchanges (RFC 8693); the token tells account and scopes."""
    request = Request(environ)
    if request.method != "POST":
        return Response(status=405)(environ, start_response)
    account = request.form.get("subject_token", NOBODY)
    answer = {
        "access_token": access_token(account, request.form.get("scope", "")),
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "Bearer",
        "expires_in": LIFETIME,
    }
    return _json(answer)(environ, start_response)


def impersonation(policy: Policy) -> WSGIApplication:
    """A WSGI app that stands in for the IAM Credentials API's generateAccessToken.

    Source: https://cloud.google.com/iam/docs/reference/credentials/rest
    """

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        account, _, method = request.path.rpartition("/")[2].partition(":")
        if method != "generateAccessToken":
            return Response(status=404)(environ, start_response)
        sender = caller(request.headers.get("Authorization", ""))
        missing = policy.missing(sender, token_needs(account))
        if missing is not None:
            error = {"code": 403, "message": denied(missing), "status": "PERMISSION_DENIED"}
            return _json({"error": error}, 403)(environ, start_response)
        scopes = " ".join((request.get_json() or {}).get("scope", ()))
        expiry = datetime.now(UTC) + timedelta(seconds=LIFETIME)
        token = {
            "accessToken": access_token(account, scopes),
            "expireTime": expiry.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        return _json(token)(environ, start_response)

    return answer


def _json(document: Any, status: int = 200) -> Response:
    return Response(json.dumps(document), status, content_type="application/json")


def _encoded(part: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
