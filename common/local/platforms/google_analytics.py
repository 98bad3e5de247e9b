"""Stand-in for the GA4 Measurement Protocol. Sources of the rules:
[send]     developers.google.com/analytics/devguides/collection/protocol/ga4/sending-events
[validate] developers.google.com/analytics/devguides/collection/protocol/ga4/validating-events
[refund]   developers.google.com/analytics/devguides/collection/ga4/reference/events#refund
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from common.local.platforms.standin import Call, Held, Reply, StandIn, utc_now

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
RESERVED = frozenset({"session_start", "first_visit", "user_engagement", "ad_click"})
MAXIMUM_AGE = timedelta(hours=72)


class GoogleAnalytics(StandIn):
    """Answers 204 whatever it gets; keeps valid events, drops others in silence, counts repeats."""

    name = "google_analytics"
    hosts = (
        "https://www.google-analytics.com",
        "https://region1.google-analytics.com",
    )

    def __init__(
        self,
        clock: Callable[[], datetime] = utc_now,
        *,
        measurement_id: str = "G-ABC1234567",
        api_secret: str = "ga4-api-secret",
    ) -> None:
        super().__init__(clock)
        self.measurement_id = measurement_id
        self.api_secret = api_secret
        self.dropped: list[tuple[str, str]] = []

    def answer(self, call: Call) -> Reply:
        match call.method, call.path:
            case "POST", "/debug/mp/collect":
                messages = [
                    {"fieldPath": field, "description": why, "validationCode": code}
                    for field, why, code in self._faults(call.json())
                ]
                return Reply(200, {"validationMessages": messages})
            case "POST", "/mp/collect":
                self._collect(call)
                return Reply(204)
        return super().answer(call)

    def _collect(self, call: Call) -> None:
        # [send] a wrong secret or id is answered by 204 as well
        stream = (call.query.get("measurement_id"), call.query.get("api_secret"))
        body = call.json()
        if stream != (self.measurement_id, self.api_secret):
            self.dropped.append(("stream", str(stream[0])))
        elif faults := list(self._faults(body)) or len(call.body) > 130_000:
            self.dropped.append(("invalid", str(faults)))
        else:
            for event in body["events"]:
                self._keep(body, event)

    def _faults(self, body: Any) -> Iterator[tuple[str, str, str]]:
        if not isinstance(body, Mapping) or not body.get("client_id"):
            yield "client_id", "Measurement requires a client_id.", "VALUE_REQUIRED"
            return
        events = body.get("events", [])
        if not 0 < len(events) <= 25:  # [send]
            yield "events", "A request holds 1 to 25 events.", "VALUE_OUT_OF_BOUNDS"
        for event in events:
            name = event.get("name", "")
            if not NAME.fullmatch(name):  # [validate]
                yield "events", f"Event at index has invalid name [{name}].", "NAME_INVALID"
            if name in RESERVED:
                yield "events", f"The event name [{name}] is reserved.", "NAME_RESERVED"
            if len(event.get("params", {})) > 25:
                yield "events", "Too many parameters.", "EXCEEDED_MAX_ENTITIES"

    def _keep(self, body: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        micros = event.get("timestamp_micros") or body.get("timestamp_micros")
        time = datetime.fromtimestamp(micros / 1e6, UTC) if micros else self.clock()
        params = event.get("params", {})
        if self.clock() - time > MAXIMUM_AGE:  # [send]
            self.dropped.append(("too_old", event["name"]))
            return
        if event["name"] == "refund":  # [refund] without value the whole transaction
            purchase = self.held.get(("purchase", str(params.get("transaction_id"))))
            if purchase:
                purchase.value = 0.0
            return
        key = (event["name"], str(params.get("transaction_id") or f"#{len(self.held)}"))
        known = self.held.get(key)
        if known:
            known.count += 1
            return
        self.held[key] = Held(key, params.get("value"), params.get("currency"), time)
