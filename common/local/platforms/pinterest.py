"""Stand-in for Pinterest's Conversions API. Sources of the rules:
[api]  github.com/pinterest/api-description, v5/openapi.yaml of 2025-12-11 (events/create)
[seen] github.com/woocommerce/pinterest-for-woocommerce/issues/967: an unknown name is refused
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from common.local.platforms.standin import Call, Held, Reply, StandIn, utc_now

HASHED = re.compile(r"[0-9a-f]{64}")
FUTURE = timedelta(minutes=1)
REQUIRED = ("event_name", "action_source", "event_time", "event_id", "user_data")
EVENT = frozenset(
    """action_source app_id app_info app_name app_version custom_data device_brand device_carrier
    device_info device_model device_type event_id event_name event_source_url event_time language
    opt_out os_version partner_name user_data wifi""".split()
)
CUSTOM = frozenset(
    """content_brand content_category content_ids content_name contents currency
    external_measurement_id external_measurement_vendor_id np num_items opt_out_type order_id
    predicted_ltv search_string value""".split()
)
NAMES = frozenset(
    """add_payment_info add_to_cart add_to_wishlist app_install checkout custom initiate_checkout
    lead page_visit search signup subscribe view_category view_content watch_video""".split()
)
SOURCES = frozenset("app_android app_ios web offline".split())
LISTS = frozenset("em ph fn ln ct st zp country db ge external_id hashed_maids".split())
TEXTS = frozenset("client_ip_address client_user_agent click_id partner_id".split())


class Pinterest(StandIn):
    """Judges each event by itself and keeps the good ones; a repeat of a server counts again."""

    name = "pinterest"
    hosts = ("https://api.pinterest.com",)

    def __init__(
        self,
        clock: Callable[[], datetime] = utc_now,
        *,
        token: str = "pinterest-token",
        ad_account: str = "549757463328",
    ) -> None:
        super().__init__(clock)
        self.token = token
        self.ad_account = ad_account

    def answer(self, call: Call) -> Reply:
        if call.headers.get("authorization") != f"Bearer {self.token}":
            return error(401, 2, "Authentication failed.")
        if call.method == "GET" and call.path.endswith("/conversion_eqs"):
            return self._quality(call)
        if call.method != "POST" or not call.path.endswith("/events"):
            return super().answer(call)
        if call.path != f"/v5/ad_accounts/{self.ad_account}/events":
            return error(403, 29, "You are not permitted to access that resource.")
        body = call.json()
        events = body.get("data") if isinstance(body, dict) else None
        # [api] minItems 1, maxItems 1000, and no other property
        if not isinstance(events, list) or not 0 < len(events) <= 1000 or set(body) != {"data"}:
            return error(400, 4196, "Invalid request: data must hold 1 to 1,000 events.")
        if fault := next(filter(None, map(_shape_fault, events)), ""):
            return error(400, 4196, f"Invalid request: {fault}")
        faults = [self._fault(event) for event in events]
        if call.query.get("test") != "true":  # [api] test events are not recorded
            for event, fault in zip(events, faults, strict=True):
                if not fault:
                    self._keep(event)
        shown = _shown(faults)
        if not any(faults):
            return Reply(200, shown)
        message = "Not all events were successfully processed."
        return Reply(422, {"code": 4198, "message": message, "details": shown})

    def _quality(self, call: Call) -> Reply:
        """[api] EventQualityScore of each source of events."""
        if call.query.get("lookback_period") not in ("1d", "14d"):
            return error(400, 1, "lookback_period is required")
        names = sorted({name for name, _ in self.held})
        coverage = {name.upper(): {"coverage": 80.5} for name in names}
        score = {
            "overall_status": "FAIR",
            "quality_components": {"hashed_email": coverage},
            "ingestion_source": call.query.get("ingestion_source"),
            "source_platform": "WEB",
            "lookback_period": call.query["lookback_period"],
        }
        return Reply(200, [score] if names else [])

    def _fault(self, event: Mapping[str, Any]) -> str:
        """Why this event fails, though the request is well-formed."""
        if event["event_name"] not in NAMES:
            return f"event_name {event['event_name']} is not supported"
        if event["action_source"] not in SOURCES:
            return "action_source is not supported"
        if event["event_time"] > (self.clock() + FUTURE).timestamp():
            return "event_time must be Unix seconds and not in the future"
        for name in LISTS & event["user_data"].keys():
            if not all(HASHED.fullmatch(str(each)) for each in event["user_data"][name]):
                return f"{name} must be hashed with SHA-256"
        return ""

    def _keep(self, event: Mapping[str, Any]) -> None:
        """[api] duplicates are removed between tag and API only, so a server's repeat counts."""
        key = (event["event_name"], event["event_id"])
        if known := self.held.get(key):
            known.count += 1
            return
        custom = event.get("custom_data") or {}
        self.held[key] = Held(
            key,
            float(custom["value"]) if "value" in custom else None,
            custom.get("currency"),
            datetime.fromtimestamp(event["event_time"], UTC),
            received=self.clock(),
        )


def _shape_fault(event: Any) -> str:
    """What the OpenAPI document does not allow."""
    if not isinstance(event, dict):
        return "an event is no object"
    for name in REQUIRED:
        if name not in event:
            return f"'{name}' is a required property"
    custom, person = event.get("custom_data") or {}, event["user_data"]
    for name in (*event.keys() - EVENT, *custom.keys() - CUSTOM):  # [seen]
        return f"Additional properties are not allowed ('{name}' was unexpected)"
    if not isinstance(event["event_time"], int):
        return "event_time is not of type 'integer'"
    if not isinstance(custom.get("value", ""), str):
        return "value is not of type 'string'"
    if any(not isinstance(person[name], list) for name in LISTS & person.keys()):
        return "user_data is not valid"
    if any(not isinstance(person[name], str) for name in TEXTS & person.keys()):
        return "user_data is not valid"
    pair = {"client_ip_address", "client_user_agent"}
    if not (person.keys() & {"em", "hashed_maids"} or pair <= person.keys()):
        return "user_data is not valid under any of the given schemas"
    return ""


def _shown(faults: list[str]) -> dict[str, Any]:
    """[api] ConversionApiResponse: a status for each event, in the request's order."""
    return {
        "num_events_received": len(faults),
        "num_events_processed": faults.count(""),
        "events": [
            {"status": "failed" if fault else "processed", "error_message": fault or None,
             "warning_message": None}
            for fault in faults
        ],
    }  # fmt: skip


def error(status: int, code: int, message: str) -> Reply:
    """[api] Error."""
    return Reply(status, {"code": code, "message": message})
