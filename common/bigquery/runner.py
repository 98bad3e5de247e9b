"""The identity that runs users' SQL, when it is not the function's own."""

from __future__ import annotations

import google.auth
from google.auth import impersonated_credentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request

SCOPE = "https://www.googleapis.com/auth/bigquery"


def credentials_of_runner(account: str) -> impersonated_credentials.Credentials:
    """Short-lived credentials of the service account, by impersonation.

    The caller needs roles/iam.serviceAccountTokenCreator on it.
    """
    own, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    return impersonated_credentials.Credentials(  # type: ignore[no-untyped-call]
        source_credentials=own, target_principal=account, target_scopes=[SCOPE]
    )


def own_account() -> str:
    """The e-mail of the service account that the function runs as, "" where there is none."""
    try:
        credentials, _ = google.auth.default(scopes=[SCOPE])
        # until then a credential of the platform only knows itself as "default"
        credentials.refresh(Request())  # type: ignore[no-untyped-call]
    except GoogleAuthError:
        return ""
    return str(getattr(credentials, "service_account_email", None) or "")
