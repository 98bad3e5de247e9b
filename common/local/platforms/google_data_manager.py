"""Stand-in for Google's Data Manager API: conversions and audience members.

Requests are parsed with Google's own protos, unknown fields refused. Sources of the rules:
[limits]  developers.google.com/data-manager/api/limits
[ingest]  developers.google.com/data-manager/api/reference/rest/v1/events/ingest
[adjust]  developers.google.com/data-manager/api/devguides/events/google-ads/conversion-adjustments
[format]  developers.google.com/data-manager/api/devguides/concepts/formatting
[fields]  developers.google.com/data-manager/api/devguides/events/field-mappings
[status]  developers.google.com/data-manager/api/devguides/diagnostics
[errors]  the enumerations of google-ads-datamanager 0.9.4
[lists]   .../reference/rest/v1/accountTypes.accounts.userLists (release 1.5 of 2026-02-17)
[live]    what implementers saw against the real service: github.com/superdesigndev/treg, PR 151
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from google.ads import datamanager_v1 as dm
from google.protobuf.json_format import ParseError

from common.local.platforms.standin import Call, Held, Reply, StandIn, utc_now

SCOPE = "https://www.googleapis.com/auth/datamanager"
HASHED = re.compile(r"[0-9a-f]{64}")
CURRENCY = re.compile(r"[A-Z]{3}")
NO_CURRENCY = frozenset({"XXX", "ZZZ", "ABC", "AAA"})
MAXIMUM_AGE = timedelta(days=90)  # [errors] EVENT_TOO_OLD; 90 days is what two implementers use
PROCESSING = timedelta(minutes=30)  # [status] the first poll is worth it after 30 minutes
REMEMBERED = timedelta(days=50)  # [errors] REQUEST_TOO_OLD
MINUTE_QUOTA = 300  # [limits] requests a minute for one project

LISTS = re.compile(r"/v1/accountTypes/GOOGLE_ADS/accounts/(\d+)/userLists(/\d+)?")

FILTER = re.compile(r'(\w+) = ("(?:[^"\\]|\\.)*")')

Violation = tuple[str, str]


class GoogleDataManager(StandIn):
    """Accepts all rows of a request or none; keeps conversions by action and transaction id."""

    name = "google"
    hosts = ("https://datamanager.googleapis.com",)

    def __init__(
        self,
        clock: Callable[[], datetime] = utc_now,
        *,
        actions: frozenset[str] = frozenset({"987654321"}),
        accounts: frozenset[str] = frozenset({"1234567890"}),
        user_lists: frozenset[str] = frozenset({"777"}),
        custom_variables: frozenset[str] = frozenset({"plan"}),
        merchants: frozenset[str] = frozenset({"135792468"}),
        enhanced_conversions_terms_signed: bool = True,
    ) -> None:
        super().__init__(clock)
        self.actions = actions
        self.accounts = accounts
        self.user_lists = user_lists
        self.lists: dict[str, dict[str, Any]] = {}
        """[lists] those that were created here, as they are shown."""
        self.custom_variables = custom_variables
        self.merchants = merchants
        self.terms_signed = enhanced_conversions_terms_signed
        self.members: dict[tuple[str, str], datetime] = {}
        self.later: dict[str, str] = {}
        """Transaction id, gclid or hashed identifier → reason for which the event or member is
        refused after having been accepted."""
        self._requests: dict[str, tuple[datetime, int, dict[str, int]]] = {}
        self._minute: tuple[datetime, int] = (clock(), 0)

    def answer(self, call: Call) -> Reply:
        if refusal := self._unauthorized(call) or self._over_quota():
            return refusal
        match call.method, call.path:
            case "POST", "/v1/events:ingest":
                return self._ingest_events(call)
            case "POST", "/v1/audienceMembers:ingest":
                return self._members(call, dm.IngestAudienceMembersRequest, adding=True)
            case "POST", "/v1/audienceMembers:remove":
                return self._members(call, dm.RemoveAudienceMembersRequest, adding=False)
            case "GET", "/v1/requestStatus:retrieve":
                return self._status(call.query.get("requestId", ""))
        account = LISTS.fullmatch(call.path)
        if account and account[1] not in self.accounts:
            return error(403, "PERMISSION_DENIED", "PERMISSION_DENIED")
        if account and account[2] and call.method == "GET":
            return self._shown(account[2].removeprefix("/"))
        if account and call.method == "GET":
            return self._listed(call.query.get("filter", ""))
        if account and not account[2] and call.method == "POST":
            return self._create(account[1], call)
        return super().answer(call)

    def _create(self, account: str, call: Call) -> Reply:
        """[lists] a list of contact information; its name is free, and its duration whole days."""
        try:
            wanted = dm.UserList.from_json(call.body, ignore_unknown_fields=False)
        except ParseError as fault:
            return error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", message=str(fault))
        seconds = wanted.membership_duration.total_seconds()
        named = [each["displayName"] for each in self.lists.values()]
        violations = [
            (field, reason)
            for wrong, field, reason in (
                (not wanted.display_name, "display_name", "REQUIRED_FIELD_MISSING"),
                (wanted.display_name in named, "display_name", "USER_LIST_NAME_ALREADY_USED"),
                (seconds % 86_400, "membership_duration", "INVALID_ARGUMENT"),
                (seconds > 540 * 86_400, "membership_duration", "MEMBERSHIP_DURATION_TOO_LONG"),
                (
                    [int(each) for each in wanted.ingested_user_list_info.upload_key_types] != [1],
                    "ingested_user_list_info.upload_key_types",
                    "REQUIRED_FIELD_MISSING",
                ),
            )
            if wrong
        ]
        if violations:
            return refused(violations)
        id = str(778 + len(self.lists))
        self.user_lists |= {id}
        self.lists[id] = {
            "name": f"accountTypes/GOOGLE_ADS/accounts/{account}/userLists/{id}",
            "id": id,
            "displayName": wanted.display_name,
            "description": wanted.description,
            "membershipDuration": f"{seconds:.0f}s",
        }
        return Reply(200, self.lists[id])

    def _listed(self, filter: str) -> Reply:
        """[lists] those that the filter names (google.aip.dev/160, only = and AND here)."""
        wanted = {field: json.loads(value) for field, value in FILTER.findall(filter)}
        shown = [
            each
            for each in self.lists.values()
            if all(each.get(field) == value for field, value in wanted.items())
        ]
        # an empty list is left out, as protocol buffers have it
        return Reply(200, {"userLists": shown} if shown else {})

    def _shown(self, id: str) -> Reply:
        """[lists] int64 are texts; counts are estimates, here of each identifier."""
        if id not in self.user_lists:
            return error(404, "NOT_FOUND", "NOT_FOUND")
        count = str(sum(user_list == id for user_list, _ in self.members))
        sizes = {"displayNetworkMembersCount": count, "searchNetworkMembersCount": count}
        matched = {"contactIdInfo": {"matchRatePercentage": 64}}
        listed = self.lists.get(id, {"id": id})
        return Reply(200, {**listed, "sizeInfo": sizes, "ingestedUserListInfo": matched})

    def _unauthorized(self, call: Call) -> Reply | None:
        # [ingest] OAuth scope datamanager; the test's metadata server mints "token <scope>"
        token = call.headers.get("authorization", "").removeprefix("Bearer ")
        if not token:
            return error(401, "UNAUTHENTICATED", "CREDENTIALS_MISSING")
        if token == "expired":
            return error(401, "UNAUTHENTICATED", "ACCESS_TOKEN_EXPIRED")
        if SCOPE not in token:
            return error(401, "UNAUTHENTICATED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT")
        return None

    def _over_quota(self) -> Reply | None:
        began, count = self._minute
        if self.clock() - began >= timedelta(minutes=1):
            began, count = self.clock(), 0
        self._minute = (began, count + 1)
        if count >= MINUTE_QUOTA:
            return error(429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED")
        return None

    def _ingest_events(self, call: Call) -> Reply:
        try:
            request = dm.IngestEventsRequest.from_json(call.body, ignore_unknown_fields=False)
        except ParseError as fault:
            return error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", message=str(fault))
        violations = list(self._request_violations(request))
        if violations:
            return refused(violations)
        if request.validate_only:
            return Reply(200, {"requestId": f"validated-{len(self.calls)}"})
        return Reply(200, {"requestId": self._accept(request)})

    def _request_violations(self, request: Any) -> Iterator[Violation]:
        yield from self._destination_violations(request, self.actions, "CONVERSION_ACTION_ID")
        if not request.events:
            yield "events", "REQUIRED_FIELD_MISSING"
        if len(request.events) > 2000:  # [limits]
            yield "events", "TOO_MANY_EVENTS"
        with_people = any("user_data" in event for event in request.events)
        if with_people and not request.encoding:  # [ingest] required for user data
            yield "encoding", "REQUIRED_FIELD_MISSING"
        for index, event in enumerate(request.events):
            for field, reason in self._event_violations(event, request):
                yield f"events.events[{index}].{field}".rstrip("."), reason

    def _destination_violations(
        self, request: Any, known: frozenset[str], what: str
    ) -> Iterator[Violation]:
        if not request.destinations:
            yield "destinations", "REQUIRED_FIELD_MISSING"
        if len(request.destinations) > 10:  # [limits]
            yield "destinations", "TOO_MANY_DESTINATIONS"
        for index, place in enumerate(request.destinations):
            account = place.operating_account
            if not re.fullmatch(r"\d{10}", account.account_id) or not account.account_type:
                yield f"destinations.destinations[{index}].operating_account", "INVALID_DESTINATION"
            elif account.account_id not in self.accounts:
                yield f"destinations.destinations[{index}].operating_account", "PERMISSION_DENIED"
            if place.product_destination_id not in known:
                yield (
                    f"destinations.destinations[{index}].product_destination_id",
                    f"INVALID_{what}",
                )

    def _event_violations(self, event: Any, request: Any) -> Iterator[Violation]:
        if not event.event_timestamp:  # [ingest] required
            yield "event_timestamp", "REQUIRED_FIELD_MISSING"
        else:
            happened = _aware(event.event_timestamp)
            if happened > self.clock() or self.clock() - happened > MAXIMUM_AGE:
                yield "event_timestamp", "EVENT_TIME_INVALID"
        if not event.event_source:  # [fields] required for offline conversions since v1.2
            yield "event_source", "REQUIRED_FIELD_MISSING"
        if event.transaction_id.isdigit() and not request.validate_only:  # [live]
            yield "", "INVALID_ARGUMENT"
        if "conversion_value" in event and not event.currency:
            yield "currency", "REQUIRED_FIELD_MISSING"
        if event.currency and (
            not CURRENCY.fullmatch(event.currency) or event.currency in NO_CURRENCY
        ):
            yield "currency", "INVALID_CURRENCY_CODE"
        clicks = [
            name for name in ("gclid", "gbraid", "wbraid") if getattr(event.ad_identifiers, name)
        ]
        if len(clicks) > 1:
            yield "ad_identifiers", "INVALID_ARGUMENT"
        if not clicks and not event.user_data.user_identifiers:  # [errors]
            yield "", "NO_IDENTIFIERS_PROVIDED"
        if event.user_data.user_identifiers and not self.terms_signed:
            yield (
                "destination_references[0]",
                "DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED",
            )
        for index, each in enumerate(event.custom_variables):  # [errors]
            if each.variable not in self.custom_variables:
                yield f"custom_variables[{index}].variable", "CUSTOM_VARIABLE_NOT_FOUND"
            if "@" in each.value:
                yield f"custom_variables[{index}].value", "CUSTOM_VARIABLE_VALUE_CONTAINS_PII"
        if "cart_data" in event:
            if event.cart_data.merchant_id not in self.merchants:  # [errors]
                yield "cart_data.merchant_id", "INVALID_MERCHANT_ID"
            for index, each in enumerate(event.cart_data.items):
                if not each.merchant_product_id or each.quantity < 1:
                    yield f"cart_data.items[{index}]", "REQUIRED_FIELD_MISSING"
        yield from _person_violations(event.user_data)

    def _accept(self, request: Any) -> str:
        request_id = f"r-{len(self._requests) + 1}"
        failures: dict[str, int] = {}
        for event in request.events:
            reason = self.later.get(event.transaction_id) or self.later.get(
                event.ad_identifiers.gclid
            )
            if reason:
                failures[reason] = failures.get(reason, 0) + 1
                continue
            for place in request.destinations:
                self._hold(place, event)
        self._requests[request_id] = (self.clock(), len(request.events), failures)
        return request_id

    def _hold(self, place: Any, event: Any) -> None:
        """[adjust] a known transaction id is adjusted, an unknown one becomes a conversion."""
        # without an id nothing can be matched, so each such event is a conversion of its own
        identity = event.transaction_id or f"#{len(self.held)}"
        key = (place.product_destination_id, identity)
        self.held[key] = Held(
            key=key,
            value=event.conversion_value if "conversion_value" in event else None,
            currency=event.currency or None,
            time=_aware(event.event_timestamp),
            received=self.clock(),
        )

    def _members(self, call: Call, kind: Any, *, adding: bool) -> Reply:
        try:
            request = kind.from_json(call.body, ignore_unknown_fields=False)
        except ParseError as fault:
            return error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", message=str(fault))
        violations = list(self._member_violations(request, adding))
        if violations:
            return refused(violations)
        if request.validate_only:
            return Reply(200, {"requestId": f"validated-{len(self.calls)}"})
        request_id = f"r-{len(self._requests) + 1}"
        failures: dict[str, int] = {}
        user_list = request.destinations[0].product_destination_id
        for member in request.audience_members:
            known_by = [
                each.email_address or each.phone_number or each.address.family_name
                for each in member.user_data.user_identifiers
            ]
            reason = next((self.later[each] for each in known_by if each in self.later), None)
            if reason:
                failures[reason] = failures.get(reason, 0) + 1
                continue
            for each in known_by:
                if adding:
                    self.members[user_list, each] = self.clock()
                else:
                    self.members.pop((user_list, each), None)
        self._requests[request_id] = (self.clock(), len(request.audience_members), failures)
        return Reply(200, {"requestId": request_id})

    def _member_violations(self, request: Any, adding: bool) -> Iterator[Violation]:
        yield from self._destination_violations(request, self.user_lists, "USER_LIST_ID")
        if len(request.audience_members) > 10_000:  # [limits]
            yield "audience_members", "TOO_MANY_AUDIENCE_MEMBERS"
        if not request.encoding:
            yield "encoding", "REQUIRED_FIELD_MISSING"
        accepted = adding and request.terms_of_service.customer_match_terms_of_service_status == 1
        if adding and not accepted:  # required for user data, see the request's own description
            yield "terms_of_service", "TERMS_AND_CONDITIONS_NOT_SIGNED"
        for index, member in enumerate(request.audience_members):
            prefix = f"audience_members.audience_members[{index}]"
            if not member.user_data.user_identifiers:
                yield prefix, "INVALID_AUDIENCE_MEMBER"
            for field, reason in _person_violations(member.user_data):
                yield f"{prefix}.{field}", reason

    def _status(self, request_id: str) -> Reply:
        known = self._requests.get(request_id)
        if known is None:
            return error(400, "INVALID_ARGUMENT", "INVALID_REQUEST_ID")
        accepted, rows, failures = known
        age = self.clock() - accepted
        if age > REMEMBERED:
            return error(400, "INVALID_ARGUMENT", "REQUEST_TOO_OLD")
        shown: dict[str, Any] = {"eventsIngestionStatus": {"recordCount": str(rows)}}
        if age < PROCESSING:
            shown["requestStatus"] = "PROCESSING"
        elif not failures:
            shown["requestStatus"] = "SUCCESS"
        else:
            bad = sum(failures.values())
            shown["requestStatus"] = "FAILED" if bad == rows else "PARTIAL_SUCCESS"
            shown["errorInfo"] = {
                "errorCounts": [
                    {"recordCount": str(count), "reason": f"PROCESSING_ERROR_REASON_{reason}"}
                    for reason, count in failures.items()
                ]
            }
        return Reply(200, {"requestStatusPerDestination": [shown]})


def _person_violations(person: Any) -> Iterator[Violation]:
    if len(person.user_identifiers) > 10:  # [limits]
        yield "user_data", "TOO_MANY_USER_IDENTIFIERS"
    for index, identifier in enumerate(person.user_identifiers):
        place = f"user_data.user_identifiers[{index}]"
        for name in ("email_address", "phone_number"):
            value = getattr(identifier, name)
            if value and not HASHED.fullmatch(value):  # [format]
                yield f"{place}.{name}", "INVALID_SHA256_FORMAT"
        if "address" in identifier:
            yield from _address_violations(identifier.address, f"{place}.address")


def _address_violations(address: Any, place: str) -> Iterator[Violation]:
    for name in ("given_name", "family_name"):
        if not HASHED.fullmatch(getattr(address, name)):
            yield f"{place}.{name}", "INVALID_SHA256_FORMAT"
    if not re.fullmatch(r"[A-Z]{2}", address.region_code):  # [format] not hashed
        yield f"{place}.region_code", "INVALID_REGION_CODE"
    if not address.postal_code or HASHED.fullmatch(address.postal_code):
        yield f"{place}.postal_code", "INVALID_POSTAL_CODE"


def _aware(moment: Any) -> datetime:
    return datetime.fromtimestamp(moment.timestamp(), UTC)


def error(status: int, grpc: str, reason: str, *, message: str = "", details: Any = ()) -> Reply:
    """Google's error object (google.rpc.Status with ErrorInfo)."""
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "datamanager.googleapis.com",
    }
    body = {
        "code": status,
        "message": message or "There was a problem with the request.",
        "status": grpc,
        "details": [info, *details],
    }
    return Reply(status, {"error": body})


def refused(violations: list[Violation]) -> Reply:
    """[fields] any bad field rejects the entire request; each is named with its index."""
    fields = [
        {"field": field, "description": "Not valid.", "reason": reason}
        for field, reason in violations
    ]
    bad_request = {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": fields,
    }
    return error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", details=[bad_request])
