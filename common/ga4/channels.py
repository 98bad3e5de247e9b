"""GA4's default channel groups, computed where the export does not tell them.

The exported group counts wherever there is one: for Google Ads and DV360 the rules use what is not
exported. Source: support.google.com/analytics/answer/9756891; the sources are the best known of
Google's list, the others fall to the group of their medium.
"""

from __future__ import annotations

from common.bigquery.sql import Sql, bind, template

SEARCH = "google bing yahoo duckduckgo baidu yandex ecosia ask aol naver seznam qwant startpage"
SOCIAL = (
    "facebook instagram twitter linkedin pinterest reddit tiktok snapchat threads vk xing tumblr"
    " quora whatsapp telegram weibo mastodon bluesky"
)
VIDEO = "youtube vimeo dailymotion twitch netflix hulu"
SHOPPING = "amazon ebay etsy shopping idealo aliexpress alibaba walmart shopzilla"
SHORT = {"SOCIAL": ["t.co", "fb", "ig", "x.com", "l.facebook.com", "lm.facebook.com", "lnkd.in"]}
"""Whole names that no word of the list stands in."""


def group(alias: str) -> Sql:
    """An expression over source, medium and campaign of the alias: the channel group."""
    return template(
        __file__,
        source=f"LOWER(COALESCE({alias}.source, ''))",
        medium=f"LOWER(COALESCE({alias}.medium, ''))",
        campaign=f"LOWER(COALESCE({alias}.campaign, ''))",
        search=_words(SEARCH),
        social=_words(SOCIAL),
        short=bind(SHORT["SOCIAL"]),
        video=_words(VIDEO),
        shopping=_words(SHOPPING),
    )


def _words(names: str) -> str:
    return f"r'(^|[.])({'|'.join(names.split())})([.]|$)'"
