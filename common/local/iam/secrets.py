"""Secret Manager on this machine: whoever may read a secret gets it from the environment.

Source: https://cloud.google.com/secret-manager/docs/reference/rest, versions.access.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from common.local.iam.messages import secret_needs
from common.local.iam.policy import Policy
from common.local.iam.tokens import caller

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SECRET_MANAGER = "https://secretmanager.googleapis.com"
_VERSION = re.compile(r"/v1/(projects/[^/]+/secrets/([\w-]+)/versions/(?:latest|\d+)):access")


def variable(secret: str) -> str:
    """The environment variable that holds the secret: LOCAL_SECRET_META_TOKEN of meta-token."""
    return f"LOCAL_SECRET_{secret.upper().replace('-', '_')}"


def versions(policy: Policy, environment: Mapping[str, str]) -> WSGIApplication:
    """A WSGI app that answers versions.access by the rights of whoever asks."""

    def answer(environ: WSGIEnvironment, respond: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        found = _VERSION.fullmatch(request.path)
        if found is None or request.method != "GET":
            return Response(status=404)(environ, respond)
        sender = caller(request.headers.get("Authorization", ""))
        if policy.missing(sender, secret_needs(found[2])) is not None:
            words = f"Permission 'secretmanager.versions.access' denied for resource '{found[1]}'"
            return _error(403, "PERMISSION_DENIED", f"{words} (or it may not exist).")(
                environ, respond
            )
        value = environment.get(variable(found[2]))
        if value is None:
            words = f"Secret [{found[1].rpartition('/versions/')[0]}] not found"
            return _error(404, "NOT_FOUND", f"{words} or has no versions.")(environ, respond)
        payload = {"data": base64.b64encode(value.encode()).decode()}
        return _json({"name": found[1], "payload": payload}, 200)(environ, respond)

    return answer


def _error(code: int, status: str, message: str) -> Response:
    return _json({"error": {"code": code, "message": message, "status": status}}, code)


def _json(document: Any, status: int) -> Response:
    return Response(json.dumps(document), status, content_type="application/json")
