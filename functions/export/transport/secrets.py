"""Secrets, looked up by reference at the moment a request leaves; values are never printed."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import requests
from google.auth.exceptions import GoogleAuthError, TransportError

from common.errors import AccessError, RetryableError
from functions.export.transport import foreign

if TYPE_CHECKING:
    from google.auth.transport.requests import AuthorizedSession

SECRET_MANAGER = "https://secretmanager.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
KEPT_SECONDS = 300.0


class Secrets:
    """Finds env:NAME in the environment and secret:projects/... in Secret Manager.

    A value is kept for KEPT_SECONDS, or until `forget`, which a refused credential calls: so a
    rotated secret is picked up without a new deployment, whatever a platform calls a refusal.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        connect: Callable[[], AuthorizedSession],
        endpoint: str = SECRET_MANAGER,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._environment = environment
        self._connect = connect
        self._endpoint = endpoint
        self._elapsed = elapsed
        self._known: dict[str, tuple[str, float]] = {}

    def __call__(self, reference: str) -> str:
        """The secret; raises AccessError that names the reference and never the value."""
        value, read_at = self._known.get(reference, ("", 0.0))
        if not value or self._elapsed() - read_at > KEPT_SECONDS:
            value = self._look_up(reference)
            self._known[reference] = (value, self._elapsed())
        return value

    def forget(self, reference: str) -> None:
        """Read the secret anew next time."""
        self._known.pop(reference, None)

    def _look_up(self, reference: str) -> str:
        where, _, name = reference.partition(":")
        found = self._environment.get(name) if where == "env" else self._access(name)
        # `echo token | gcloud secrets create` stores a line break behind it
        value = (found or "").strip()
        if not value:
            raise AccessError(
                f"The secret {reference} is not there.",
                code="secret_unavailable",
                fix="Set the environment variable, or create the secret version and grant this "
                "function's account roles/secretmanager.secretAccessor on it.",
            )
        if not (value.isascii() and value.isprintable()):
            # no header carries it: the client would fail amid a run and leave its rows in doubt
            raise AccessError(
                f"The secret {reference} is no token: it holds line breaks or odd letters.",
                code="secret_unusable",
                fix="Store the token alone, without quotes around it.",
            )
        return value

    def _access(self, name: str) -> str | None:
        """None where there is none, or none for us; raises RetryableError without an answer.

        Source: cloud.google.com/secret-manager/docs/reference/rest, versions.access.
        """
        try:
            answer = self._connect().get(f"{self._endpoint}/v1/{name}:access", timeout=(3, 10))
        except (requests.RequestException, TransportError) as error:
            raise _unreachable() from error
        except GoogleAuthError:
            # no credentials of our own: a person has to give this function an account
            return None
        if answer.status_code == 429 or answer.status_code >= 500:
            raise _unreachable()
        # 403 and 404 last until a person acts
        if answer.status_code != 200:
            return None
        try:
            data = foreign.text(foreign.inside(answer.json(), "payload", "data"))
            return base64.b64decode(data).decode()
        except (ValueError, RecursionError):
            # a proxy answered in its place, or the secret is no text
            return None


def _unreachable() -> RetryableError:
    return RetryableError(
        "Secret Manager does not answer.",
        code="secrets_unreachable",
        fix="Try again; what was to be sent waits meanwhile.",
    )
