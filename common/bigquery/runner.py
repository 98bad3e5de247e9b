"""The identity that runs users' SQL, when it is not the function's own."""

from __future__ import annotations

import google.auth
from google.auth import impersonated_credentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request

from common.settings import Settings

SCOPE = "https://www.googleapis.com/auth/bigquery"


IAM_CREDENTIALS = "https://iamcredentials.googleapis.com"


def credentials_of_runner(settings: Settings) -> impersonated_credentials.Credentials:
    """Short-lived credentials of the account that runs users' SQL, by impersonation.

    The caller needs roles/iam.serviceAccountTokenCreator on it.
    """
    own, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    return impersonated_credentials.Credentials(  # type: ignore[no-untyped-call]
        source_credentials=own,
        target_principal=settings.sql_runner,
        target_scopes=[SCOPE],
        iam_endpoint_override=_endpoint(settings),
    )


def _endpoint(settings: Settings) -> str | None:
    """Where tokens are made when the settings replace Google's own address."""
    replaced = dict(pair.split("=", 1) for pair in settings.platform_endpoints)
    if IAM_CREDENTIALS not in replaced:
        return None
    account = f"projects/-/serviceAccounts/{settings.sql_runner}"
    return f"{replaced[IAM_CREDENTIALS]}/v1/{account}:generateAccessToken"


def own_account() -> str:
    """The e-mail of the service account that the function runs as, "" where there is none."""
    try:
        credentials, _ = google.auth.default(scopes=[SCOPE])
        # until then a credential of the platform only knows itself as "default"
        credentials.refresh(Request())  # type: ignore[no-untyped-call]
    except GoogleAuthError:
        return ""
    return str(getattr(credentials, "service_account_email", None) or "")
