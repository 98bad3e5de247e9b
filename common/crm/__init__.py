"""The CRMs that are understood out of the box: one folder each, named as in the definition.

A folder holds `leads.sql` and `deals.sql`, which return the columns below, and `tables.json`, which
names the tables and columns that they read. A new CRM is a new folder; no Python changes.
"""

from __future__ import annotations

from pathlib import Path

CRMS = tuple(sorted(path.parent.name for path in Path(__file__).parent.glob("*/leads.sql")))

LEADS = (
    "lead_id",
    "client_id",
    "created",
    "user_id",
    "gclid",
    "fbclid",
    "email",
    "phone",
)
"""What `leads.sql` returns, one row a lead, followed by the lead's attributes.

`created` is a TIMESTAMP, all others are STRING; `user_id` is the person's id in the CRM, `email`
and `phone` are plain.
"""

DEALS = (
    "deal_id",
    "lead_id",
    "user_id",
    "deal_created",
    "outcome_at",
    "status",
    "deal_value",
    "currency",
)
"""What `deals.sql` returns, one row a deal and a lead or person that it may have come from.

One of `lead_id` and `user_id` is known. `deal_created` and `outcome_at` are TIMESTAMPs, `status` is
won, lost or open, `deal_value` is a FLOAT64 in `currency`, the others are STRING.
"""
