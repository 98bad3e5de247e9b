"""Clicks on ads: each id that a client showed, at its first sight.

A new click starts no new session, and any event may carry it: clicks belong to the client and to
time, never to a session. Reloads, the back button and bookmarks repeat an old id and must not make
it young, so an id is dated by its first sight.
Source: support.google.com/analytics/answer/9234069 (GA4 cuts a page's address at 1,000 characters,
its referrer at 420, any other parameter at 100: an id that ends there is broken).
"""

from __future__ import annotations

from dataclasses import dataclass

from common.bigquery.sql import Sql, fill, fingerprint, template
from common.ga4 import shards
from common.model import placeholders


@dataclass(frozen=True)
class Platform:
    """Who takes a click as the cause of a conversion, and for how long."""

    name: str
    kinds: tuple[str, ...]
    """Names of the ids in an address, in small letters; one click may carry several of them."""
    days: int
    """How long before the conversion it counts, in days of 24 hours."""


GOOGLE = Platform("google", ("gclid", "gbraid", "wbraid"), 90)
PLATFORMS = (
    # days as the platforms document them, or as reported where they do not; see README
    GOOGLE,
    # belongs to Campaign Manager: sent to Google Ads it would be no click
    Platform("cm360", ("dclid",), 90),
    Platform("meta", ("fbclid",), 90),
    Platform("microsoft", ("msclkid",), 90),
    # reports say 28 to 30: the shorter time is right by all of them
    Platform("tiktok", ("ttclid",), 28),
    Platform("linkedin", ("li_fat_id",), 90),
)
TAKEN = tuple(kind for platform in PLATFORMS for kind in platform.kinds)
"""Ids that a conversion carries."""
OTHERS = ("gclsrc", "srsltid", "twclid", "epik", "sccid", "rdt_cid")
"""Kept as they come; no destination takes them yet."""

KINDS = (*TAKEN, *OTHERS)
LONGEST = max(platform.days for platform in PLATFORMS)
REMEMBERED_DAYS = 400
"""So long a repeated id is as old as its first sight."""


def of_page(location: str, cut: int, also: str = "") -> Sql:
    """An expression: the ids in an address as texts kind=value; not one that ends at the cut.

    None where the condition `also` does not hold, which only addresses with an id are asked for.
    """
    names = "|".join(KINDS)
    also = f" AND {also}" if also else ""
    return Sql(
        # sites write GCLID=, &amp;gclid=, #gclid= and ;gclid= as well
        f"IF(REGEXP_CONTAINS({location}, r'(?i)[?&#;](?:{names})='){also},"
        f" REGEXP_EXTRACT_ALL(IF(LENGTH({location}) >= {cut},"
        f" REGEXP_REPLACE({location}, r'[?&#;][^?&#;]*$', ''), {location}),"
        f" r'(?i)[?&#;]((?:{names})=[^&#;?]+)'), [])"
    )


LISTING = "srsltid"
"""No ad: a free listing of Google Shopping."""


def is_of_google(pair: str) -> Sql:
    """Whether the text kind=value is a click on one of Google's ads."""
    return _is_click(pair, f"REGEXP_CONTAINS({pair}, r'(?i)^(?:{'|'.join(GOOGLE.kinds)})=')")


def is_listing(pair: str) -> Sql:
    """Whether the text kind=value is a click on a free listing."""
    return _is_click(pair, f"REGEXP_CONTAINS({pair}, r'(?i)^{LISTING}=')")


def is_of_ad(pair: str) -> Sql:
    """Whether the text kind=value is a click on anything else."""
    return _is_click(pair, f"NOT REGEXP_CONTAINS({pair}, r'(?i)^{LISTING}=')")


def _is_click(pair: str, is_meant: str) -> Sql:
    """Whether the kind is the one that is meant, and the value stands for a click."""
    value = f"SUBSTR({pair}, STRPOS({pair}, '=') + 1)"
    return fill(
        "{{ is_meant }} AND NOT {{ is_none }}",
        is_meant=is_meant,
        is_none=placeholders.is_no_click(value),
    )


def sightings(scanned: Sql, known: Sql) -> Sql:
    """The rows of ga4_clicks for the window, of a scan and of what the table knows already.

    And those after the window of ids that it shows or showed: the first sight of an id may be told
    late, and no more. Parameters are those of `shards.told` and the days that `visits.lenders`
    finds unread, of which tables that are gone told what is kept.
    """
    return template(
        __file__,
        scanned=scanned,
        known=known,
        value=placeholders.click("decoded.value"),
        id_hash=_id_hash("valid"),
        decoded=_decoded("sight.value"),
        day=shards.day_of_row("daily"),
        is_told=shards.is_told("kept"),
        remembered=str(REMEMBERED_DAYS),
    )


def hashed(known: Sql) -> Sql:
    """The statement that gives rows of ga4_clicks of before there was an id_hash theirs."""
    return template(__file__, "clicks_hashed", known=known, hash=_id_hash("click"))


def newest(visitors: str, known: Sql, *, is_narrowed: bool = False) -> Sql:
    """Of each row of the step `visitors` (id, client_id, created) the click of each platform.

    The last one before the row that is young enough for its platform; the ids of one click stay
    together. Columns: id, click_at, of each platform <name>_click_at and its ids. `known` may be
    narrowed to the clients that counted in some days, with the last of these as last_date.
    """
    columns = ["MAX(chosen.clicked_at) AS click_at"]
    for platform in PLATFORMS:
        columns.append(
            f"MAX(IF(chosen.platform = '{platform.name}', chosen.clicked_at, NULL))"
            f" AS {platform.name}_click_at"
        )
        columns += [
            f"MAX(IF(chosen.kind = '{kind}', chosen.value, NULL)) AS {kind}"
            for kind in platform.kinds
        ]
    return template(
        __file__,
        "clicks_newest",
        visitors=visitors,
        known=known,
        platform=_of_platform("name"),
        days=_of_platform("days"),
        taken=", ".join(f"'{kind}'" for kind in TAKEN),
        of_run="AND click.last_date BETWEEN @earliest_date AND @end_date\n          "
        if is_narrowed
        else "",
        # partitions are days of the project, and a click counts by the hour
        longest=str(LONGEST + 1),
        columns=",\n    ".join(columns),
    )


def _of_platform(field: str) -> str:
    whens = (
        f"WHEN sight.kind IN ({', '.join(map(repr, it.kinds))}) THEN {getattr(it, field)!r}"
        for it in PLATFORMS
    )
    return f"CASE {' '.join(whens)} END"


def _id_hash(alias: str) -> str:
    parts = ", CHR(31), ".join(f"{alias}.{name}" for name in ("client_id", "kind", "value"))
    return fingerprint(f"CONCAT({parts})")


def _decoded(text: str) -> Sql:
    """The text with %XX as the characters that they stand for; GoogleSQL has no URL decoder."""
    return fill(
        "IF(STRPOS({{ text }}, '%') = 0, {{ text }}, ("
        "SELECT STRING_AGG(IF(REGEXP_CONTAINS(part, r'^%[0-9a-fA-F]{2}$'),"
        " SAFE_CONVERT_BYTES_TO_STRING(FROM_HEX(SUBSTR(part, 2))), part), '' ORDER BY place)"
        " FROM UNNEST(REGEXP_EXTRACT_ALL({{ text }}, r'%[0-9a-fA-F]{2}|[^%]+|%')) AS part"
        " WITH OFFSET AS place))",
        text=text,
    )
