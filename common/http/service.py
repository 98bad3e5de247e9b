"""A function's requests, each answered or refused in the one documented shape."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from flask import Request, Response

from common.errors import ProductError
from common.http.answers import problem, request_id_of, unexpected, with_cors
from common.http.identity import Identity, google_keys, identified
from common.http.tokens import Keys
from common.logs import log
from common.settings import Settings

if TYPE_CHECKING:
    from common.http.routing import Interface

ROOT = Path(__file__).parents[2]
FRAMES = 20
"""Innermost frames of a traceback that are logged."""


class Configured(Protocol):
    """The clients of a function, and how it is set up."""

    @property
    def settings(self) -> Settings:
        """Whom it lets in, and from where."""


def answered(
    request: Request, interface: Interface, services: Configured, keys: Keys | None = None
) -> Response:
    """The answer of the interface's route that the request names, or problem details."""
    return respond(
        request,
        services.settings,
        lambda asked, who: interface.router.answer(asked, who, services),
        keys,
    )


def respond(
    request: Request,
    settings: Settings,
    handler: Callable[[Request, Identity], Response],
    keys: Keys | None = None,
) -> Response:
    """The handler's answer to who asks, or its error as problem details; handles preflights."""
    request_id = request_id_of(request)
    # a preflight carries no token (Fetch standard), so nobody is asked for one
    if request.method == "OPTIONS":
        return with_cors(Response(status=204), request, settings)
    try:
        response = handler(request, identified(request, settings, keys or google_keys()))
    except ProductError as error:
        response = problem(error, request, request_id)
    except Exception as error:
        response = fault_of_our_own(error, request, request_id)
    response.headers["X-Request-Id"] = request_id
    return with_cors(response, request, settings)


def fault_of_our_own(error: Exception, request: Request, request_id: str) -> Response:
    """A 500 that tells nothing; its log line says where it happened, without any value."""
    log(
        "unexpected_error",
        "ERROR",
        reason=" from ".join(_names(error)),
        route=f"{request.method} {request.environ.get('conversions.route', request.path)}",
        frames=frames(error),
        request_id=request_id,
    )
    return problem(unexpected(), request, request_id)


def frames(error: BaseException) -> list[str]:
    """Where the error came from, as file:line function, innermost last; no line of code."""
    # the first error tells where it began; what was raised of it only tells who noticed
    cause = error.__cause__ or error
    found = traceback.extract_tb(cause.__traceback__)
    # no line of code and no message: both can quote a row
    return [f"{_short(each.filename)}:{each.lineno} {each.name}" for each in found[-FRAMES:]]


def _names(error: BaseException) -> list[str]:
    """Types of the error and its causes; a product error's code is no value of any row."""
    own = f"{type(error).__name__}({error.code})" if isinstance(error, ProductError) else ""
    rest = _names(error.__cause__) if error.__cause__ else []
    return [own or type(error).__name__, *rest]


def _short(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else "/".join(path.parts[-2:])
