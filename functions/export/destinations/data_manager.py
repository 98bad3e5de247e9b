"""The Data Manager API, spoken by Google's own client; shared by conversions and audiences.

API reference: developers.google.com/data-manager/api/reference/rest/v1
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal

from pydantic_core import to_json

from functions.export.contract.base import Built, Consent, Problem, fingerprint, present
from functions.export.payload import countries, identifiers
from functions.export.payload.rows import ConversionRow
from functions.export.transport import proto_json
from functions.export.transport.calls import Answer, Credential, Reply, Request, Unanswered
from functions.export.transport.results import Accepted, Halted, Refused, Result, Status, Unknown
from functions.export.transport.wire import Wire, unanswered

HOST = "https://datamanager.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/datamanager"

GOOGLE_ADS, HEX, GRANTED, DENIED = 1, 1, 1, 2
"""Account type, encoding and consent as google.ads.datamanager.v1 numbers them."""

PERMANENT_FOR_ALL = frozenset(
    """TERMS_AND_CONDITIONS_NOT_SIGNED PERMISSION_DENIED NOT_FOUND INVALID_DESTINATION
    INVALID_CONVERSION_ACTION_ID INVALID_CONVERSION_ACTION_TYPE INVALID_USER_LIST_ID
    INVALID_USER_LIST_TYPE OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH NOT_ALLOWLISTED
    ADVERTISER_TOS_NOT_ACCEPTED DESTINATION_ACCOUNT_TYPE_MISMATCH
    DESTINATION_ACCOUNT_NOT_ENABLED_ENHANCED_CONVERSIONS_FOR_LEADS
    DESTINATION_ACCOUNT_DATA_POLICY_PROHIBITS_ENHANCED_CONVERSIONS
    DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED
    EU_POLITICAL_ADVERTISING_DECLARATION_REQUIRED EVENT_SOURCE_AND_DESTINATION_MISMATCH""".split()
)
"""Reasons (google.ads.datamanager.v1.ErrorReason) that no other row could avoid."""

CURED_BY_TIME = frozenset({"INTERNAL_ERROR", "TOO_RECENT_CLICK"})
THERE_ALREADY = frozenset({"DUPLICATE_TRANSACTION_ID", "DUPLICATE_GCLID"})
"""Our own key came twice: the conversion is where it should be."""

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


def user_identifiers(row: ConversionRow, default_country: str | None) -> list[dict[str, Any]]:
    """Hashed e-mail, phone and, when all four parts are known, address; at most ten are taken."""
    country = countries.code(row.country)
    found: list[dict[str, Any]] = []
    if email := identifiers.email(row.email, "google"):
        found.append({"emailAddress": email})
    if phone := identifiers.phone(row.phone, country or default_country):
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


def consent(given: Consent) -> dict[str, int]:
    """Both consents as Google's enumeration."""
    return {
        "adUserData": GRANTED if given.user_data else DENIED,
        "adPersonalization": GRANTED if given.personalization else DENIED,
    }


def destination(config: Any, product_destination: str) -> dict[str, Any]:
    """Account and conversion action, or user list, that a request goes to."""
    return present(
        loginAccount=_account(config.login_account),
        operatingAccount=_account(config.operating_account),
        productDestinationId=product_destination,
    )


def _account(number: str | None) -> dict[str, Any]:
    return {"accountId": number, "accountType": GOOGLE_ADS} if number else {}


def built(key: str, message: proto_json.Message, group: str = "") -> Built:
    """A row as it stands in a request; its fingerprint leaves out when the row changed."""
    said = {name: value for name, value in message.items() if name != "lastUpdatedTimestamp"}
    return Built(key, proto_json.row(message), fingerprint(to_json(said)), group)


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
    from google.api_core import exceptions as google_errors
    from google.auth import exceptions as auth_errors
    from google.protobuf.json_format import ParseError
    from requests.exceptions import RequestException

    try:
        client = _client(wire, request.credential.details["quota_project"])
        kind = getattr(library(), type_name)
        message = kind.wrap(kind.pb()(**proto_json.fields(request.message)))
        done = getattr(client, method)(request=message, retry=None, timeout=wire.timeout[1])
    except google_errors.GoogleAPICallError as error:
        answered = error.response
        if answered is None:
            return Unanswered("no_answer", reached=True)
        headers = {name.lower(): value for name, value in answered.headers.items()}
        return Answer(answered.status_code, answered.content, headers)
    except auth_errors.TransportError:
        return Unanswered("token_endpoint_unreachable", reached=False)
    except auth_errors.GoogleAuthError:
        return Answer(401, b'{"error":{"status":"UNAUTHENTICATED"}}')
    except RequestException as error:
        return unanswered(error)
    except ParseError:
        return Answer(200, b"")
    return Answer(200, type(done).to_json(done, use_integers_for_enums=False).encode())


def _client(wire: Wire, quota_project: str) -> Any:
    """The client over REST; its own scopes would silently become cloud-platform, so ours are
    given with the credentials."""

    def build() -> Any:
        endpoint = wire.at(HOST)
        return library().IngestionServiceClient(
            transport="rest",
            credentials=wire.google((SCOPE,), quota_project or None),
            client_options={"api_endpoint": endpoint} if endpoint != HOST else None,
        )

    return wire.once(("google_ads", quota_project), build)


def read(reply: Answer) -> Result:
    """What Google says of a whole request: it takes all rows or none, and names the bad ones."""
    body = reply.json()
    if reply.status == 200:
        request_id = body.get("requestId") if isinstance(body, Mapping) else None
        return Accepted(request_id) if request_id else Unknown("no_request_id")
    error = body.get("error", {}) if isinstance(body, Mapping) else {}
    reason = _reason(error)
    if reply.status in (401, 403, 404):
        return Halted(reason, "Give the function's account access to the Google Ads account.")
    violations = [
        violation
        for detail in error.get("details", [])
        for violation in detail.get("fieldViolations", [])
    ]
    if account := next((v for v in violations if _concerns_account(v)), None):
        return Halted(
            account.get("reason") or reason,
            "Mend the account or the conversion action in Google Ads.",
        )
    failures = {
        int(index[1]): violation.get("reason") or reason
        for violation in violations
        if (index := _INDEX.search(violation.get("field", "")))
    }
    return Refused(reason, failures)


def _reason(error: Mapping[str, Any]) -> str:
    named = [detail["reason"] for detail in error.get("details", []) if detail.get("reason")]
    return str((named or [error.get("status") or "refused"])[0])


def _concerns_account(violation: Mapping[str, Any]) -> bool:
    field = violation.get("field", "")
    return (
        violation.get("reason") in PERMANENT_FOR_ALL
        or "destination_references" in field
        or field.startswith("destinations")
    )


def refusals(reply: Reply, what: str) -> list[Problem]:
    """What stands in the way of a request that Google was asked to validate only."""
    if isinstance(reply, Unanswered):
        return [Problem("unreachable", "Google did not answer.", "Try again later.")]
    result = read(reply)
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


def status(body: Any) -> Status:
    """The state and counts in a requestStatus answer; our own duplicates count as successes."""
    per_destination = (body or {}).get("requestStatusPerDestination", [])
    if not per_destination:
        return Status("processing")
    told = per_destination[0]
    counts: dict[str, int] = {}
    for each in told.get("errorInfo", {}).get("errorCounts", []):
        counts[_short(each.get("reason", ""))] = int(each.get("recordCount", 0))
    failed = {reason: count for reason, count in counts.items() if reason not in THERE_ALREADY}
    state = _STATES.get(told.get("requestStatus", ""), "processing")
    if state in ("partial", "failed") and counts and not failed:
        state = "success"
    return Status(state, failed, frozenset(failed) & CURED_BY_TIME)


def _short(reason: str) -> str:
    return re.sub(r"^PROCESSING_ERROR_(REASON_)?", "", reason)
