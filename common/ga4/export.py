"""The raw GA4 export in BigQuery, typed once: one scan becomes rows of the stage.

Columns differ between properties, years and shards, so an expression is used only where the newest
shard has its column; older shards that lack it read as NULL.
Source: support.google.com/analytics/answer/7029846 (BigQuery Export schema).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from common.bigquery.sql import Parameter, Sql, bind, join, table, template, with_parameters
from common.model.window import Window

ALWAYS = ("purchase", "refund", "session_start", "login", "sign_up")
"""Events that every stage holds: money and its return, visits for click ids, and who is who."""

NOBODY = ["", "(not set)", "(none)", "undefined", "null", "nan", "none", "0"]
"""Texts that stand where an id should be."""

ITEM_TEXTS = (
    "item_id item_name item_brand item_variant item_category item_category2 item_category3"
    " item_category4 item_category5 coupon affiliation"
).split()
ITEM_NUMBERS = ["price", "quantity", "item_revenue", "item_refund"]

EXPRESSIONS: dict[str, tuple[str, ...]] = {
    # column of the stage: columns of the export that may hold it, the best one first
    "user_id": ("event.user_id",),
    "transaction_id": ("event.ecommerce.transaction_id",),
    "purchase_revenue": ("event.ecommerce.purchase_revenue",),
    "refund_amount": ("event.ecommerce.refund_value",),
    "source": (
        "event.session_traffic_source_last_click.manual_campaign.source",
        "event.collected_traffic_source.manual_source",
        "event.traffic_source.source",
    ),
    "medium": (
        "event.session_traffic_source_last_click.manual_campaign.medium",
        "event.collected_traffic_source.manual_medium",
        "event.traffic_source.medium",
    ),
    "campaign": (
        "event.session_traffic_source_last_click.manual_campaign.campaign_name",
        "event.collected_traffic_source.manual_campaign_name",
        "event.traffic_source.name",
    ),
    "gclid": ("event.collected_traffic_source.gclid",),
    "dclid": ("event.collected_traffic_source.dclid",),
    "device_category": ("event.device.category",),
    "operating_system": ("event.device.operating_system",),
    "browser": ("event.device.web_info.browser", "event.device.browser"),
    "language": ("event.device.language",),
    "hostname": ("event.device.web_info.hostname",),
    "country": ("event.geo.country",),
    "region": ("event.geo.region",),
    "city": ("event.geo.city",),
    "continent": ("event.geo.continent",),
    "platform": ("event.platform",),
    "stream_id": ("event.stream_id",),
    "ads_storage": ("event.privacy_info.ads_storage",),
}
BATCH = ("batch_page_id", "batch_ordering_id", "batch_event_index")


def scan(
    exports: Iterable[tuple[str, list[dict[str, Any]]]],
    window: Window,
    event_names: Iterable[str],
    timezone: str,
) -> Sql:
    """Rows of the stage for the window: (dataset as project.dataset, newest shard's schema) each.

    Shards are read one day wider on both sides, because a property's days may begin at another
    hour than the project's; intraday shards never are.
    """
    events = join(
        "\n  UNION ALL\n", (_export(dataset, _paths(schema)) for dataset, schema in exports)
    )
    return with_parameters(
        template(__file__, exports=events),
        event_names=Parameter("ARRAY<STRING>", sorted({*event_names, *ALWAYS})),
        first_suffix=_suffix(window, -1),
        last_suffix=_suffix(window, 1),
        start_date=window.start,
        end_date=window.end,
        timezone=timezone,
        nobody=Parameter("ARRAY<STRING>", NOBODY),
    )


def _export(dataset: str, paths: frozenset[str]) -> Sql:
    columns = {name: _first(candidates, paths) for name, candidates in EXPRESSIONS.items()}
    return template(
        __file__,
        "export_export",
        export=table(f"{dataset}.events_*"),
        property=bind(dataset),
        columns=",\n    ".join(f"{text} AS {name}" for name, text in columns.items()),
        key=_key(paths),
        user_properties=_spread("user_properties", paths),
        event_params=_spread("event_params", paths),
        items=_items(paths),
    )


def _first(candidates: tuple[str, ...], paths: frozenset[str]) -> str:
    present = [text for text in candidates if text.removeprefix("event.") in paths]
    texts = [f"CAST({text} AS STRING)" for text in present]
    money = any("revenue" in text or "refund" in text for text in candidates)
    if money:
        return f"CAST({present[0]} AS FLOAT64)" if present else "CAST(NULL AS FLOAT64)"
    if not texts:
        return "CAST(NULL AS STRING)"
    return texts[0] if len(texts) == 1 else f"COALESCE({', '.join(texts)})"


def _key(paths: frozenset[str]) -> str:
    """What tells two events of one client, name and microsecond apart.

    The batch columns do so by design; exports before 2024 lack them, there the parameters must.
    """
    present = [name for name in BATCH if name in paths]
    if len(present) == len(BATCH):
        return ", '/', ".join(f"COALESCE(CAST(event.{name} AS STRING), '')" for name in present)
    return "TO_JSON_STRING(event.event_params)"


def _spread(parameters: str, paths: frozenset[str]) -> str:
    """The list with each value as text and as number, whichever typed field carried it."""
    if f"{parameters}.key" not in paths:
        return "CAST([] AS ARRAY<STRUCT<key STRING, text STRING, number FLOAT64>>)"
    fields = [
        f
        for f in ("int_value", "double_value", "float_value")
        if f"{parameters}.value.{f}" in paths
    ]
    numbers = [f"CAST(parameter.value.{name} AS FLOAT64)" for name in fields]
    texts = [f"CAST(parameter.value.{name} AS STRING)" for name in fields]
    text = "CAST(parameter.value.string_value AS STRING)"
    return (
        "ARRAY(SELECT AS STRUCT CAST(parameter.key AS STRING) AS key, "
        f"COALESCE({', '.join([text, *texts])}) AS text, "
        f"COALESCE({', '.join([*numbers, f'SAFE_CAST({text} AS FLOAT64)'])}) AS number "
        f"FROM UNNEST(event.{parameters}) AS parameter)"
    )


def _items(paths: frozenset[str]) -> str:
    def field(name: str, type_: str) -> str:
        source = f"item.{name}" if f"items.{name}" in paths else "NULL"
        return f"CAST({source} AS {type_}) AS {name}"

    fields = [field(name, "STRING") for name in ITEM_TEXTS]
    fields += [field(name, "FLOAT64") for name in ITEM_NUMBERS]
    return f"ARRAY(SELECT AS STRUCT {', '.join(fields)} FROM UNNEST(event.items) AS item)"


def _paths(schema: list[dict[str, Any]], prefix: str = "") -> frozenset[str]:
    found: set[str] = set()
    for column in schema:
        path = f"{prefix}{column['name']}"
        found |= {path, *_paths(column.get("fields", []), f"{path}.")}
    return frozenset(found)


def _suffix(window: Window, days: int) -> str:
    edge = window.start if days < 0 else window.end
    return f"{edge + timedelta(days=days):%Y%m%d}"


def shard_days(tables: Iterable[str]) -> list[str]:
    """The suffixes YYYYMMDD of the daily shards among the table names, oldest first."""
    suffixes = (name.removeprefix("events_") for name in tables if name.startswith("events_"))
    return sorted(suffix for suffix in suffixes if len(suffix) == 8 and suffix.isdigit())


def newest_shard(tables: Iterable[str]) -> str | None:
    """The name of the newest daily shard, whose schema a wildcard query takes."""
    days = shard_days(tables)
    return f"events_{days[-1]}" if days else None
