"""GA4's default channel groups, computed where the export does not tell them.

The exported group counts wherever there is one: for Google Ads and DV360 the rules use what is not
exported. Source of the rules and of the list of sites: support.google.com/analytics/answer/9756891.
Google revises the list; a source that it does not name falls to the group of its medium.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from common.bigquery.sql import Sql, bind, template

CATEGORIES = ("search", "shopping", "social", "video")


@cache
def sites() -> dict[str, list[str]]:
    """Category → the sources that Google counts to it, whole names in small letters."""
    text = Path(__file__).with_name("source_categories.json").read_text("utf-8")
    listed = json.loads(text)
    return {category: listed[category] for category in CATEGORIES}


def group(alias: str) -> Sql:
    """An expression over source, medium and campaign of the alias: the channel group."""
    return template(
        __file__,
        source=f"LOWER(COALESCE({alias}.source, ''))",
        medium=f"LOWER(COALESCE({alias}.medium, ''))",
        campaign=f"LOWER(COALESCE({alias}.campaign, ''))",
        search=_listed("search"),
        shopping=_listed("shopping"),
        social=_listed("social"),
        video=_listed("video"),
    )


def _listed(category: str) -> Sql:
    return bind(sites()[category], "ARRAY<STRING>")
