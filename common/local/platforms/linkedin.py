"""Stand-in for LinkedIn's Conversions API. Sources of the rules:
[api]    learn.microsoft.com/linkedin/marketing/integrations/ads-reporting/conversions-api
[limits] developer.salesforce.com/docs/data/data-cloud-int/guide/c360-a-linkedincapi-connector
[users]  learn.microsoft.com/linkedin/marketing/matched-audiences/create-and-manage-segment-users
[dmp]    .../create-and-manage-segments, and .../create-and-manage-segment-destinations
[seen]   found by trial: github.com/segmentio/action-destinations, PR 3745 and linkedin-conversions
         (the shape of a 422); dev.to/aleksuix (userIds is required even when empty)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from common.local.platforms.standin import Call, Held, Reply, StandIn, utc_now

HASHED = re.compile(r"[0-9a-f]{64}")
AMOUNT = re.compile(r"\d+(\.\d+)?")
ID_TYPES = frozenset(
    {
        "SHA256_EMAIL",
        "LINKEDIN_FIRST_PARTY_ADS_TRACKING_UUID",
        "ACXIOM_ID",
        "ORACLE_MOAT_ID",
        "PLAINTEXT_EMAIL",
    }
)
MAXIMUM_AGE = timedelta(days=90)


class LinkedIn(StandIn):
    """Accepts all events of a batch or none; keeps the first of a rule and event id."""

    name = "linkedin"
    hosts = ("https://api.linkedin.com", "https://www.linkedin.com")

    def __init__(
        self,
        clock: Callable[[], datetime] = utc_now,
        *,
        token: str = "linkedin-token",
        rules: frozenset[str] = frozenset({"104012"}),
        oldest_version: str = "202512",
        segments: frozenset[str] = frozenset({"10804"}),
    ) -> None:
        super().__init__(clock)
        self.members: set[tuple[str, str]] = set()
        """Segment and hashed address."""
        self.segments: dict[str, dict[str, Any]] = {id: {"id": int(id)} for id in segments}
        self.token = token
        self.rules = rules
        self.oldest_version = oldest_version

    def is_delivery(self, call: Call) -> bool:
        return call.path == "/rest/conversionEvents" or call.path.endswith("/users")

    def answer(self, call: Call) -> Reply:
        if call.path == "/oauth/v2/accessToken":
            return Reply(200, {"access_token": self.token, "expires_in": 5_184_000})
        if call.headers.get("authorization") != f"Bearer {self.token}":
            return error(401, "Invalid access token")
        version = call.headers.get("linkedin-version", "")
        if not re.fullmatch(r"\d{6}", version):  # [api]
            return error(400, "A version must be present. Please specify a version")
        if version < self.oldest_version:  # [api] versions are retired after a year
            return error(426, f"Requested version {version} is not active")
        if call.headers.get("x-restli-protocol-version") != "2.0.0":
            return error(400, "X-RestLi-Protocol-Version must be 2.0.0")
        if call.path.startswith("/rest/dmpSegments"):
            return self._segment(call)
        if (call.method, call.path) != ("POST", "/rest/conversionEvents"):
            return super().answer(call)
        if call.headers.get("x-restli-method") != "BATCH_CREATE":
            return error(400, "Method must be BATCH_CREATE")
        return self._create((call.json() or {}).get("elements"))

    def _segment(self, call: Call) -> Reply:
        """[dmp] segments of an account, one of them, or its users."""
        _, _, place = call.path.removeprefix("/rest/").partition("/")
        id, _, users = place.partition("/")
        if not id:
            return self._listed(call) if call.method == "GET" else self._made(call.json() or {})
        if id not in self.segments:
            return error(404, "Not found")
        if users == "users" and call.method == "POST":
            if call.headers.get("x-restli-method") != "BATCH_CREATE":
                return error(400, "Method must be BATCH_CREATE")
            return self._users(id, (call.json() or {}).get("elements"))
        if users or call.method != "GET":
            return super().answer(call)
        held = sum(segment == id for segment, _ in self.members)
        placed = {"destination": "LINKEDIN", "status": "READY" if held else "BUILDING"}
        counts = {"audienceSize": held * 4, "matchedCount": held}
        shown = {"inputCount": held * 2, "destinations": [placed | counts]}
        return Reply(200, self.segments[id] | shown)

    def _listed(self, call: Call) -> Reply:
        if call.query.get("q") != "account":
            return error(400, "Finder is required")
        marks = ("account", "sourcePlatform")
        found = [
            each
            for each in self.segments.values()
            if all(each.get(mark) == call.query.get(mark) for mark in marks)
        ]
        start, size = int(call.query.get("start", 0)), int(call.query.get("count", 10))
        return Reply(200, {"elements": found[start : start + size]})

    def _made(self, wanted: Mapping[str, Any]) -> Reply:
        """[dmp] the id of a new segment stands in a header."""
        needed = ("name", "sourcePlatform", "account", "type", "destinations")
        if missing := [name for name in needed if not wanted.get(name)]:
            return error(422, f"ERROR :: /{missing[0]} :: field is required but not found")
        if not re.fullmatch(r"urn:li:sponsoredAccount:\d+", wanted["account"]):
            return error(400, "Invalid prefix")
        id = str(10_804 + len(self.segments))
        self.segments[id] = {**wanted, "id": int(id)}
        return Reply(201, None, {"x-restli-id": id})

    def _users(self, segment: str, elements: Any) -> Reply:
        """[users] a status for each; to add or remove somebody again is no error."""
        if not isinstance(elements, list) or not 0 < len(elements) <= 5000:
            return error(400, "elements must hold 1 to 5,000 users")
        statuses = []
        for each in elements:
            ids = [id.get("idValue", "") for id in each.get("userIds", [])]
            known = all(id.get("idType") == "SHA256_EMAIL" for id in each.get("userIds", []))
            sound = ids and known and all(map(HASHED.fullmatch, ids))
            if not sound or each.get("action") not in ("ADD", "REMOVE"):
                statuses.append({"status": 400})
                continue
            keys = {(segment, id) for id in ids}
            self.members = self.members | keys if each["action"] == "ADD" else self.members - keys
            statuses.append({"status": 201})
        return Reply(200, {"elements": statuses})

    def _create(self, elements: Any) -> Reply:
        if not isinstance(elements, list) or not 0 < len(elements) <= 5000:  # [limits]
            return error(400, "elements must hold 1 to 5,000 events")
        faults = [
            (index, fault)
            for index, element in enumerate(elements)
            if (fault := self._fault(element))
        ]
        if faults:  # [seen] the whole batch fails; the message lists the events at fault
            lines = "".join(f"Index: {index}, ERROR :: {fault}\n" for index, fault in faults)
            return error(422, lines)
        for element in elements:
            self._keep(element)
        return Reply(200, {"elements": [{"status": 201} for _ in elements]})

    def _fault(self, element: Mapping[str, Any]) -> str:
        rule = str(element.get("conversion", "")).removeprefix("urn:lla:llaPartnerConversion:")
        if rule not in self.rules:
            return "/conversion :: unknown conversion rule"
        happened = element.get("conversionHappenedAt")
        if not isinstance(happened, int) or not 10**12 <= happened < 10**13:
            return "/conversionHappenedAt :: must be milliseconds since epoch"
        time = datetime.fromtimestamp(happened / 1000, UTC)
        if not timedelta(0) <= self.clock() - time <= MAXIMUM_AGE:
            return "/conversionHappenedAt :: must be within the last 90 days"
        money = element.get("conversionValue")
        if money and not (
            isinstance(money.get("amount"), str)
            and AMOUNT.fullmatch(money["amount"])
            and re.fullmatch(r"[A-Z]{3}", str(money.get("currencyCode")))
        ):
            return "/conversionValue :: amount must be a decimal string"
        return _user_fault(element.get("user"))

    def _keep(self, element: Mapping[str, Any]) -> None:
        """[api] events with the same rule and event id are deduplicated."""
        identity = str(element.get("eventId") or f"#{len(self.held)}")
        key = (element["conversion"], identity)
        money = element.get("conversionValue") or {}
        if key not in self.held:
            self.held[key] = Held(
                key,
                float(money["amount"]) if money else None,
                money.get("currencyCode"),
                datetime.fromtimestamp(element["conversionHappenedAt"] / 1000, UTC),
            )


def _user_fault(user: Any) -> str:
    if not isinstance(user, Mapping) or not isinstance(user.get("userIds"), list):  # [seen]
        return "/user/userIds :: field is required but not found"
    info = user.get("userInfo")
    if info and not (info.get("firstName") and info.get("lastName")):  # [api]
        return "/user/userInfo :: firstName and lastName are required"
    if not user["userIds"] and not info:
        return "/user :: at least one identifier is required"
    for identifier in user["userIds"]:
        if identifier.get("idType") not in ID_TYPES:
            return "/user/userIds :: unknown idType"
        email = identifier["idType"] == "SHA256_EMAIL"
        if email and not HASHED.fullmatch(str(identifier.get("idValue"))):
            return "/user/userIds :: SHA256_EMAIL is malformed"
    return ""


def error(status: int, message: str) -> Reply:
    """Rest.li's error object."""
    return Reply(status, {"status": status, "serviceErrorCode": 100, "message": message})
