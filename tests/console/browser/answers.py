"""Answers for a page that has no stack behind it: nothing, everything once, and refusals."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Route
from pydantic import TypeAdapter

from common.kinds import BY_NAME
from functions.export.frontend.destinations import forms

BEHIND = re.compile(r"/(api|export-preview|validate-sql)(/|\?|$)")
SAYS = {
    403: "You are a viewer here; this takes an editor.",
    404: "There is nothing of this name.",
    409: "Another change is under way.",
    412: "Somebody else has saved it meanwhile.",
    429: "Too many requests at once.",
    500: "Something went wrong here.",
    503: "BigQuery does not answer.",
}
Answer = Callable[[Route], None]


def refusing(status: int) -> Answer:
    problem = {"detail": SAYS[status], "code": "x", "status": status, "request_id": "r-1"}
    return lambda route: route.fulfill(status=status, json=problem)


DAYS = {"start_date": "2026-10-30", "end_date": "2026-11-28", "currency": "EUR"}
NO_FIGURES = dict.fromkeys(("conversions", "value", "attributed"), 0) | {
    "refunded": None,
    "qualified": None,
    "attributed_share": None,
}
STORED: dict[str, Any] = {
    "id": "purchase",
    "version": 1,
    "kind": "simple",
    "status": "active",
    "created_at": "2026-11-28T10:00:00Z",
    "created_by": "ann@shop.example",
    "last_run": None,
    "warnings": [],
    "unreadable": None,
    "definition": {
        "kind": "simple",
        "id": "purchase",
        "name": "Purchase",
        "description": "",
        "event_type": "purchase",
        "filters": None,
        "value": {"type": "event"},
        "deduplicate_by_user": False,
        "deduplication_days": None,
        "once_per_session": False,
        "missing_order_id": "keep",
        "order_ids_are_per_client": False,
        "items": False,
        "refunds": None,
        "normalize": None,
    },
}
SENT = {
    **STORED,
    "id": "google_ads",
    "kind": "google_ads",
    "definition": {"kind": "google_ads", "id": "google_ads", "name": "Ads", "conversions": []},
}
NO_RUN = {
    "run_id": "r-1",
    "trigger": "manual",
    "status": "running",
    "started_at": "2026-11-28T10:00:00Z",
    "planned": 0,
    "done": 0,
    "entries": [],
    "held": [],
}
EMPTY: dict[str, Any] = {
    "/api/conversions": {
        **DAYS, "conversions": [], "total": 0, "next_page": "", "attention": [],
        "attention_total": 0,
    },
    "/api/conversions/purchase": STORED,
    "/api/conversions/purchase/statistics": {**DAYS, "totals": NO_FIGURES, "days": []},
    "/api/conversions/purchase/records": {**DAYS, "records": [], "next_page": ""},
    "/api/conversions/purchase/versions": {"versions": [STORED]},
    "/api/conversions:backtest": {
        **DAYS, "totals": {**NO_FIGURES, "value_gross": None, "duplicates": 0, "left_out": 0},
        "days": [], "left_out": [], "warnings": [],
    },
    "/api/incidents": {"incidents": [], "next_page": ""},
    "/api/runs": {"runs": [], "next_page": ""},
    "/api/runs/r-1": NO_RUN,
    "/api/runs/r-1/forecast": {"bytes": 3 << 30, "price_usd": 0.02, "text": "A run reads."},
    "/api/schedules": {"schedules": []},
    "/api/report": {
        **DAYS, "conversions": [], "leads": [], "deliveries": [], "changes": [],
    },
    "/api/schemas": {"kinds": {}},
    "/api/dimensions": {"dimensions": []},
    "/api/tables": {"tables": [], "next_page": ""},
    "/api/freshness": {"properties": [], "sources": []},
    "/api/forecast": {
        "day": {"bytes": 0, "usd": 0}, "month_usd": 0, "scan": None, "conversions": [],
        "slots": None, "text": "Nothing is read.",
    },
    "/api/settings": {
        "project": "p", "dataset": "d", "location": "EU", "timezone": "UTC", "currency": "EUR",
        "yesterday": "2026-11-28", "rates_table": "", "price_per_tebibyte": 6.25,
        "maximum_bytes_billed": 10, "grants": [],
    },
    "/export-preview/destinations": {"destinations": []},
    "/export-preview/destinations/schemas": {},
    "/export-preview/destinations/google_ads": SENT,
    "/export-preview/destinations/google_ads/ledger": {"entries": [], "next_page": ""},
    "/export-preview/destinations/google_ads/standings": {"standings": []},
    "/export-preview/destinations/google_ads/check": {"problems": []},
    "/export-preview/destinations/google_ads/report": {"days": [], "diagnoses": []},
    "/export-preview/destinations/google_ads/versions": {"versions": [SENT]},
}  # fmt: skip
SCHEMAS = {kind: TypeAdapter(model).json_schema() for kind, model in BY_NAME.items()}
DIMENSION = {"group": "event", "events": 7, "operators": ["equals", "greater_than"]}
LINE = {
    "id": "lead", "name": "Lead form", "kind": "simple", "status": "active", "health": "fresh",
    "conversions": 3, "value": 60, "trend": [], "last_run": None,
}  # fmt: skip
NORMALIZED = {
    **STORED["definition"],
    "filters": {
        "all": [
            {"dimension": "total", "operator": "greater_than", "value": 5, "products": "any"},
            {"dimension": "country", "operator": "equals", "value": "Peru", "products": "any"},
            {"dimension": "total", "operator": "equals", "value": 5, "products": "any"},
        ]
    },
    "normalize": {"by": "lead", "days": 90, "lag_days": 0},
}
FULL: dict[str, Any] = {
    **EMPTY,
    "/api/me": {
        "email": "ann@shop.example", "role": "operator",
        "may": {"edit": True, "operate": True, "see_personal_data": True},
    },
    "/api/conversions": {**EMPTY["/api/conversions"], "conversions": [LINE], "total": 1},
    "/api/conversions/normalized": {**STORED, "id": "normalized", "definition": NORMALIZED},
    "/api/schemas": {"kinds": SCHEMAS},
    **{f"/api/schemas/{kind}": schema for kind, schema in SCHEMAS.items()},
    "/api/dimensions": {
        "dimensions": [
            {**DIMENSION, "name": "event", "title": "Event", "type": "text"},
            {**DIMENSION, "name": "event_action", "title": "Event Action", "type": "text"},
            {**DIMENSION, "name": "country", "title": "Country", "type": "text"},
            {**DIMENSION, "name": "total", "title": "Transaction total", "type": "number"},
        ]
    },
    "/api/tables": {"tables": [{"path": "p.crm.orders", "columns": []}], "next_page": ""},
    "/export-preview/destinations/schemas": forms().model_dump(mode="json", by_alias=True),
    "/export-preview/destinations/meta": {
        **SENT,
        "id": "meta",
        "kind": "meta",
        "definition": {
            "kind": "meta", "id": "meta", "name": "Meta", "mode": "paused",
            "conversions": [{"conversion": "lead", "event_name": "Lead"}],
        },
    },
}  # fmt: skip


def answering(answers: dict[str, Any]) -> Answer:
    """Each address gets its answer; what has none is not there."""

    def answer(route: Route) -> None:
        path = route.request.url.split("://", 1)[1].partition("/")[2].partition("?")[0]
        if (found := answers.get(f"/{path}")) is None:
            refusing(404)(route)
        else:
            route.fulfill(json=found)

    return answer
