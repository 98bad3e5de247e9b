"""The rows of ga4_events: what a scan wants, each event once, with the record of its visit."""

from __future__ import annotations

from collections.abc import Iterable

from common import schemas
from common.bigquery.sql import Parameter, Sql, fill, join, template, with_parameters
from common.ga4 import channels, shards
from common.ga4.export import ALWAYS, ITEM_NUMBERS, ITEM_TEXTS, VISIT
from common.model import placeholders

RESOLVED = (
    "event_key purchase_id key_version copies source medium campaign channel_group"
    " channel_is_computed source_step"
).split()
"""Columns of an event that its scan does not know alone."""
FORMER = "gclid gbraid wbraid dclid fbclid msclkid ttclid li_fat_id".split()
"""Columns of rows of key version 1; ga4_clicks holds the ids of ads now."""

OF_VISIT = ("source", "medium", "campaign", "channel_group", "channel_is_computed", "source_step")
"""Columns of an event that are those of its visit."""


def later(visited: Sql, stage: Sql) -> Sql:
    """The rows of the `stage` that no table of the window tells and whose visits may have another
    record by now: those after the window, and from @unread_from on those of tables that are gone.

    With the record that their visit has by now; the columns are those of `events`.
    """
    columns = [*_scanned_columns(), *RESOLVED, *FORMER]
    whose = {name: "visited" if name in OF_VISIT else "target" for name in columns}
    return template(
        __file__,
        "events_later",
        columns=", ".join(f"{whose[name]}.{name}" for name in columns),
        target=stage,
        visited=visited,
        is_told=shards.is_told("target"),
    )


def _scanned_columns() -> list[str]:
    known = {*RESOLVED, *FORMER, "row_hash"}
    return [name for name in schemas.columns("ga4_events") if name not in known]


def events(scanned: Sql, visited: Sql, stage: Sql, names: Iterable[str]) -> Sql:
    """The rows of a scan for the stage, with all of its columns but row_hash.

    Rows that the `stage` holds under version 1 of the key stay under it, so that no conversion that
    is published changes its id. `visited` holds the visits of the scan; `names` are those of the
    events that were asked for. Parameters @start_date and @end_date as in the scan.
    """
    sql = template(
        __file__,
        scanned=scanned,
        visited=visited,
        target=stage,
        columns=join(
            ", ",
            (_items() if name == "items" else Sql(f"named.{name}") for name in _scanned_columns()),
        ),
        former=", ".join(f"CAST(NULL AS STRING) AS {name}" for name in FORMER),
        channel_group=channels.group("named"),
    )
    held = sorted({*names, *ALWAYS, VISIT})
    return with_parameters(sql, event_names=Parameter("ARRAY<STRING>", held))


def _items() -> Sql:
    """The list of products, their texts without those that say nothing.

    GA4 writes `(not set)` for each text that a product lacks, and where an event has no product
    sometimes one that has nothing else, or zeros.
    """
    texts = {it: placeholders.something(f"item.{it}") for it in ITEM_TEXTS}
    named = (fill("{{ it }} AS {{ name }}", it=it, name=name) for name, it in texts.items())
    return fill(
        "ARRAY(SELECT AS STRUCT {{ texts }}, {{ numbers }} FROM UNNEST(named.items) AS item"
        " WHERE COALESCE({{ id }}, {{ name }}) IS NOT NULL"
        " OR COALESCE(NULLIF(item.price, 0), NULLIF(item.item_revenue, 0),"
        " NULLIF(item.item_refund, 0)) IS NOT NULL) AS items",
        texts=join(", ", named),
        numbers=", ".join(
            f"IF(IS_NAN(item.{it}) OR IS_INF(item.{it}), NULL, item.{it}) AS {it}"
            for it in ITEM_NUMBERS
        ),
        id=texts["item_id"],
        name=texts["item_name"],
    )
