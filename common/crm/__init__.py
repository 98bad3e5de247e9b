"""The CRMs that are understood out of the box: one folder each, named as in the definition.

A folder holds `crm.json`, what is peculiar to the CRM, and one file for each shape in which a
loader writes it: which tables and columns hold what. The queries over them are the same for all. A
new CRM is a new folder, a new loader a new file; no Python changes. Imports bigquery alone.
"""

from __future__ import annotations

from pathlib import Path

CRMS = tuple(sorted(path.parent.name for path in Path(__file__).parent.glob("*/crm.json")))

CLICK_IDS = ("gclid", "gbraid", "wbraid", "fbclid", "msclkid", "ttclid", "li_fat_id")
"""Click ids of platforms that a lead, a contact or a deal may carry."""

LEADS = ("lead_id", "client_id", "created", "user_id", *CLICK_IDS, "email", "phone")
"""What the query of leads returns, one row a lead, followed by the lead's attributes.

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
    "home_value",
    "home_currency",
)
"""What the query of deals returns, one row a deal and a lead or person that it may have come from.

One of `lead_id` and `user_id` is known. `deal_created` and `outcome_at` are TIMESTAMPs, `status` is
won, lost or open, `deal_value` is a FLOAT64 in `currency`, `home_value` the same money in the CRM's
own `home_currency`, the others are STRING.
"""
