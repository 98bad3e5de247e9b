"""The layer before the engine: each request is let in by the rights of whoever sends it.

Seen in 1.4.0: every caller may do everything, and a job does not know who made it.
"""

from __future__ import annotations

import json
import re
from contextvars import ContextVar
from typing import Any

from bqemulator import server
from bqemulator.domain.errors import DomainError
from starlette.middleware import Middleware
from starlette.requests import Request as Received
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.local.emulator_patches.patch import replace
from common.local.emulator_patches.server import enforcement, limits
from common.local.emulator_patches.storage import loads
from common.local.iam import refusals
from common.local.iam.policy import Policy
from common.local.iam.requests import Request, request_needs
from common.local.iam.statements import Path
from common.local.iam.tokens import caller, sender_account
from common.untyped import JsonObject

policy: ContextVar[Policy | None] = ContextVar("policy", default=None)
"""Whose grants the server that starts next enforces; without one it lets everybody in."""

_JOB = re.compile(r"/projects/([^/]+)/(?:jobs|queries)/([^/]+)")
_OPEN = ("/healthz", "/readyz", "/livez")


def install() -> None:
    """Servers get the layer innermost, where bodies are unpacked already."""
    create = replace(server, "create_app", None)

    def created(context: Any) -> Any:
        app = create(context)
        enforcement.enforce(context)
        faults = limits.faulty.get()
        if faults is not None:
            app.user_middleware.append(Middleware(limits.FaultyCalls, faults=faults))
        enforced = policy.get()
        if enforced is not None or enforcement.enforced.get() is not None:
            app.user_middleware.append(Middleware(Gate, policy=enforced, context=context))
        return app

    replace(server, "create_app", created)


class Gate:
    """Answers 401 or 403 itself; whatever is allowed goes on unchanged."""

    def __init__(self, app: ASGIApp, policy: Policy | None, context: Any) -> None:
        self._app = app
        self._policy = policy
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _OPEN:
            await self._app(scope, receive, send)
            return
        received = Received(scope, receive)
        body = await received.body()
        sender = caller(received.headers.get("authorization", ""))
        sender_account.set(sender)
        refused = self._policy and self._refusal(self._policy, received, body, sender)
        refusal = refused or limits.refusal(self._context, received.method, received.url.path, body)
        answer: ASGIApp = self._app if refusal is None else JSONResponse(*refusal)
        await answer(scope, _replay(body), send)

    def _refusal(
        self, policy: Policy, received: Received, body: bytes, sender: str
    ) -> tuple[Any, int] | None:
        if not sender:
            return refusals.unauthenticated(), 401
        if sender == policy.owner:
            return None
        path = received.url.path
        asked = Request(received.method, path, _document(received, body), sender, self._maker(path))
        try:
            missing = policy.missing(sender, request_needs(asked, self._view_sql))
        except ValueError as error:
            return refusals.error(400, "invalid", "INVALID_ARGUMENT", str(error)), 400
        if missing is None:
            return None
        return refusals.denied(missing, policy.location), 403

    def _maker(self, path: str) -> str:
        found = _JOB.search(path)
        job = self._context.catalog.get_job(found[1], found[2]) if found else None
        return (job.user_email or "") if job else ""

    def _view_sql(self, path: Path) -> str | None:
        found = self._context.catalog.get_table(*path)
        query = found.view_query if found is not None and found.table_type == "VIEW" else None
        return query if isinstance(query, str) else None


def _document(received: Received, body: bytes) -> JsonObject:
    kind = received.headers.get("content-type", "")
    if kind.startswith("multipart/"):
        try:
            body = json.dumps(loads.parts(kind, body)[0]).encode()
        except DomainError as error:
            raise ValueError(error.message) from error
    try:
        document = json.loads(body) if body else {}
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _replay(body: bytes) -> Receive:
    """The body once more, for whoever reads it next."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
