"""Secrets, looked up by reference at the moment a request leaves; values are never printed."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from common.errors import AccessError

if TYPE_CHECKING:
    from google.auth.transport.requests import AuthorizedSession

SECRET_MANAGER = "https://secretmanager.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"


class Secrets:
    """Finds env:NAME in the environment and secret:projects/... in Secret Manager.

    A value is read once and kept until `forget`, which a refused credential calls: so a rotated
    secret is picked up without a new deployment.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        connect: Callable[[], AuthorizedSession],
        endpoint: str = SECRET_MANAGER,
    ) -> None:
        self._environment = environment
        self._connect = connect
        self._endpoint = endpoint
        self._known: dict[str, str] = {}

    def __call__(self, reference: str) -> str:
        """The secret; raises AccessError that names the reference and never the value."""
        if reference not in self._known:
            self._known[reference] = self._look_up(reference)
        return self._known[reference]

    def forget(self, reference: str) -> None:
        """Read the secret anew next time."""
        self._known.pop(reference, None)

    def _look_up(self, reference: str) -> str:
        where, _, name = reference.partition(":")
        value = self._environment.get(name) if where == "env" else self._access(name)
        if not value:
            raise AccessError(
                f"The secret {reference} is not there.",
                code="secret_unavailable",
                fix="Set the environment variable, or create the secret version and grant this "
                "function's account roles/secretmanager.secretAccessor on it.",
            )
        return value

    def _access(self, name: str) -> str | None:
        """Source: cloud.google.com/secret-manager/docs/reference/rest, versions.access."""
        answer = self._connect().get(f"{self._endpoint}/v1/{name}:access", timeout=(3, 10))
        if answer.status_code != 200:
            return None
        return base64.b64decode(answer.json()["payload"]["data"]).decode()
