"""Channel groups that the export does not tell are those of Google's table."""

from __future__ import annotations

import json

from common.bigquery.sql import bind, fill
from common.ga4 import channels
from common.settings import Settings
from tests.quick import QuickWarehouse

EXPECTED = [
    # support.google.com/analytics/answer/9756891: the rules in their order, the list's own names
    ("google", "cpc", "brand", "Paid Search"),
    ("Google", "CPC", "Brand", "Paid Search"),
    ("ecosia.org", "organic", None, "Organic Search"),
    ("lite.qwant.com", "referral", None, "Organic Search"),
    ("google-play", "organic", None, "Organic Search"),
    ("away.vk.com", "referral", None, "Organic Social"),
    ("pinterest.co.kr", "paid_social", None, "Paid Social"),
    ("lnkd.in", "referral", None, "Organic Social"),
    ("googlegroups.com", "referral", None, "Organic Social"),
    ("help.netflix.com", "referral", None, "Organic Video"),
    ("youtube.com", "cpv", None, "Paid Video"),
    ("youtube.com", "cpm", None, "Paid Video"),
    ("amazon.co.uk", "ppc", None, "Paid Shopping"),
    ("google shopping", "referral", None, "Organic Shopping"),
    ("newsletter", "email", "shop opening", "Organic Shopping"),
    ("newsletter", "email", "workshop", "Email"),
    ("newsletter", "e-mail", "march", "Email"),
    ("facebook.partner.example", "referral", None, "Referral"),
    ("dbm", "cpm", None, "Display"),
    ("partner", "cpa", None, "Paid Other"),
    ("(direct)", "(none)", "(direct)", "Direct"),
    ("(not set)", "(not set)", "(not set)", "Unassigned"),
]


def test_every_group_is_googles() -> None:
    listed = json.dumps(
        [dict(zip(("source", "medium", "campaign"), it, strict=False)) for it in EXPECTED]
    )
    sql = fill(
        """
        SELECT place, {{ group }} AS found
        FROM (
          SELECT
            place,
            JSON_VALUE(one, '$.source') AS source,
            JSON_VALUE(one, '$.medium') AS medium,
            JSON_VALUE(one, '$.campaign') AS campaign
          FROM UNNEST(JSON_QUERY_ARRAY({{ listed }})) AS one WITH OFFSET AS place
        ) AS visit
        ORDER BY place""",
        group=channels.group("visit"),
        listed=bind(listed),
    )
    warehouse = QuickWarehouse(Settings(project="test-project"))
    found = [row["found"] for row in warehouse.rows(sql)]
    assert list(zip(EXPECTED, found, strict=True)) == [(it, it[3]) for it in EXPECTED]


def test_the_list_is_whole_names_in_small_letters() -> None:
    assert {category: len(names) for category, names in channels.sites().items()} == {
        "search": 129, "shopping": 52, "social": 592, "video": 46
    }  # fmt: skip
    for names in channels.sites().values():
        assert names == sorted({name.strip().lower() for name in names})
