"""Stand-in for Meta's Conversions API and custom audiences. Sources of the rules:
[use]      developers.facebook.com/docs/marketing-api/conversions-api/using-the-api
[event]    developers.facebook.com/docs/marketing-api/conversions-api/parameters/server-event
[app]      developers.facebook.com/docs/marketing-api/conversions-api/app-events
[person]   .../parameters/customer-information-parameters, and .../parameters/fbp-and-fbc
[custom]   .../parameters/custom-data
[best]     developers.facebook.com/docs/marketing-api/conversions-api/best-practices
[dedup]    .../deduplicate-pixel-and-server-events
[audience] developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences
[account]  .../marketing-api/reference/ad-account/customaudiences
[value]    .../audiences/guides/value-based-lookalike-audiences (2026-05-21)
[alike]    .../audiences/guides/lookalike-audiences
[proof]    developers.facebook.com/docs/graph-api/guides/secure-requests
[quality]  developers.facebook.com/docs/marketing-api/conversions-api/dataset-quality-api
[seen]     github.com/rudderlabs/rudder-transformer: facebookUtils/networkHandler.js (error codes)
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from common.local.platforms.standin import Call, Held, Reply, StandIn, utc_now

HASHED = re.compile(r"[0-9a-f]{64}")
COOKIE = re.compile(r"fb\.\d\.\d{10,13}\..+")
DEDUP = timedelta(hours=48)
FUTURE = timedelta(minutes=1)
MAXIMUM_AGE = {"physical_store": timedelta(days=62)}
SOURCES = frozenset(
    """email website app phone_call chat physical_store system_generated business_messaging
    other""".split()
)
HASHED_FIELDS = ("em", "ph", "fn", "ln", "ct", "st", "zp", "country", "db", "ge")
PLAIN_FIELDS = ("fbc", "fbp", "lead_id", "client_ip_address", "client_user_agent")
VALUE = "LOOKALIKE_VALUE"
FILE_SOURCES = ("USER_PROVIDED_ONLY", "PARTNER_PROVIDED_ONLY", "BOTH_USER_AND_PARTNER_PROVIDED")
TOO_WEAK = (
    {"ct", "country", "st", "zp", "ge", "client_user_agent"},
    {"db", "client_user_agent"},
    {"fn", "ge"},
    {"ln", "ge"},
)


class Meta(StandIn):
    """Accepts all events of a request or none; keeps the first of a name and id for 48 hours."""

    name = "meta"
    hosts = ("https://graph.facebook.com",)

    def __init__(
        self,
        clock: Callable[[], datetime] = utc_now,
        *,
        token: str = "meta-token",
        pixel: str = "123456789012345",
        audience: str = "23850000000000001",
        app_secret: str = "",
    ) -> None:
        super().__init__(clock)
        self.token = token
        self.pixel = pixel
        self.audience = audience
        self.app_secret = app_secret
        """[proof] where the app requires it, each request proves that it knows this secret."""
        self.members: dict[tuple[str, str], list[Any]] = {}
        """Rows by audience and the key under which they were sent."""
        self.audiences: dict[str, dict[str, Any]] = {audience: {"subtype": "CUSTOM"}}
        """Audiences by id, as they were asked for."""

    def answer(self, call: Call) -> Reply:
        if "access_token" in call.query:
            # documented, but then proxies and exception texts hold the token
            return error(400, 2500, "The token must not stand in the address.")
        if call.method == "GET":
            return self._quality(call)
        body = call.json()
        if not isinstance(body, dict):
            return error(400, 100, "The body is no JSON object.")
        if body.get("access_token") != self.token:
            return error(401, 190, "Invalid OAuth access token.", subcode=463)
        if self.app_secret and body.get("appsecret_proof") != self._proof():
            message = "API calls from the server require an appsecret_proof argument"
            return error(400, 100, message)
        version, _, rest = call.path.lstrip("/").partition("/")
        if not re.fullmatch(r"v\d+\.\d", version):
            return error(400, 2500, "An API version is required.")
        match call.method, rest:
            case "POST", path if path == f"{self.pixel}/events":
                return self._events(body)
            case "POST", path if path.startswith("act_") and path.endswith("/customaudiences"):
                return self._create(body)
            case "POST", path if path.removesuffix("/users") in self.audiences:
                return self._users(path.removesuffix("/users"), body, adding=True)
            case "DELETE", path if path.removesuffix("/users") in self.audiences:
                return self._users(path.removesuffix("/users"), body, adding=False)
        return error(400, 100, "Unsupported post request. Object does not exist.", subcode=33)

    def _proof(self) -> str:
        return hmac.new(self.app_secret.encode(), self.token.encode(), "sha256").hexdigest()

    def _quality(self, call: Call) -> Reply:
        """[quality] what Meta says of the events of a dataset, and of the size of an audience."""
        if call.headers.get("authorization") != f"Bearer {self.token}":
            return error(401, 190, "Invalid OAuth access token.", subcode=463)
        if self.app_secret and call.query.get("appsecret_proof") != self._proof():
            return error(400, 100, "API calls from the server require an appsecret_proof argument")
        if call.path.endswith("/customaudiences"):
            return self._listed(call)
        if call.path.endswith(f"/{self.audience}"):
            bounds = {"approximate_count_lower_bound": 20, "approximate_count_upper_bound": 40}
            return Reply(200, {**bounds, "delivery_status": {"code": 200}, "id": self.audience})
        known = call.path.endswith("/dataset_quality") and "web{event_name" in call.query["fields"]
        if not known or call.query.get("dataset_id") != self.pixel:
            return error(400, 100, "Unsupported get request. Object does not exist.", subcode=33)
        names = sorted({key[0] for key in self.held})
        feedback = [{"identifier": "email", "coverage": {"percentage": 80.5}}]
        quality = {"composite_score": 6.2, "match_key_feedback": feedback}
        shown = [{"event_name": name, "event_match_quality": quality} for name in names]
        return Reply(200, {"web": shown})

    def _events(self, body: Mapping[str, Any]) -> Reply:
        events = body.get("data")
        if not isinstance(events, list) or not 0 < len(events) <= 1000:  # [use]
            return error(400, 100, "data must hold 1 to 1,000 events.")
        # [use] one invalid event rejects the whole batch; [seen] without saying which
        for event in events:
            if fault := self._fault(event):
                return fault
        for event in events:
            self._keep(event)
        trace = f"A-{len(self.calls)}"
        return Reply(200, {"events_received": len(events), "messages": [], "fbtrace_id": trace})

    def _fault(self, event: Mapping[str, Any]) -> Reply | None:
        for name in ("event_name", "event_time", "action_source", "user_data"):  # [event]
            if not event.get(name):
                return error(400, 100, f"Missing {name}.", subcode=2804001)
        if event["action_source"] not in SOURCES:
            return error(400, 100, "Unknown action_source.", subcode=2804016)
        return (
            self._time_fault(event)
            or _person_fault(event["user_data"])
            or _website_fault(event)
            or _app_fault(event)
            or _custom_fault(event)
        )

    def _time_fault(self, event: Mapping[str, Any]) -> Reply | None:
        if not isinstance(event["event_time"], int):
            return error(400, 100, "event_time must be Unix seconds.", subcode=2804004)
        # milliseconds would be thousands of years ahead
        if event["event_time"] > (self.clock() + FUTURE).timestamp():
            return error(400, 100, "event_time lies in the future.", subcode=2804004)
        age = self.clock() - datetime.fromtimestamp(event["event_time"], UTC)
        if age > MAXIMUM_AGE.get(event["action_source"], timedelta(days=7)):  # [use]
            return error(400, 100, "event_time is too old.", subcode=2804003)
        return None

    def _keep(self, event: Mapping[str, Any]) -> None:
        """[dedup] same name and id within 48 hours: the first counts; later it is a second one."""
        # [event] events with a test_event_code count as well
        identity = event.get("event_id") or f"#{len(self.held)}"
        key = (event["event_name"], identity)
        known = self.held.get(key)
        if known and known.received and self.clock() - known.received < DEDUP:
            return
        if known:
            known.count += 1
            known.received = self.clock()
            return
        custom = event.get("custom_data", {})
        self.held[key] = Held(
            key=key,
            value=custom.get("value"),
            currency=custom.get("currency"),
            time=datetime.fromtimestamp(event["event_time"], UTC),
            received=self.clock(),
        )

    def _listed(self, call: Call) -> Reply:
        """[account] audiences of this name, with the fields that were asked for."""
        [wanted] = json.loads(call.query["filtering"])
        if (wanted["field"], wanted["operator"]) != ("name", "EQUAL"):
            return error(400, 100, "Filter by name.")
        fields = call.query["fields"].split(",")
        named = [
            {"id": id, **made}
            for id, made in self.audiences.items()
            if made.get("name") == wanted["value"]
        ]
        shown = [{name: each[name] for name in fields if name in each} for each in named]
        return Reply(200, {"data": shown, "paging": {}})

    def _create(self, body: Mapping[str, Any]) -> Reply:
        """[audience], [value] an empty audience, or [alike] one that resembles another."""
        wanted = {name: value for name, value in body.items() if "secret" not in name}
        if not wanted.get("name"):
            return error(400, 100, "An audience needs a name.")
        if wanted.get("subtype") == "LOOKALIKE":
            spec, seed = wanted.get("lookalike_spec", {}), wanted.get("origin_audience_id")
            if seed not in self.audiences or not 0.01 <= spec.get("ratio", 0) <= 0.2:
                return error(400, 100, "No such seed, or no ratio from 0.01 to 0.20.")
            if not re.fullmatch("[A-Z]{2}", spec.get("country", "")):
                return error(400, 100, "A lookalike needs its country.")
            if sum(audience == seed for audience, _ in self.members) < 100:  # [alike]
                return error(400, 2654, "The seed has fewer than 100 people.")
        elif wanted.get("customer_file_source") not in FILE_SOURCES:
            return error(400, 100, "customer_file_source is required.")
        id = str(int(self.audience) + len(self.audiences))
        self.audiences[id] = wanted
        return Reply(200, {"id": id})

    def _users(self, audience: str, body: Mapping[str, Any], *, adding: bool) -> Reply:
        payload, session = body.get("payload", {}), body.get("session", {})
        schema, rows = payload.get("schema", []), payload.get("data", [])
        if not rows or len(rows) > 10_000:  # [audience]
            return error(400, 100, "data must hold 1 to 10,000 users.")
        if adding and not (session.get("session_id") and session.get("batch_seq")):
            return error(400, 100, "A session is required.")
        if VALUE in schema and not self.audiences[audience].get("is_value_based"):
            return error(400, 100, "The audience is not value-based.")
        if any(len(row) != len(schema) for row in rows):
            return error(400, 100, "A row does not fit the schema.")
        for row in rows:
            for column, value in zip(schema, row, strict=True):
                if column == VALUE:
                    if not isinstance(value, (int, float)) or value < 0:  # [value]
                        return error(400, 100, f"{VALUE} must be a number, and not negative.")
                elif column != "EXTERN_ID" and value and not HASHED.fullmatch(value):
                    return error(400, 100, f"{column} is not hashed.")
            identity = row[schema.index("EXTERN_ID")] if "EXTERN_ID" in schema else row[0]
            if adding:
                self.members[audience, identity] = list(row)
            else:
                self.members.pop((audience, identity), None)
        return Reply(
            200,
            {
                "audience_id": audience,
                "session_id": str(session.get("session_id", "")),
                "num_received": len(rows),
                "num_invalid_entries": 0,
                "invalid_entry_samples": {},
            },
        )


def _person_fault(person: Mapping[str, Any]) -> Reply | None:
    if any(set(person) <= weak for weak in TOO_WEAK):  # [best]
        return error(400, 100, "Not enough customer information.", subcode=2804010)
    for name in HASHED_FIELDS:  # [person]
        for value in _listed(person.get(name)):
            if not HASHED.fullmatch(str(value)):
                return error(400, 100, f"{name} must be a SHA-256 hash.", subcode=2804019)
    for name in PLAIN_FIELDS:
        if HASHED.fullmatch(str(person.get(name, ""))):
            return error(400, 100, f"{name} must not be hashed.", subcode=2804019)
    for name in ("fbc", "fbp"):
        if name in person and not COOKIE.fullmatch(person[name]):
            return error(400, 100, f"{name} is malformed.", subcode=2804048)
    lead = person.get("lead_id")
    if lead is not None and not (isinstance(lead, int) and 15 <= len(str(lead)) <= 17):
        return error(400, 100, "lead_id must be an integer of 15 to 17 digits.", subcode=2804017)
    return None


def _website_fault(event: Mapping[str, Any]) -> Reply | None:
    if event["action_source"] != "website":
        return None
    if not event.get("event_source_url") or not event["user_data"].get("client_user_agent"):
        return error(400, 100, "Website events need page and user agent.", subcode=2804007)
    return None


def _app_fault(event: Mapping[str, Any]) -> Reply | None:
    """[app] required for app events; which error their absence gives, no page says."""
    known = event.get("app_data", {})
    required = ("advertiser_tracking_enabled", "application_tracking_enabled", "extinfo")
    if event["action_source"] == "app" and not all(name in known for name in required):
        return error(400, 100, "App events need app_data.", subcode=2804007)
    return None


def _custom_fault(event: Mapping[str, Any]) -> Reply | None:
    custom = event.get("custom_data", {})
    money = isinstance(custom.get("value"), (int, float)) and re.fullmatch(
        r"[A-Za-z]{3}", str(custom.get("currency", ""))
    )
    if (event["event_name"] == "Purchase" or "value" in custom) and not money:  # [custom]
        return error(400, 100, "value and currency go together.", subcode=2804009)
    return None


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def error(status: int, code: int, message: str, *, subcode: int | None = None) -> Reply:
    """Graph API's error object."""
    body: dict[str, Any] = {
        "message": message,
        "type": "OAuthException",
        "code": code,
        "is_transient": code in (1, 2),
        "fbtrace_id": "A-trace",
    }
    if subcode:
        body["error_subcode"] = subcode
    return Reply(status, {"error": body})
