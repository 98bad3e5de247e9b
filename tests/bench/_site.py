"""A site on paper: how large the tables are that a daily run reads.

Of 1,000 events 68 begin a session and one is a purchase, as in Google's public sample (7 and 8
November 2020); leads, refunds, logins and registrations, which it lacks, are assumed. One visitor
in ten is logged in, one visit in five carries ids of ads. Widths of the export are those of the
sample, those of texts in other tables the mean of what stands there; NULL takes no bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from common import schemas
from common.cost.estimate import TableSize
from common.cost.widths import ga4, widths
from common.model.contract import contract
from tests.judge import Schema

DAY = date(2026, 11, 28)
SHARES = {
    "session_start": 0.068, "purchase": 0.001, "generate_lead": 0.002, "refund": 0.0001,
    "login": 0.005, "sign_up": 0.001,
}  # fmt: skip
"""Shares of all events."""
KNOWN_VISITS = 0.1
"""Share of visits whose session_start names a user: nobody else's is staged."""
STAGED = sum(SHARES.values()) - SHARES["session_start"] * (1 - KNOWN_VISITS)
COUNTED = {"c2": SHARES["generate_lead"]}
"""Share of all events that become rows of a conversion; purchases unless named."""
LOGGED_IN = 0.1
CLICKED = 0.2
"""Clicks beside each visit."""
CLIENTS_OF_A_USER = 3
LATE_DAYS = 4
VISITS_OF_A_BUYER = 5
WITHOUT_SESSION = 0.0
"""Share of counted events that do not say their visit themselves: none in the sample."""
TEXTS = {
    "client_id": 22, "user_id": 14, "person_id": 27, "session_id": 34, "event_key": 66,
    "event_key_before": 66, "visit_key": 64, "click_key": 66, "memory_key": 66, "id": 22,
    "purchase_id": 22, "purchase_id_before": 72, "order_id": 12, "property": 26, "event_name": 14,
    "shard": 10, "moment": 30, "page_location": 80, "landing_page": 80, "page_path": 30,
    "page_hostname": 18, "page_title": 30, "page_referrer": 40, "source": 10, "medium": 9,
    "campaign": 14, "channel_group": 16, "source_step": 12, "session_source": 10,
    "session_medium": 9, "session_campaign": 14, "session_channel": 16, "session_step": 14,
    "device_category": 9, "operating_system": 9, "browser": 8, "language": 7, "country": 15,
    "region": 14, "city": 11, "continent": 10, "platform": 5, "stream_id": 12, "currency": 5,
    "kind": 8, "run_id": 30, "event_params.key": 164, "event_params.text": 168,
    "event_params.number": 37, "value_kind": 8, "event_source": 5, "refund_status": 6,
    "begun.client_id": 22, "begun.landing": 108, "begun.session_record": 140,
    "begun.event_record": 70, "rate_source": 5, "change": 8, "old_row": 300, "new_row": 300,
}  # fmt: skip
"""Mean bytes of a text where there is one."""
ID_OF_AN_AD = 92
OF_A_CONVERSION = (
    "id client_id created date value currency is_qualified value_gross net_value value_project"
    " exchange_rate exchange_date rate_source value_kind refund_status value_refunded session_id"
    " source medium campaign channel_group page_location country region city order_id event_source"
    " is_preliminary definition_version run_id fence row_hash person_key first_seen_at updated_at"
    " dollar_rate change old_date old_value old_refunded old_row new_row"
).split()
"""Columns that a row of a simple conversion fills, beside the ids of ads of every fifth."""
SELDOM = {
    "click_pairs": CLICKED / 15, "user_id": LOGGED_IN, "page_referrer": 0.5, "own_source": 0.1,
    "own_medium": 0.1, "own_campaign": 0.1, "coupon": 0.01, "value_problem": 0.01, "items": 0.02,
    "user_properties": 0.0, "params": 0.0, "begun": 0.5, "parts": 0.01,
}  # fmt: skip
"""How often a column has something."""
RATES = {"date": "DATE", "currency": "STRING", "rate": "FLOAT"}
EXPORT: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "common/local/data/ga4_schema.json").read_text(encoding="utf-8")
)


@dataclass(frozen=True)
class Site:
    """How much there is: events a day, conversions, days of each refund window, months of stage."""

    events: int = 5_000_000
    conversions: int = 30
    window: int = 30
    months: int = 12

    @property
    def history(self) -> int:
        """Days of the stage."""
        return self.months * 30

    @property
    def visits(self) -> int:
        """Visits a day."""
        return int(self.events * SHARES["session_start"])

    def rows(self, id: str) -> int:
        """Rows of one conversion a day."""
        return int(self.events * COUNTED.get(id, SHARES["purchase"]))

    @property
    def counted(self) -> int:
        """Events a day that some conversion counts."""
        return int(self.events * (SHARES["purchase"] + SHARES["generate_lead"]))


def schema_of(path: str) -> Schema | None:
    """The columns of a table that no statement of the run makes, by its name."""
    name = path.rpartition(".")[2]
    if name.startswith("events_"):
        return EXPORT
    if name == "rates":
        return [{"name": each, "type": type_} for each, type_ in RATES.items()]
    if name.endswith("_raw"):
        return [{"name": each.name, "type": each.type, "mode": each.mode, "fields": each.fields}
                for each in contract().columns]  # fmt: skip
    shape = schemas.shape_of(name)
    return schemas.load(shape)["schema"] if shape else None


def size_of(path: str, schema: Schema, site: Site) -> TableSize:
    """A table at the site, by its name."""
    name = path.rpartition(".")[2]
    if name.startswith("events_"):
        return TableSize(widths(schema, ga4()), _days(site.events, 40), "_TABLE_SUFFIX")
    if re.fullmatch(r"stage_\d+_scanned", name):
        # wanted events of the late days; a row a visit and one a click of these and the day before
        wanted = STAGED * LATE_DAYS
        all_ = wanted + SHARES["session_start"] * (1 + CLICKED) * (LATE_DAYS + 1)
        shares = {"is_wanted": {"true": wanted / all_, "false": 1 - wanted / all_}}
        return TableSize(_filled(schema), {None: int(site.events * all_)}, None, shares)
    if name == "ga4_events":
        held = {**SHARES, "session_start": SHARES["session_start"] * KNOWN_VISITS}
        shares = {"event_name": {event: share / STAGED for event, share in held.items()}}
        days = _days(int(site.events * STAGED), site.history)
        return TableSize(_filled(schema), days, "date", shares)
    if name.startswith(("conversion_", "order_memory", "ga4_")):
        of_conversion = name.startswith("conversion_")
        sized = _of_conversion(name, schema) if of_conversion else _filled(schema)
        return TableSize(sized, _days(_a_day(name, site), site.history), "date")
    if name.endswith(("_candidates", "_difference")):
        still_open = LATE_DAYS + (site.window if name.startswith("c1_") else 0)
        many = site.rows(name[:2]) * (still_open if name.endswith("_candidates") else 1)
        return TableSize(_of_conversion(name, schema), {None: many})
    if re.fullmatch(r"stage_\d+_visits", name):
        return TableSize(_filled(schema), _days(site.visits, LATE_DAYS + 1), "date")
    if name.startswith("clicks_"):
        # one click a client, by the last day on which it counted; older ones are buyers alone
        late = _days(site.counted, LATE_DAYS)
        counted = _days(site.rows("c1"), LATE_DAYS + site.window) | late
        return TableSize(_filled(schema), counted, "last_date")
    return TableSize(_filled(schema), {None: _in_all(name, site)})


def _a_day(name: str, site: Site) -> int:
    """Rows a day of a table that is partitioned by day."""
    if name == "ga4_visits":
        return site.visits
    if name == "ga4_clicks":
        return int(site.visits * CLICKED)
    if name == "ga4_rates":
        return 3
    if name.startswith("conversion_"):
        return site.rows(name.removeprefix("conversion_")[:2])
    return int(site.events * SHARES["purchase"])


def _in_all(name: str, site: Site) -> int:
    """Rows of a table that a run makes for itself; of what is staged a day is new."""
    # of who counted in the days of the run, and of the other clients of these users
    older = site.rows("c1") * min(site.window, site.history)
    users = (site.counted * LATE_DAYS + older) * LOGGED_IN
    many = {
        r"stage_\d+_ga4_events": int(site.events * STAGED),
        r"stage_\d+_ga4_visits": site.visits,
        r"stage_\d+_ga4_clicks": int(site.visits * CLICKED),
        r"identity_\w+": int(users * CLIENTS_OF_A_USER),
        r"visits_\w+": int(
            site.counted * (LATE_DAYS + site.window) * VISITS_OF_A_BUYER * WITHOUT_SESSION
        ),
    }
    return next((rows for like, rows in many.items() if re.fullmatch(like, name)), site.counted)


def _filled(schema: Schema) -> dict[str, float]:
    """Mean bytes of each column where all but the seldom ones are filled."""
    texts = {**TEXTS, "value": ID_OF_AN_AD} if _is_of_clicks(schema) else TEXTS
    return {
        leaf: size * SELDOM.get(leaf.partition(".")[0], 1.0)
        for leaf, size in widths(schema, texts).items()
    }


def _is_of_clicks(schema: Schema) -> bool:
    return {"kind", "clicked_at"} <= {column["name"] for column in schema}


def _of_conversion(name: str, schema: Schema) -> Mapping[str, float]:
    """Ids of ads and their times are there on every fifth row, persons where users are counted."""
    of_ads = re.compile(r".*(clid|braid|fat_id|click_at)")
    # every row has a person where users are counted, and no row elsewhere; that of a client's login
    # on no more rows than there are logins
    counts_users = float("c0" in name)
    seldom = {"person_id": counts_users, "client_key": LOGGED_IN * counts_users}
    return {
        leaf: size
        if leaf.removeprefix("old_row.") in OF_A_CONVERSION
        else size * (CLICKED if of_ads.fullmatch(leaf) else seldom.get(leaf, 0.0))
        for leaf, size in _filled(schema).items()
    }


def _days(rows: int, days: int) -> dict[date | None, int]:
    return {DAY - timedelta(days=number): rows for number in range(days)}
