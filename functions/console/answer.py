"""What the console answers to a request: a file of the page, or what a function behind it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Request, Response

from common.errors import AccessError, MethodError, NotFoundError, ProductError
from common.http.answers import problem, request_id_of
from common.http.service import fault_of_our_own
from functions.console.forward import ASSERTION, Upstreams
from functions.console.page import Page

GUARDS: Mapping[str, str] = {
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    # plain same-origin would cut off the window in which a person signs in again
    "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
    "Cross-Origin-Resource-Policy": "same-origin",
}
SAFE = frozenset(["GET", "HEAD"])


@dataclass(frozen=True)
class Services:
    """The built page, the functions behind it, and who uses a machine of one's own."""

    page: Page
    upstreams: Upstreams
    local_user: str = ""


def respond(request: Request, services: Services) -> Response:
    """The answer to one request, problem details included; no answer may be framed or sniffed."""
    try:
        response = _answered(request, services)
    except ProductError as error:
        response = problem(error, request, request_id_of(request))
    except Exception as error:
        response = fault_of_our_own(error, request, request_id_of(request))
    for name, value in GUARDS.items():
        # what a page of its own has set stays
        response.headers.setdefault(name, value)
    return response


def _answered(request: Request, services: Services) -> Response:
    function = request.path.split("/")[1]
    if function in services.upstreams.names:
        # before the function is asked: its own refusal would come from an address that nobody knows
        _require_person(request, services)
        _require_own_page(request)
        return services.upstreams.forward(request)
    if request.method not in SAFE:
        raise MethodError(
            f"{request.method} does not work on {request.path}.",
            fix="It takes GET.",
            allowed=["GET"],
        )
    if function == "assets":
        return services.page.asset(request)
    # any other path is a page of the browser's own router
    if "." in request.path.rpartition("/")[2]:
        raise NotFoundError(
            f"There is no file {request.path}.",
            code="no_such_file",
            fix="Open the start page of the console and go on from there.",
        )
    return services.page.index(request)


def _require_person(request: Request, services: Services) -> None:
    """Identity-Aware Proxy has let a person in, or this is one's own machine.

    The functions behind verify the assertion themselves: here its absence alone is judged.
    """
    if not (services.local_user or request.headers.get(ASSERTION)):
        raise AccessError(
            "The request did not come through Identity-Aware Proxy.",
            code="not_signed_in",
            fix="Open the console by its own address and sign in.",
        )


def _require_own_page(request: Request) -> None:
    """The proxy's cookie goes along with requests of any site, so what changes something must come
    from this page: browsers say so in Sec-Fetch-Site, older ones in Origin.

    Source: https://cheatsheetseries.owasp.org, Cross-Site Request Forgery Prevention.
    """
    if request.method in SAFE:
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin", "")
    own = site == "same-origin" if site else origin.partition("://")[2] == request.host
    if not own or request.headers.get("X-Requested-With") != "XMLHttpRequest":
        raise AccessError(
            "The request was not sent by the console's own page.",
            code="cross_site",
            fix="Reload the page and try again; programs call the functions themselves.",
        )
