"""An event as a row of the GA4 export."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from urllib.parse import quote_plus

from common.local.shop.orders.rates import Rates
from common.local.shop.site.journeys import ORGANIC
from common.local.shop.site.visits import Event, Line, Scalar, Visit
from common.local.shop.world import HOST, Channel
from common.untyped import JsonObject

Row = JsonObject
_LANDING = ("session_start", "first_visit")


def row(event: Event, day: date, version: int, rates: Rates) -> Row:
    """The event as the `version`-th writing of its day's table has it; NULLs are left out."""
    dollars = 1 / rates.rate("USD", day)
    found: Row = {
        "event_date": f"{day:%Y%m%d}",
        "event_timestamp": event.at,
        "event_name": event.name,
        "event_params": [{"key": key, "value": _value(value)} for key, value in _params(event)],
        "user_properties": [],
        "items": [_item(line, event, dollars) for line in event.lines],
        "stream_id": "4102938475",
        "platform": "WEB",
    }
    _add(found, "user_pseudo_id", event.visit.client_id)
    _add(found, "user_id", event.visit.user_id)
    _add(found, "ecommerce", _ecommerce(event, dollars))
    # of an amount sent as text GA4 knows no value in dollars
    if isinstance(amount := event.params.get("value"), int | float):
        found["event_value_in_usd"] = round(amount * dollars, 6)
    return found if event.from_server else found | _of_visit(event, version)


def _of_visit(event: Event, version: int) -> Row:
    """What the browser adds, and the server that sends a refund does not know."""
    visit = event.visit
    row: Row = {
        "privacy_info": {
            "analytics_storage": "Yes" if visit.client_id else "No",
            "ads_storage": "Yes" if visit.ads_consent else "No",
            "uses_transient_token": "No",
        },
        "user_properties": _user_properties(visit),
        "user_first_touch_timestamp": (visit.first or visit).began,
        "device": _device(visit),
        "geo": _geo(visit),
        "traffic_source": _first_source(visit),
        "event_dimensions": {"hostname": HOST},
        "is_active_user": True,
        "batch_page_id": visit.began // 1000,
        "batch_ordering_id": event.position // 4 + 1,
        "batch_event_index": event.position % 4 + 1,
    }
    # GA4 notes where a click came from with the events of its own page alone
    if event.ad:
        row["collected_traffic_source"] = _collected(event.ad.channel, event.ad.click_id)
    elif _is_landing(event):
        channel = ORGANIC if visit.auto_tagged else visit.channel
        row["collected_traffic_source"] = _collected(channel, visit.click_id, visit.channel.click)
    # the first writing of a day lacks what GA4 works out from the whole session
    if not (visit.attributed_late and version == 1):
        row["session_traffic_source_last_click"] = _last_click(visit)
    return row


def _params(event: Event) -> Iterator[tuple[str, Scalar]]:
    visit = event.visit
    if not event.from_server:
        if visit.client_id:
            yield "ga_session_id", visit.began // 1_000_000
            yield "ga_session_number", visit.number
        # One key, two types: most libraries send text, some an integer.
        yield "session_engaged", "1" if visit.began % 11 else 1
        yield "page_location", _location(event)
        yield "page_title", f"Kiln & Oak | {event.page.strip('/') or 'Home'}"
        if visit.channel.medium == "referral":
            yield "page_referrer", f"https://{visit.channel.source}/"
    yield from event.params.items()


def _location(event: Event) -> str:
    """The address; a visit's first page carries the campaign and the click id."""
    visit, address = event.visit, f"https://{HOST}{event.page}"
    if not (event.ad or _is_landing(event)):
        return address
    channel, click_id = visit.channel, visit.click_id
    if event.ad:
        channel, click_id = event.ad.channel, event.ad.click_id
    query = {}
    if channel.campaign and (event.ad or not visit.auto_tagged):
        query = {"utm_source": channel.source, "utm_medium": channel.medium}
        query["utm_campaign"] = channel.campaign
    if channel.click and click_id:
        query[channel.click] = click_id
    pairs = "&".join(f"{key}={quote_plus(value)}" for key, value in query.items())
    return f"{address}?{pairs}" if pairs else address


def _is_landing(event: Event) -> bool:
    return event.name in _LANDING or "entrances" in event.params


def _value(value: Scalar) -> Row:
    if isinstance(value, str):
        return {"string_value": value}
    return {"int_value": value} if isinstance(value, int) else {"double_value": value}


def _ecommerce(event: Event, dollars: float) -> Mapping[str, Scalar] | None:
    if event.ecommerce is None:
        return None
    record = dict(event.ecommerce)
    for name in ("purchase_revenue", "refund_value", "tax_value"):
        amount = record.get(name)
        if isinstance(amount, int | float):
            record[f"{name}_in_usd"] = round(amount * dollars, 6)
    if event.name == "purchase":
        record.setdefault("purchase_revenue_in_usd", 0.0)
    return record


def _item(line: Line, event: Event, dollars: float) -> Row:
    product = line.product
    item: Row = {
        "item_id": product.id,
        "item_name": product.name,
        "item_brand": product.brand,
        "item_variant": "(not set)",
        "item_category": product.category,
        "item_category2": product.room,
        "coupon": "(not set)",
        "item_params": [],
    }
    if not line.is_bare:
        item["price_in_usd"] = round(product.price * dollars, 6)
        item["price"] = product.price
        item["quantity"] = line.quantity
    if event.name == "purchase":
        item["item_revenue"] = line.amount
        item["item_revenue_in_usd"] = round(line.amount * dollars, 6)
    if line.refunded is not None:
        item["item_refund"] = line.refunded
        item["item_refund_in_usd"] = round(line.refunded * dollars, 6)
    return item


def _user_properties(visit: Visit) -> list[Row]:
    if not visit.user_id:
        return []
    tier = ("gold", "silver", "none")[visit.person.number % 3]
    set_at = {"set_timestamp_micros": visit.began}
    return [
        {"key": "customer_tier", "value": {"string_value": tier, **set_at}},
        {"key": "visits", "value": {"int_value": visit.number, **set_at}},
    ]


def _device(visit: Visit) -> Row:
    device = visit.browser.device
    row: Row = {
        "category": device.category,
        "operating_system": device.system,
        "language": visit.person.place.language,
        "is_limited_ad_tracking": "No",
        "web_info": {"browser": device.browser, "browser_version": "128.0", "hostname": HOST},
    }
    _add(row, "mobile_brand_name", device.brand)
    return row


def _geo(visit: Visit) -> Row:
    place = visit.person.place
    continent = "Americas" if place.country == "United States" else "Europe"
    return {
        "continent": continent,
        "country": place.country,
        "region": place.region,
        "city": place.city,
        "metro": "(not set)",
    }


def _first_source(visit: Visit) -> Row:
    channel = (visit.first or visit).channel
    name = channel.campaign or f"({channel.medium.strip('()')})"
    return {"source": channel.source, "medium": channel.medium, "name": name}


def _collected(channel: Channel, click_id: str | None, click: str | None = None) -> Row:
    row: Row = {}
    if channel.group != "Direct":
        row = {"manual_source": channel.source, "manual_medium": channel.medium}
        _add(row, "manual_campaign_name", channel.campaign)
    name = channel.click or click
    # the record has columns for these alone (support.google.com/analytics/answer/7029846)
    if name in ("gclid", "dclid"):
        row[name] = click_id
    return row


def _last_click(visit: Visit) -> Row:
    channel = visit.attributed
    campaign = channel.campaign or "(not set)"
    manual = {"source": channel.source, "medium": channel.medium, "campaign_name": campaign}
    row: Row = {} if visit.auto_tagged else {"manual_campaign": manual}
    row |= {
        "cross_channel_campaign": {
            **manual,
            "default_channel_group": channel.group,
            "primary_channel_group": channel.group,
        },
    }
    if channel.click == "gclid":
        row["google_ads_campaign"] = {
            "customer_id": "5550001111",
            "account_name": "Kiln & Oak",
            "campaign_id": str(20_000 + len(campaign)),
            "campaign_name": campaign,
        }
    return row


def _add(row: Row, name: str, value: object) -> None:
    if value is not None:
        row[name] = value
