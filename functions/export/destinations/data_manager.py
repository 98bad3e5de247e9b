"""The Data Manager API, spoken by Google's own client; shared by conversions and audiences.

API reference: developers.google.com/data-manager/api/reference/rest/v1
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Literal

from pydantic_core import to_json

from common.untyped import JsonObject, Row
from functions.export.contract.base import Built, Consent, Problem, canonical, fingerprint, present
from functions.export.destinations import codes
from functions.export.payload import countries, identifiers
from functions.export.payload.rows import ConversionRow
from functions.export.transport import foreign, proto_json
from functions.export.transport.calls import Answer, Credential, Reply, Request, Unanswered
from functions.export.transport.results import Accepted, Cause, Halted, Result, Status, Unknown
from functions.export.transport.wire import Wire, unanswered

HOST = "https://datamanager.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/datamanager"

MOST_IDENTIFIERS = 10
"""As many as Google takes of one person."""

GOOGLE_ADS, HEX, GRANTED, DENIED = 1, 1, 1, 2
"""Account type, encoding and consent as google.ads.datamanager.v1 numbers them."""

_INDEX = re.compile(r"(?:events|audience_?[mM]embers)\[(\d+)\]")


@cache
def library() -> Any:
    """Google's own types; imported when first used, for quick cold starts."""
    from google.ads import datamanager_v1

    return datamanager_v1


def click_id(row: ConversionRow) -> dict[str, str]:
    """One click id: gclid, else gbraid, else wbraid; Google takes no two of them together."""
    for name in ("gclid", "gbraid", "wbraid"):
        if value := getattr(row, name):
            return {name: value}
    return {}


def user_identifiers(row: ConversionRow, default_country: str | None) -> list[JsonObject]:
    """Hashed e-mail, phone and, when all four parts are known, address; at most ten are taken."""
    country = countries.code(row.country)
    found: list[JsonObject] = []
    if email := identifiers.email(row.email, "google"):
        found.append({"emailAddress": email})
    if phone := identifiers.phone(row.phone, row.phone_country(default_country)):
        found.append({"phoneNumber": phone})
    given = identifiers.google_name(row.first_name)
    family = identifiers.google_name(row.last_name)
    if given and family and country and row.postal_code:
        address = {
            "givenName": given,
            "familyName": family,
            "regionCode": country,
            "postalCode": row.postal_code.strip(),
        }
        found.append({"address": address})
    return found


_ADDRESS = ("givenName", "familyName", "regionCode", "postalCode")


def known_by(people: Sequence[Row]) -> tuple[str, ...]:
    """Each identifier as it is kept until the person has left."""
    return tuple([_kept(each) for each in people])


def _kept(identifier: Row) -> str:
    """The identifier's canonical JSON; a hash alone needs no writer, which costs five times as much
    as the hash."""
    if "address" in identifier:
        return canonical(identifier).decode()
    [(name, digest)] = identifier.items()
    return f'{{"{name}":"{digest}"}}'


def kept_people(members: Sequence[str]) -> list[JsonObject]:
    """The identifiers that were kept."""
    return [_in_order(json.loads(text)) for text in members][:MOST_IDENTIFIERS]


def _in_order(identifier: JsonObject) -> JsonObject:
    """An address as Google's own client writes it: kept texts have their keys sorted."""
    address = identifier.get("address")
    if address is None:
        return identifier
    return {"address": {name: address[name] for name in _ADDRESS if name in address}}


def consent(given: Consent) -> dict[str, int]:
    """Both consents as Google's enumeration."""
    return {
        "adUserData": GRANTED if given.user_data else DENIED,
        "adPersonalization": GRANTED if given.personalization else DENIED,
    }


def destination(config: Any, product_destination: str) -> JsonObject:
    """Account and conversion action, or user list, that a request goes to."""
    return present(
        loginAccount=_account(config.login_account),
        operatingAccount=_account(config.operating_account),
        productDestinationId=product_destination,
    )


def _account(number: str | None) -> JsonObject:
    return {"accountId": number, "accountType": GOOGLE_ADS} if number else {}


def built(
    key: str, message: proto_json.Message, group: str = "", members: tuple[str, ...] = ()
) -> Built:
    """A row as it stands in a request; its fingerprint leaves out when the row changed."""
    said = {name: value for name, value in message.items() if name != "lastUpdatedTimestamp"}
    return Built(key, proto_json.row(message), fingerprint(to_json(said)), group, members)


def rows_request(
    path: str,
    message: proto_json.Message,
    name: str,
    rows: Sequence[proto_json.Written],
    quota_project: str | None,
) -> Request:
    """The request with these rows in its list `name`, as the official client writes it."""
    whole = {**message, name: [row.message for row in rows]}
    body = proto_json.with_rows(message, name, rows)
    return _request(path, whole, body, quota_project)


def client_request(path: str, message: proto_json.Message, quota_project: str | None) -> Request:
    """The request as the official client writes it, byte for byte."""
    return _request(path, message, proto_json.text(message), quota_project)


def _request(
    path: str, message: proto_json.Message, body: str, quota_project: str | None
) -> Request:
    credential = Credential("google", SCOPE, "", {"quota_project": quota_project or ""})
    return Request(f"{HOST}{path}", body.encode(), credential, message=message)


def call(wire: Wire, request: Request, method: str, type_name: str) -> Reply:
    """The official client's answer to one request, without its retries: ours are one for all."""
    from google.auth import exceptions as auth_errors
    from requests.exceptions import RequestException

    answers = wire.once(("google_answers", request.credential.details["quota_project"]), Answers)
    try:
        client = _client(wire, request.credential.details["quota_project"])
    except auth_errors.GoogleAuthError:
        return Answer(401, b'{"error":{"status":"UNAUTHENTICATED"}}')
    kind = getattr(library(), type_name)
    message = kind.wrap(kind.pb()(**proto_json.fields(request.message)))
    answers.last = None
    try:
        done = getattr(client, method)(request=message, retry=None, timeout=wire.timeout[1])
        return Answer(200, type(done).to_json(done, use_integers_for_enums=False).encode())
    except auth_errors.TransportError:
        return Unanswered("token_endpoint_unreachable", reached=False)
    except auth_errors.GoogleAuthError:
        return Answer(401, b'{"error":{"status":"UNAUTHENTICATED"}}')
    except RequestException as error:
        return unanswered(error)
    except Exception:
        # an error of Google's, or an answer that is none and that the client stumbles over: what
        # came says more than the exception
        return answers.last or Unanswered("no_answer", reached=True)


def _client(wire: Wire, quota_project: str) -> Any:
    """The client over REST; its own scopes would silently become cloud-platform, so ours are
    given with the credentials."""

    def build() -> Any:
        endpoint = wire.at(HOST)
        client = library().IngestionServiceClient(
            transport="rest",
            credentials=wire.google((SCOPE,), quota_project or None),
            client_options={"api_endpoint": endpoint} if endpoint != HOST else None,
        )
        hooks = client.transport._session.hooks["response"]
        hooks.append(wire.once(("google_answers", quota_project), Answers).keep)
        return client

    return wire.once(("google_ads", quota_project), build)


class Answers:
    """The latest answer as it came, for when the client cannot make its own type of it."""

    def __init__(self) -> None:
        self.last: Answer | None = None

    def keep(self, response: Any, *_: Any, **__: Any) -> None:
        """Called with each response, before the client reads it."""
        headers = {name.lower(): value for name, value in response.headers.items()}
        self.last = Answer(response.status_code, response.content, headers)


def read(reply: Answer, rows: int) -> Result:
    """What Google says of a whole request: it takes all rows or none, and names the bad ones."""
    body = reply.json()
    if reply.status == 200:
        request_id = foreign.word(foreign.inside(body, "requestId"))
        return Accepted(request_id) if request_id else Unknown("no_request_id")
    error = foreign.mapping(foreign.inside(body, "error"))
    reason = _reason(error) or f"http_{reply.status}"
    if reply.status in (401, 403, 404):
        return Halted(reason, "Give the function's account access to the Google Ads account.")
    violations = [
        violation
        for detail in foreign.objects(error.get("details"))
        for violation in foreign.objects(detail.get("fieldViolations"))
    ]
    if account := next((v for v in violations if _concerns_account(v)), None):
        return Halted(
            foreign.word(account.get("reason")) or reason,
            "Mend the account or the conversion action in Google Ads.",
        )
    failures = dict(_failures(violations, reason, rows))
    first = next(iter(failures.values()), reason)
    others = {foreign.word(violation.get("reason")) for violation in violations} - {""}
    whole = next((each for each in sorted(others) if cause(each) not in _OF_ROWS), first)
    return codes.meaning(cause(whole), whole, FIX, failures)


FIX = "Mend the account or the conversion action in Google Ads; Google's reason says which."
_OF_ROWS = (Cause.ROW, Cause.UNLISTED)


def cause(reason: str) -> Cause:
    """Whose fault a reason is that came at once; of what comes later see `later`."""
    if reason.startswith(codes.GOOGLE_FAMILIES):
        return Cause.ACCOUNT
    return codes.GOOGLE.get(reason, Cause.UNLISTED)


def later(reason: str) -> Cause:
    """Whose fault a reason is that came with the status of a request."""
    return codes.GOOGLE_LATER.get(reason, Cause.UNLISTED)


def _failures(violations: Sequence[Row], reason: str, rows: int) -> Iterator[tuple[int, str]]:
    """The rows that violations name, each with its reason."""
    for violation in violations:
        index = _INDEX.search(foreign.text(violation.get("field")))
        row = foreign.whole(index[1]) if index else None
        if row is not None and row < rows:
            yield row, foreign.word(violation.get("reason")) or reason


def _reason(error: Row) -> str:
    reasons = [
        foreign.word(detail.get("reason")) for detail in foreign.objects(error.get("details"))
    ]
    named = [reason for reason in reasons if reason]
    return next(iter(named), foreign.word(error.get("status")))


def _concerns_account(violation: Row) -> bool:
    field = foreign.text(violation.get("field"))
    return (
        cause(foreign.word(violation.get("reason"))) is Cause.ACCOUNT
        or "destination_references" in field
        or field.startswith("destinations")
    )


def refusals(reply: Reply, what: str) -> list[Problem]:
    """What stands in the way of a request that Google was asked to validate only."""
    if isinstance(reply, Unanswered):
        return [Problem("unreachable", "Google did not answer.", "Try again later.")]
    result = read(reply, 1)
    if isinstance(result, Halted):
        return [Problem(result.reason, f"{what}: {result.reason}.", result.fix)]
    return []


def retrieve_status(wire: Wire, request_id: str, quota_project: str | None) -> Status | None:
    """Counts per reason of an earlier request; None when Google did not answer."""
    asked = {"requestId": request_id}
    request = client_request("/v1/requestStatus:retrieve", asked, quota_project)
    reply = call(wire, request, "retrieve_request_status", "RetrieveRequestStatusRequest")
    if not isinstance(reply, Answer):
        return None
    if reply.status in (400, 404):
        return Status("forgotten")
    return status(reply.json()) if reply.status == 200 else None


_STATES: dict[str, Literal["processing", "success", "partial", "failed"]] = {
    "PROCESSING": "processing",
    "SUCCESS": "success",
    "PARTIAL_SUCCESS": "partial",
    "FAILED": "failed",
}

QUIET = ("USER_ID_NOT_FOUND", "MATCH_ID_NOT_FOUND")
"""How reasons begin that tell of organic people, whom Google does not know by an ad: no alarm."""


def status(body: Any) -> Status:
    """The state and counts in a requestStatus answer; our own duplicates count as successes, and
    what cannot be read as not yet decided."""
    shown = next(foreign.objects(foreign.inside(body, "requestStatusPerDestination")), {})
    counts: dict[str, int] = {}
    for each in foreign.objects(foreign.inside(shown, "errorInfo", "errorCounts")):
        reason = _short(foreign.word(each.get("reason")))
        counts[reason] = max(0, foreign.whole(each.get("recordCount")) or 0)
    failed = {reason: count for reason, count in counts.items() if later(reason) is not Cause.DONE}
    state = _STATES.get(foreign.text(shown.get("requestStatus")), "processing")
    if state in ("partial", "failed") and counts and not failed:
        state = "success"
    return Status(
        state,
        failed,
        resend=frozenset(reason for reason in failed if later(reason) is Cause.AGAIN),
        account=frozenset(reason for reason in failed if later(reason) is Cause.ACCOUNT),
    )


def _short(reason: str) -> str:
    return re.sub(r"^PROCESSING_ERROR_(REASON_)?", "", reason) or "UNSPECIFIED"
