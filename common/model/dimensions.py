"""What a filter can ask of a GA4 event: names of dimensions and their GoogleSQL over the stage."""

from __future__ import annotations

from typing import Literal

from common.bigquery.sql import Sql, bind, fill
from common.errors import UserError

Type = Literal["text", "number", "either"]

BUILT_IN: dict[str, tuple[Type, str, str]] = {
    # name: type, column of the stage, title in the frontend
    "event": ("text", "event_name", "Event"),
    "event_action": ("text", "event_name", "Event Action"),
    "event_value": ("number", "value", "Event Value"),
    "transaction_id": ("text", "order_id", "Event Transaction ID"),
    "transaction_total": ("number", "revenue", "Event Transaction Total"),
    "currency": ("text", "currency", "Event Currency"),
    "coupon": ("text", "coupon", "Event Coupon"),
    "page_location": ("text", "page_location", "Page Location"),
    "page_path": ("text", "page_path", "Page Path"),
    "page_hostname": ("text", "page_hostname", "Page Hostname"),
    "page_title": ("text", "page_title", "Page Title"),
    "page_referrer": ("text", "page_referrer", "Page Referrer"),
    "source": ("text", "source", "Source"),
    "medium": ("text", "medium", "Medium"),
    "campaign": ("text", "campaign", "Campaign"),
    "device_category": ("text", "device_category", "Device Category"),
    "operating_system": ("text", "operating_system", "Operating System"),
    "browser": ("text", "browser", "Browser"),
    "language": ("text", "language", "Language"),
    "country": ("text", "country", "Country"),
    "region": ("text", "region", "Region"),
    "city": ("text", "city", "City"),
    "continent": ("text", "continent", "Continent"),
    "platform": ("text", "platform", "Platform"),
    "stream_id": ("text", "stream_id", "Stream ID"),
    "property": ("text", "property", "GA4 Property"),
    "client_id": ("text", "client_id", "Client ID"),
    "user_id": ("text", "user_id", "User ID"),
    "session_number": ("number", "session_number", "Session Number"),
}
ITEMS: dict[str, tuple[Type, str]] = {
    # field of a product: type, title in the frontend
    "item_id": ("text", "Item ID"),
    "item_name": ("text", "Item Name"),
    "item_brand": ("text", "Item Brand"),
    "item_variant": ("text", "Item Variant"),
    "item_category": ("text", "Item Category"),
    "item_category2": ("text", "Item Category 2"),
    "item_category3": ("text", "Item Category 3"),
    "item_category4": ("text", "Item Category 4"),
    "item_category5": ("text", "Item Category 5"),
    "coupon": ("text", "Item Coupon"),
    "affiliation": ("text", "Item Affiliation"),
    "price": ("number", "Item Price"),
    "quantity": ("number", "Item Quantity"),
    "item_revenue": ("number", "Item Revenue"),
}
CUSTOM = ("event_params", "user_properties")


def type_of(dimension: str) -> Type:
    """text, number, or either for parameters, whose type is known per event only.

    Raises ValueError for an unknown name, with the nearest known ones.
    """
    head, _, key = dimension.partition(".")
    if head in CUSTOM and key:
        return "either"
    if head == "items" and key in ITEMS:
        return ITEMS[key][0]
    if dimension in BUILT_IN:
        return BUILT_IN[dimension][0]
    raise ValueError(_unknown(dimension))


def text(dimension: str) -> Sql:
    """The dimension as STRING over the aliases `event` and, for products, `item`."""
    if type_of(dimension) == "number":
        return fill("CAST({{ number }} AS STRING)", number=_expression(dimension, "text"))
    return _expression(dimension, "text")


def number(dimension: str) -> Sql:
    """The dimension as FLOAT64; text that is no number is NULL."""
    if type_of(dimension) == "text":
        return fill("SAFE_CAST({{ text }} AS FLOAT64)", text=_expression(dimension, "text"))
    return _expression(dimension, "number")


def _expression(dimension: str, spread: str) -> Sql:
    head, _, key = dimension.partition(".")
    if head in CUSTOM:
        return fill(
            "(SELECT parameter.{{ spread }} FROM UNNEST(event.{{ list }}) AS parameter"
            # a subquery of two rows would end the statement, and an event may send a key twice
            " WHERE parameter.key = {{ key }} LIMIT 1)",
            spread=spread,
            list=head,
            key=bind(key),
        )
    if head == "items":
        return Sql(f"item.{key}")
    return Sql(f"event.{BUILT_IN[dimension][1]}")


def _unknown(dimension: str) -> str:
    # only for a name that is wrong: most processes never need it
    from difflib import get_close_matches

    known = [*BUILT_IN, *(f"items.{name}" for name in ITEMS)]
    near = get_close_matches(dimension, known, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "see GET /api/dimensions"
    return f"unknown dimension {dimension[:300]!r}; {hint}"


def checked(dimension: str) -> str:
    """The same name; raises UserError when it is unknown."""
    try:
        type_of(dimension)
    except ValueError as error:
        raise UserError(
            str(error),
            code="unknown_dimension",
            fix="GET /api/dimensions lists those that there are.",
            field="dimension",
        ) from error
    return dimension
