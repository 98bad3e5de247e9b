"""The raw GA4 export in BigQuery, typed once: one scan says what every event is.

Events that a definition counts come with everything; all others with what visits and clicks are
made of, because any event of a visit may carry the click or the source.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from common.bigquery.sql import Parameter, Sql, bind, fill, join, table, template, with_parameters
from common.ga4 import clicks, shards
from common.ga4.columns import Columns
from common.model import placeholders
from common.model.currency import DECIMALS
from common.model.window import Window
from common.untyped import JsonObject

ALWAYS = ("purchase", "refund", "login", "sign_up")
"""Events that every stage holds: money and its return, and who is who."""
VISIT = "session_start"
"""Every stage holds those that name a user, all where a definition counts them: they are nine in
ten of what a stage would hold else, and what they say of a visit stands in ga4_visits."""

ITEM_TEXTS = (
    "item_id item_name item_brand item_variant item_category item_category2 item_category3"
    " item_category4 item_category5 coupon affiliation"
).split()
ITEM_NUMBERS = ["price", "quantity", "item_revenue", "item_refund"]

MICROS_OF_A_DOLLAR = 200_000
"""A value of more units a dollar is in millionths: the weakest plain currency has about 9e4 a
dollar, the strongest in millionths about 3e5 (inferred; no document states the unit)."""

OF_STORES = (
    "in_app_purchase",
    "app_store_refund",
    "app_store_subscription_convert",
    "app_store_subscription_renew",
)
"""Events of what the stores of apps sell, which the SDK or the store itself reports.
Source: support.google.com/analytics/answer/9234069 (automatically collected events)."""

TEXT_COLUMNS: dict[str, tuple[str, ...]] = {
    # column of the scan: columns of the export that may hold it, the best one first
    "client": ("user_pseudo_id",),
    "user_of_row": ("user_id",),
    "collected_gclid": ("collected_traffic_source.gclid",),
    "collected_dclid": ("collected_traffic_source.dclid",),
    "collected_srsltid": ("collected_traffic_source.srsltid",),
    "collected_source": ("collected_traffic_source.manual_source",),
    "collected_medium": ("collected_traffic_source.manual_medium",),
    "collected_campaign": ("collected_traffic_source.manual_campaign_name",),
}
"""What is read of every event: visits and clicks are made of it."""
STAGED_TEXTS: dict[str, tuple[str, ...]] = {
    "ecommerce_order": ("ecommerce.transaction_id",),
    "ecommerce_currency": ("ecommerce.currency",),
    "bundle": ("event_bundle_sequence_id",),
    "device_category": ("device.category",),
    "operating_system": ("device.operating_system",),
    "browser": ("device.web_info.browser", "device.browser"),
    "language": ("device.language",),
    "hostname": ("device.web_info.hostname",),
    "country": ("geo.country",),
    "region": ("geo.region",),
    "city": ("geo.city",),
    "continent": ("geo.continent",),
    "platform": ("platform",),
    "stream_id": ("stream_id",),
    "ads_storage": ("privacy_info.ads_storage",),
}
"""What is read of the events of the stage alone."""
CAMPAIGNS = ("cross_channel", "google_ads", "sa360", "cm360", "dv360", "manual")
"""Records of session_traffic_source_last_click, the best one first (reference: GA4's own reports
show the first)."""
STAGED_NUMBERS = {
    "purchase_revenue": "ecommerce.purchase_revenue",
    "purchase_in_usd": "ecommerce.purchase_revenue_in_usd",
    "refund_stated": "ecommerce.refund_value",
    "refunded_in_usd": "ecommerce.refund_value_in_usd",
    "event_in_usd": "event_value_in_usd",
}
IN_DOLLARS = ("purchase_in_usd", "refunded_in_usd", "event_in_usd")
BATCH = ("batch_page_id", "batch_ordering_id", "batch_event_index")


@dataclass(frozen=True)
class Export:
    """Daily tables of one property that one statement may read together."""

    dataset: str
    """project.dataset"""
    schema: Sequence[JsonObject]
    tables: tuple[str, ...] = ()
    """Names of the tables where they have to be named; else a wildcard finds them and no others."""
    is_preliminary: bool = False


def scan(
    exports: Iterable[Export],
    window: Window,
    event_names: Iterable[str],
    timezone: str,
    *,
    properties: Sequence[str] = (),
) -> Sql:
    """Every event of the window and of a day on both sides; `is_wanted` marks those of the stage.

    Shards are read one day wider on both sides, because a property's days may begin at another
    hour than the project's, and a visit may have begun before midnight. Of several properties all
    but the first have theirs put behind the ids of their orders.
    """
    listed = list(exports)
    rows = join("\n  UNION ALL\n", (_export(export, window) for export in listed))
    return with_parameters(
        template(
            __file__,
            exports=rows,
            told=",\n    ".join(_told()),
            meant=_meant(),
            client_id=placeholders.somebody("exported.client"),
            user_id=fill(
                "COALESCE({{ of_row }}, {{ of_parameter }})",
                of_row=placeholders.somebody("exported.user_of_row"),
                of_parameter=placeholders.somebody("exported.param_user"),
            ),
            ecommerce_order=placeholders.somebody("exported.ecommerce_order"),
            param_order=placeholders.somebody("exported.transaction_id"),
            currency=fill(
                "COALESCE({{ of_parameter }}, {{ of_record }})",
                of_parameter=placeholders.something("exported.currency"),
                of_record=placeholders.something("exported.ecommerce_currency"),
            ),
            session=placeholders.somebody("exported.ga_session_id"),
            nobody_before=bind(NOBODY_BEFORE),
            micros=str(MICROS_OF_A_DOLLAR),
            of_stores=", ".join(f"'{name}'" for name in OF_STORES),
            raw_source=_raw("source"),
            raw_medium=_raw("medium"),
            raw_campaign=_raw("campaign"),
            session_step=_session_step(),
            said=",\n    ".join(_said()),
            session_record=join(",\n  ", _session_record()),
            item_texts=_texts("items", ("item_id", "price", "quantity")),
            param_texts=_texts("event_params", ("key", "text")),
            item_of_app=_item_of_app(),
            order_scope=_order_scope(properties),
            currencies=bind(sorted(DECIMALS)),
            clicks_of_page=clicks.of_page("meant.page_location", PAGE_CUT),
            clicks_of_referrer=_clicks_of_referrer(),
            google_click=clicks.is_of_google("pair"),
            listing_click=clicks.is_listing("pair"),
            ad_click=clicks.is_of_ad("pair"),
            is_listing=_IS_LISTING,
            is_collected=_is_collected(),
        ),
        event_names=Parameter("ARRAY<STRING>", sorted({*event_names, *ALWAYS})),
        first_suffix=_suffix(window, -1),
        last_suffix=_suffix(window, 1),
        start_date=window.start,
        end_date=window.end,
        timezone=timezone,
    )


PARAMETERS = {
    "ga_session_number": "number",
    "page_title": "text",
    "value_text": "text",
    "value_number": "number",
    "transaction_id": "text",
    "currency": "text",
    "coupon": "text",
}
"""Parameters that events of the stage are asked for, and in which of their writings."""

NAMES = (
    "device_category operating_system browser language country region city continent coupon"
    " hostname page_title"
).split()
"""Columns of names, where a text may stand for nothing."""

NOBODY_BEFORE = ["", "(not set)", "(none)", "undefined", "null", "nan", "none", "0"]
"""What stood for nobody in keys of version 1; never changes."""

PAGE_CUT, REFERRER_CUT = 1000, 420
"""Where GA4 cuts addresses, in characters."""


def _told() -> Iterable[str]:
    """What single parameters say of an event of the stage."""
    for name, field in PARAMETERS.items():
        key = "value" if name in ("value_text", "value_number") else name
        yield (
            f"(SELECT parameter.{field} FROM UNNEST(exports.event_params) AS parameter"
            f" WHERE parameter.key = '{key}' LIMIT 1) AS {name}"
        )


def _meant() -> Sql:
    """The columns that may hold a text for nothing, or a number that is none, without it."""
    names = [fill("{{ value }} AS {{ name }}", value=placeholders.something(f"exported.{name}"),
                  name=name) for name in NAMES]  # fmt: skip
    numbers = [
        fill(
            "IF(IS_NAN({{ it }}) OR IS_INF({{ it }}), NULL, {{ it }}) AS {{ name }}",
            it=f"exported.{name}",
            name=name,
        )
        for name in ("value_number", "purchase_revenue", "refund_stated", *IN_DOLLARS)
    ]
    return join(",\n      ", (*names, *numbers))


def _raw(part: str) -> Sql:
    """This part of the record of the event alone."""
    return placeholders.source(
        f"IF(valued.is_collected, valued.collected_{part}, valued.param_{part})"
    )


def _session_step() -> Sql:
    """Which of GA4's own records of the session speaks, the best one first."""
    speaks = {it: placeholders.source(f"meant.{it}_source") for it in CAMPAIGNS}
    speaks["google_ads"] = fill(
        "COALESCE({{ campaign }}, {{ customer }})",
        campaign=placeholders.somebody("meant.google_ads_campaign_id"),
        customer=placeholders.somebody("meant.google_ads_customer_id"),
    )
    whens = (
        fill("WHEN {{ said }} IS NOT NULL THEN '{{ it }}'", said=said, it=it)
        for it, said in speaks.items()
    )
    return fill("CASE {{ whens }} END", whens=join(" ", whens))


_IS_LISTING = (
    "keyed.has_listing_click AND CONCAT(LOWER(COALESCE(keyed.raw_source, '(direct)')), ' ',"
    " REPLACE(LOWER(COALESCE(keyed.raw_medium, '(none)')), '(not set)', '(none)'))"
    " IN ('(direct) (none)', '(not set) (none)', 'google organic')"
    " AND LOWER(COALESCE(keyed.raw_campaign, '(direct)'))"
    " IN ('(direct)', '(organic)', '(not set)')"
)
"""A click on a free listing of which nothing says more: not a campaign, nor a site whose link still
has the id of whoever shared it. What it is then called is ga4dataform's rule, by which Google's own
table finds Organic Shopping."""


def _is_collected() -> Sql:
    """Whether the record of the page says anything."""
    parts = (
        placeholders.source(f"meant.collected_{it}") for it in ("source", "medium", "campaign")
    )
    return fill("COALESCE({{ parts }}) IS NOT NULL", parts=join(", ", parts))


def _said() -> Iterable[str]:
    """That record, whole: a column that it lacks is taken from no other."""
    # the record names neither: GA4's own reports call auto-tagged traffic google / cpc
    of_google_ads = {"source": "'google'", "medium": "'cpc'"}
    for part in ("source", "medium", "campaign"):
        columns = {it: f"valued.{it}_{part}" for it in CAMPAIGNS}
        columns["google_ads"] = of_google_ads.get(part, columns["google_ads"])
        whens = " ".join(f"WHEN '{it}' THEN {column}" for it, column in columns.items())
        yield f"CASE valued.session_step {whens} END AS said_{part}"


def _session_record() -> Iterable[Sql]:
    """That record without the texts that say nothing."""
    for part in ("source", "medium", "campaign"):
        said = placeholders.source(f"keyed.said_{part}")
        yield fill("{{ said }} AS session_{{ part }}", said=said, part=part)
    yield fill(
        "IF(keyed.session_step = 'cross_channel', {{ group }}, NULL) AS session_channel",
        group=placeholders.something("keyed.cross_channel_group"),
    )


def _texts(column: str, fields: Iterable[str]) -> str:
    """A list of texts in an order of its own, in which no two different lists agree."""
    parts = ", '|', ".join(f"COALESCE(CAST(part.{name} AS STRING), '')" for name in fields)
    # sorted: a day that Google writes again may list its parameters in another order, and every key
    # would be a new one
    return f"ARRAY(SELECT CONCAT({parts}) FROM UNNEST(valued.{column}) AS part ORDER BY 1)"


def _item_of_app() -> str:
    """The only product of an in-app purchase, which has no list of them.

    Source: support.google.com/analytics/answer/9234069 (parameters of in_app_purchase).
    """
    of_parameter = (
        "(SELECT parameter.{} FROM UNNEST(keyed.event_params) AS parameter"
        " WHERE parameter.key = '{}' LIMIT 1)"
    )
    known = {
        "item_id": of_parameter.format("text", "product_id"),
        "item_name": of_parameter.format("text", "product_name"),
        "price": f"{of_parameter.format('number', 'price')} / keyed.unit",
        "quantity": of_parameter.format("number", "quantity"),
    }
    fields = [*((it, "STRING") for it in ITEM_TEXTS), *((it, "FLOAT64") for it in ITEM_NUMBERS)]
    named = (f"{known.get(it, f'CAST(NULL AS {type_})')} AS {it}" for it, type_ in fields)
    return f"STRUCT({', '.join(named)})"


def _clicks_of_referrer() -> Sql:
    """The ids in the referrer's address where it is a page of the same site."""
    # www and the port are the same site
    host = "LOWER(REGEXP_EXTRACT({0}, r'(?i)^[^:]+://(?:www\\.)?([^/?#:]+)'))"
    same = f"{host.format('meant.page_referrer')} = {host.format('meant.page_location')}"
    return clicks.of_page("meant.page_referrer", REFERRER_CUT, also=same)


def _order_scope(properties: Sequence[str]) -> Sql:
    """What is put behind an order id, so that two properties never share an order."""
    if len(properties) < 2:
        return Sql("''")
    return fill(
        "IF(keyed.property = {{ first }}, '', CONCAT('@', SPLIT(keyed.property, '.')[OFFSET(1)]))",
        first=bind(properties[0]),
    )


def _export(export: Export, window: Window) -> Sql:
    columns = Columns.of(export.schema)
    of_all = {name: columns.text(*paths) for name, paths in TEXT_COLUMNS.items()}
    of_all |= dict(_session_records(columns))
    of_staged = {name: columns.text(*paths) for name, paths in STAGED_TEXTS.items()}
    of_staged |= {name: columns.value(path, "FLOAT64") for name, path in STAGED_NUMBERS.items()}
    batch = {name: columns.value(name, "STRING") for name in BATCH}
    lists = [name for name in ("event_params", "user_properties") if name in columns.types]
    return template(
        __file__,
        "export_export",
        property=bind(export.dataset),
        is_staged=f"(event.event_name IN UNNEST(@event_names)"
        f" OR (event.event_name = '{VISIT}' AND {of_all['user_of_row']} IS NOT NULL))",
        is_preliminary="TRUE" if export.is_preliminary else "FALSE",
        occurred_at=_moment(columns),
        shard=_day(columns),
        table_day=_table_day(export, window),
        micros=_micros(columns),
        is_astray=_is_astray(_micros(columns), _table_day(export, window)),
        read=",\n      ".join(
            (
                *(f"{text} AS {name}" for name, text in (of_all | batch | of_staged).items()),
                *(f"event.{name}" for name in lists),
            )
        ),
        columns=",\n    ".join(
            (
                *(f"event.{name}" for name in of_all),
                *(f"IF(event.is_staged, event.{name}, NULL) AS {name}" for name in of_staged),
                *(f"{text} AS {name}" for name, text in _of_parameters(columns)),
            )
        ),
        key_before=_key_before(columns),
        click_pairs=columns.pairs(clicks.KINDS),
        user_properties=columns.parameters("user_properties"),
        event_params=columns.parameters("event_params"),
        items=columns.items(ITEM_TEXTS, ITEM_NUMBERS),
        # an event that an audience has triggered is nothing that somebody did
        synthetic=columns.parameter("synthetic_bundle", "number"),
        shards=_shards(export, window),
    )


def _moment(columns: Columns) -> str:
    """When it happened, where that is a moment."""
    if columns.types.get("event_timestamp") == "TIMESTAMP":
        return "event.event_timestamp"
    return f"TIMESTAMP_MICROS({_micros(columns)})"


def _micros(columns: Columns) -> str:
    """When it happened in microseconds, which some copies hold as a text, or as a moment."""
    match columns.types.get("event_timestamp"):
        case "TIMESTAMP":
            return "UNIX_MICROS(event.event_timestamp)"
        case "INTEGER" | "INT64":
            return "event.event_timestamp"
    return columns.value("event_timestamp", "INT64")


def _day(columns: Columns) -> str:
    """The property's day as YYYYMMDD, which some copies hold as a date."""
    if columns.types.get("event_date") == "DATE":
        return "FORMAT_DATE('%Y%m%d', event.event_date)"
    return columns.text("event_date")


def _of_parameters(columns: Columns) -> Iterable[tuple[str, str]]:
    """What parameters say of every event."""
    for name in BATCH:
        # columns since 2024-07-16, event parameters before (dbt-ga4#335)
        yield name, f"COALESCE(event.{name}, {columns.parameter(name, 'text')})"
    for name in ("source", "medium", "campaign"):
        yield f"param_{name}", columns.parameter(name, "text")
    # some sites send it as a parameter, which GA4 leaves one
    yield "param_user", columns.parameter("user_id", "text")
    for name in ("ga_session_id", "page_location", "page_referrer"):
        yield name, columns.parameter(name, "text")


def _session_records(columns: Columns) -> Iterable[tuple[str, str]]:
    root = "session_traffic_source_last_click"
    for record in CAMPAIGNS:
        path = f"{root}.{record}_campaign"
        if record == "google_ads":
            yield from (
                (f"google_ads_{id}", columns.text(f"{path}.{id}"))
                for id in ("campaign_id", "customer_id")
            )
        else:
            yield f"{record}_source", columns.text(f"{path}.source")
            yield f"{record}_medium", columns.text(f"{path}.medium")
        yield f"{record}_campaign", columns.text(f"{path}.campaign_name")
    yield (
        "cross_channel_group",
        columns.text(f"{root}.cross_channel_campaign.default_channel_group"),
    )


def _key_before(columns: Columns) -> str:
    """What told two events of one client, name and microsecond apart in keys of version 1."""
    if all(name in columns.types for name in BATCH):
        return ", '/', ".join(f"COALESCE(event.{name}, '')" for name in BATCH)
    if columns.types.get("event_params") in ("RECORD", "STRUCT"):
        return "TO_JSON_STRING(event.event_params)"
    return "''"


EARLY_HOURS, LATE_HOURS = 86, 60
"""How far from 00:00 UTC of its table's day an event's time may be: a property's day begins up to
14 hours before and ends up to 36 after; what is sent later is at most 72 hours old (Measurement
Protocol, developers.google.com/analytics/devguides/collection/protocol/ga4/use-cases), and clocks
may be a day fast."""


def _is_astray(micros: str, table_day: str) -> str:
    """Whether the event's time cannot be: none, or one that its table's day is far from."""
    day = f"UNIX_MICROS(TIMESTAMP(SAFE.PARSE_DATE('%Y%m%d', {table_day})))"
    return (
        f"COALESCE({micros} NOT BETWEEN {day} - {EARLY_HOURS * 3_600_000_000}"
        f" AND {day} + {LATE_HOURS * 3_600_000_000}, TRUE)"
    )


def _table_day(export: Export, window: Window) -> str:
    """The day of the event's table as YYYYMMDD: the column event_date follows the event's time."""
    if export.tables:
        return "event.table_day"
    begun = beginning(window).removeprefix("events_")
    return f"CONCAT('{begun}', event._TABLE_SUFFIX)"


def _shards(export: Export, window: Window) -> Sql:
    """The tables to read as the alias `event`, with the condition that takes the right ones."""
    if export.tables:
        return Sql(f"{shards.together(export.dataset, export.tables)} AS event\n    WHERE TRUE")
    found = beginning(window)
    shared = len(found) - len("events_")
    first, last = (f"SUBSTR(@{it}_suffix, {shared + 1})" for it in ("first", "last"))
    return Sql(
        f"{table(f'{export.dataset}.{found}*')} AS event\n    WHERE"
        f"\n      event._TABLE_SUFFIX BETWEEN {first} AND {last}"
        f"\n      AND REGEXP_CONTAINS(event._TABLE_SUFFIX, r'^\\d{{{8 - shared}}}$')"
    )


def beginning(window: Window) -> str:
    """What the names of all daily tables that are read for these days begin with."""
    first, last = _suffix(window, -1), _suffix(window, 1)
    return f"events_{first[: next((at for at in range(8) if first[at] != last[at]), 8)]}"


def _suffix(window: Window, days: int) -> str:
    edge = window.start if days < 0 else window.end
    return f"{edge + timedelta(days=days):%Y%m%d}"
