"""Every screen: its address, and a word that stands there once it has been loaded."""

from __future__ import annotations

SCREENS = {
    "/": "Lead form",
    "/new": "Lead scoring",
    "/new/purchase": "Counted",
    "/new/event": "Choose an event",
    "/new/combined": "Choose two or more",
    "/new/custom": "Validate and show rows",
    "/new/scoring": "Standard CRM",
    "/conversions/purchase": "Channels",
    "/conversions/purchase/rows": "Source / medium",
    "/conversions/purchase/why": "Order id, or id of a row or lead",
    "/conversions/purchase/versions": "live",
    "/conversions/purchase/edit": "Counted",
    "/report": "Why so many",
    "/runs": "Acknowledged",
    "/runs/all/runs": "Finished",
    "/runs/all/schedules": "When",
    "/destinations": "Google Ads",
    "/destinations/google_ads": "Rows",
    "/destinations/google_ads/ledger": "Ledger",
    "/destinations/google_ads/versions": "live",
    "/destinations/new/meta": "Access token",
    "/scoring": "No lead scoring yet",
    "/settings": "GA4 properties",
}
