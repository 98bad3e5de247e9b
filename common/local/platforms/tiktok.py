"""Stand-in for TikTok's Events API 2.0. Sources of the rules:
[api]   business-api.tiktok.com/portal/docs?id=1771100865818625
[dedup] ads.tiktok.com/help/article/event-deduplication
[test]  ads.tiktok.com/help/article/how-to-test-your-events-api
[people] business-api.tiktok.com/portal/docs?id=1739940506015746, and
        github.com/segmentio/action-destinations, tiktok-audiences (2026)
[codes] business-api.tiktok.com/portal/docs?id=1737172488964097, and
        github.com/rudderlabs/rudder-transformer, destinations/tiktok_ads
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from common.local.platforms.standin import Call, Held, Reply, StandIn, utc_now

HASHED = re.compile(r"[0-9a-f]{64}")
DEDUP = timedelta(hours=48)
SOURCES = frozenset({"web", "app", "offline", "crm"})


class TikTok(StandIn):
    """Answers HTTP 200 with a code; keeps the first of an event and id for 48 hours."""

    name = "tiktok"
    hosts = ("https://business-api.tiktok.com",)

    def __init__(
        self,
        clock: Callable[[], datetime] = utc_now,
        *,
        token: str = "tiktok-token",
        event_source_id: str = "COQDA8RC77U2TMR44LI0",
        advertiser: str = "7100000000000000001",
        audience: str = "7300000000000000001",
    ) -> None:
        super().__init__(clock)
        self.advertiser = advertiser
        self.audiences: dict[str, str] = {audience: "by hand"}
        """Names of audiences by id."""
        self.members: set[tuple[str, str]] = set()
        """Audience and hash."""
        self.token = token
        self.event_source_id = event_source_id

    def answer(self, call: Call) -> Reply:
        if call.headers.get("access-token") != self.token:
            return coded(40105, "Access token is incorrect or has been revoked.")
        match call.method, call.path.removeprefix("/open_api/v1.3/"):
            case "POST", "event/track/":
                return self._track(call.json())
            case "POST", "segment/mapping/":
                return self._map(call.json())
            case "POST", "segment/audience/":
                return self._create(call.json() or {})
            case "GET", "dmp/custom_audience/list/":
                return self._list(call.query)
        return super().answer(call)

    def _create(self, body: Mapping[str, Any]) -> Reply:
        """[people] a name may be taken any number of times."""
        if body.get("advertiser_id") != self.advertiser:
            return coded(40001, "No permission to operate this advertiser.")
        name = body.get("custom_audience_name") or ""
        if body.get("action") != "create" or not 0 < len(name) <= 128:
            return coded(40002, "custom_audience_name of 1 to 128 letters is required.")
        id = str(int(next(iter(self.audiences))) + len(self.audiences))
        self.audiences[id] = name
        return coded(0, "OK", {"audience_id": id})

    def _list(self, query: Mapping[str, str]) -> Reply:
        if query.get("advertiser_id") != self.advertiser:
            return coded(40001, "No permission to operate this advertiser.")
        page, size = int(query.get("page", 1)), int(query.get("page_size", 10))
        shown = [
            {
                "audience_id": id,
                "name": name,
                "cover_num": sum(audience == id for audience, _ in self.members),
                "is_valid": any(audience == id for audience, _ in self.members),
            }
            for id, name in self.audiences.items()
        ]
        pages = {"page": page, "total_page": -(-len(shown) // size)}
        return coded(0, "OK", {"list": shown[(page - 1) * size : page * size], "page_info": pages})

    def _map(self, body: Any) -> Reply:
        """[people] all of a request, or nothing of it."""
        if not isinstance(body, dict) or body.get("advertiser_ids") != [self.advertiser]:
            return coded(40001, "No permission to operate this advertiser.")
        rows, schema = body.get("batch_data"), body.get("id_schema", [])
        if body.get("action") not in ("add", "delete") or not isinstance(rows, list):
            return coded(40002, "action and batch_data are required.")
        if not 0 < len(rows) <= 1000 or any(len(row) != len(schema) for row in rows):
            return coded(40002, "batch_data must fit id_schema, and hold 1 to 1,000 users.")
        given = [each for row in rows for each in row if each]
        for each in given:
            if not HASHED.fullmatch(each["id"]) or set(each["audience_ids"]) - set(self.audiences):
                return coded(40002, "An id is not hashed, or an audience is unknown.")
        keys = {(audience, each["id"]) for each in given for audience in each["audience_ids"]}
        self.members = self.members | keys if body["action"] == "add" else self.members - keys
        return coded(0, "OK")

    def _track(self, body: Any) -> Reply:
        if not isinstance(body, dict):
            return coded(40002, "The body is no JSON object.")
        if body.get("event_source_id") != self.event_source_id:
            return coded(40001, "No permission to operate this event source.")
        events = body.get("data")
        if body.get("event_source") not in SOURCES:
            return coded(40002, "event_source is invalid.")
        if not isinstance(events, list) or not 0 < len(events) <= 1000:  # [api]
            return coded(40002, "data must hold 1 to 1,000 events.")
        if body.get("test_event_code") and len(events) > 1:
            return coded(40002, "Test events are sent one by one.")
        for index, event in enumerate(events):
            if fault := self._fault(event):
                return coded(40002, f"data.{index}: {fault}")
        for event in events if not body.get("test_event_code") else ():
            # [test] what the Test Events tab shows stays out of real data
            self._keep(event)
        return coded(0, "OK")

    def _fault(self, event: Mapping[str, Any]) -> str:
        if not event.get("event"):
            return "event is required"
        time = event.get("event_time")
        if not isinstance(time, int) or time > self.clock().timestamp() + 60:
            return "event_time must be Unix seconds and not in the future"
        user = event.get("user") or {}
        if not user:
            return "user is required"
        for name in ("email", "phone", "external_id"):  # [api] hashed by the sender
            for value in user.get(name) or []:
                if not HASHED.fullmatch(str(value)):
                    return f"user.{name} must be hashed with SHA-256"
        properties = event.get("properties") or {}
        if "value" in properties and not (
            isinstance(properties["value"], (int, float))
            and re.fullmatch(r"[A-Z]{3}", str(properties.get("currency")))
        ):
            return "properties.value needs a currency"
        return ""

    def _keep(self, event: Mapping[str, Any]) -> None:
        """[dedup] same event and event_id within 48 hours: the first is recorded."""
        key = (event["event"], str(event.get("event_id") or f"#{len(self.held)}"))
        known = self.held.get(key)
        if known and known.received and self.clock() - known.received < DEDUP:
            return
        if known:
            known.count += 1
            known.received = self.clock()
            return
        properties = event.get("properties") or {}
        self.held[key] = Held(
            key,
            properties.get("value"),
            properties.get("currency"),
            datetime.fromtimestamp(event["event_time"], UTC),
            received=self.clock(),
        )


def coded(code: int, message: str, data: Mapping[str, Any] | None = None) -> Reply:
    """[codes] the outcome is in the body; the HTTP status is 200 but for 401 with 401xx."""
    return Reply(
        401 if 40100 <= code < 40200 else 200,
        {"code": code, "message": message, "request_id": "t-request", "data": data or {}},
    )
