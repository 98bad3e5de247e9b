"""What stands around every request: as little as it needs.

Seen in 1.4.0: three layers of logs and metrics that nobody reads, each with a task of its own, and
a thread for each of two attribute reads; together they take longer than a small statement.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bqemulator import server
from bqemulator.api import middleware
from bqemulator.api.dependencies import get_caller, get_context
from bqemulator.api.routes import jobs
from fastapi.dependencies import utils

from common.local.emulator_patches.patch import private, replace

_UNREAD = (
    middleware.AccessLogMiddleware,
    middleware.CorrelationIdMiddleware,
    middleware.MetricsMiddleware,
)


def install() -> None:
    """Servers have none of these layers; who asks for the context gets it at once."""
    create = replace(server, "create_app", None)

    def created(context: Any) -> Any:
        app = create(context)
        app.user_middleware[:] = [it for it in app.user_middleware if it.cls not in _UNREAD]
        # nearly every call is of a job, and each router before its own is asked in vain
        app.router.routes.sort(
            key=lambda it: getattr(it, "original_router", None) is not jobs.router
        )
        return app

    replace(server, "create_app", created)
    in_a_thread = private(utils, "run_in_threadpool")

    async def solved(call: Callable[..., Any], **given: Any) -> Any:
        at_once = call in (get_context, get_caller)
        return call(**given) if at_once else await in_a_thread(call, **given)

    replace(utils, "run_in_threadpool", solved)


def _is_of_jobs(route: object) -> bool:
    return getattr(route, "original_router", None) is jobs.router
