"""The Data Manager API; shared by conversions and audiences.

Rows are written here and not by Google's own client, which makes a message of each and writes that:
ten times the work. The tests read every body by the client's types.

API reference: developers.google.com/data-manager/api/reference/rest/v1
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar, Literal, TypeVar
from urllib.parse import urlencode

from pydantic_core import to_json

from common.errors import UserError
from common.untyped import JsonObject, Row
from functions.export.contract.base import (
    Built,
    Consent,
    Destination,
    Problem,
    canonical,
    fingerprint,
    present,
)
from functions.export.contract.config import DestinationConfig
from functions.export.destinations import codes
from functions.export.payload import countries, identifiers
from functions.export.payload.rows import ConversionRow
from functions.export.transport import foreign
from functions.export.transport.calls import Answer, Credential, Reply, Request, Unanswered
from functions.export.transport.results import Accepted, Cause, Halted, Result, Status, Unknown
from functions.export.transport.wire import Wire

HOST = "https://datamanager.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/datamanager"

MOST_IDENTIFIERS = 10
"""As many as Google takes of one person."""

GOOGLE_ADS, HEX, GRANTED, DENIED = 1, 1, 1, 2
"""Account type, encoding and consent as google.ads.datamanager.v1 numbers them."""

POSTAL_CODE = re.compile(r"[A-Za-z0-9](?:[ -]?[A-Za-z0-9]){1,11}")
"""Letters and digits, as all countries write them."""

_INDEX = re.compile(r"(?:events|audience_?[mM]embers)\[(\d+)\]")


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
    postal_code = (row.postal_code or "").strip()
    # Google takes it in clear: a hash or a sentence there would have the whole person refused
    if given and family and country and POSTAL_CODE.fullmatch(postal_code):
        address = {
            "givenName": given,
            "familyName": family,
            "regionCode": country,
            "postalCode": postal_code,
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
    """An address in the order of the reference: kept texts have their keys sorted."""
    address = identifier.get("address")
    if address is None:
        return identifier
    return {"address": {name: address[name] for name in _ADDRESS if name in address}}


@cache
def consent(given: Consent) -> Mapping[str, int]:
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
    key: str,
    message: JsonObject,
    group: str = "",
    members: tuple[str, ...] = (),
    changed: datetime | None = None,
) -> Built:
    """A row written once; its fingerprint leaves out when the row changed."""
    text = to_json(message)
    stamp = b'{"lastUpdatedTimestamp":"%s",' % timestamp(changed).encode() if changed else b"{"
    return Built(key, stamp + text[1:], fingerprint(text), group, members)


def request(path: str, body: bytes, quota_project: str | None, method: str = "POST") -> Request:
    """A request under the scope of the API."""
    credential = Credential("google", SCOPE, "", {"quota_project": quota_project or ""})
    return Request(f"{HOST}{path}", body, credential, method=method)


T = TypeVar("T", bound=DestinationConfig)


class DataManager(Destination[T]):
    """What conversions and audiences have in common: answers, their causes, and later ones."""

    quiet: ClassVar[tuple[str, ...]] = ("USER_ID_NOT_FOUND", "MATCH_ID_NOT_FOUND")
    """Organic people, whom Google does not know by an ad: no alarm."""

    def read(self, reply: Answer, batch: Sequence[Built]) -> Result:
        return read(reply, len(batch))

    def cause(self, reason: str) -> Cause:
        return cause(reason)

    def poll(self, request_id: str, wire: Wire) -> Status | None:
        config: Any = self.config
        return retrieve_status(wire, request_id, config.quota_project)


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with as many digits as it takes, in threes."""
    written = moment.astimezone(UTC).isoformat().removesuffix("+00:00")
    micros = moment.microsecond
    return f"{written[:-3]}Z" if micros and micros % 1000 == 0 else f"{written}Z"


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
    # before the rows: one such violation explains all of them, and halting keeps them due
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


def not_created(reply: Reply) -> UserError:
    """Why Google makes no list, in its own words."""
    error = foreign.mapping(
        foreign.inside(reply.json(), "error") if isinstance(reply, Answer) else None
    )
    reason = _reason(error) or "no_answer"
    return UserError(
        f"Google made no list: {reason}.",
        code="audience_not_created",
        fix="Give the function's account access to the Google Ads account; an account that may "
        "not use Customer Match, or has a list of this name, gets none.",
    )


def retrieve_status(wire: Wire, request_id: str, quota_project: str | None) -> Status | None:
    """Counts per reason of an earlier request; None when Google did not answer."""
    asked = urlencode({"requestId": request_id})
    path = f"/v1/requestStatus:retrieve?{asked}"
    reply = wire.exchange(request(path, b"", quota_project, "GET"))
    if not isinstance(reply, Answer):
        return None
    if reply.status == 200:
        return status(reply.json())
    # any other refusal says nothing of the request, and another time it may be answered
    error = foreign.mapping(foreign.inside(reply.json(), "error"))
    return Status("forgotten") if _reason(error) in FORGOTTEN else None


FORGOTTEN = ("REQUEST_TOO_OLD", "INVALID_REQUEST_ID", "NOT_FOUND")
"""Why Google tells nothing more of a request: some fifty days are over, or it was only validated.
"""


_STATES: dict[str, Literal["processing", "success", "partial", "failed"]] = {
    "PROCESSING": "processing",
    "SUCCESS": "success",
    "PARTIAL_SUCCESS": "partial",
    "FAILED": "failed",
}


def status(body: Any) -> Status:
    """The state and counts in a requestStatus answer; our own duplicates count as successes, and
    what cannot be read as not yet decided."""
    shown = next(foreign.objects(foreign.inside(body, "requestStatusPerDestination")), {})
    counts: dict[str, int] = {}
    for each in foreign.objects(foreign.inside(shown, "errorInfo", "errorCounts")):
        reason = _short(foreign.word(each.get("reason")))
        count = max(0, foreign.whole(each.get("recordCount")) or 0)
        counts[reason] = counts.get(reason, 0) + count
    failed = {reason: count for reason, count in counts.items() if later(reason) is not Cause.DONE}
    state = _STATES.get(foreign.text(shown.get("requestStatus")), "processing")
    if state in ("partial", "failed") and counts and not failed:
        state = "success"
    return Status(
        state,
        failed,
        resend=frozenset(reason for reason in failed if later(reason) is Cause.AGAIN),
        account=frozenset(reason for reason in failed if later(reason) in _OF_NO_ROW),
    )


_OF_NO_ROW = (Cause.ACCOUNT, Cause.UNLISTED)


def _short(reason: str) -> str:
    return re.sub(r"^PROCESSING_ERROR_(REASON_)?", "", reason) or "UNSPECIFIED"
