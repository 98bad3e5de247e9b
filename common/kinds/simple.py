"""Simple conversions: GA4 events, filtered, valued, deduplicated, lowered by refunds."""

from __future__ import annotations

from common.conversions import EventValue, ManualValue, NoValue, Refunds, Simple, Value
from common.kinds import dedup
from common.kinds.shape import Context, candidates, chain
from common.sql import Parameter, Sql, bind, fill, template, with_parameters

FROM_EVENT = (
    "client_id user_id session_id source medium campaign page_location country region city"
    " order_id gclid gbraid wbraid dclid fbclid msclkid ttclid li_fat_id consent_ad_user_data"
    " consent_ad_personalization"
).split()
"""Columns that a conversion takes from its event as they are."""

OURS = "event_key, paid, paid_currency"
"""Columns that only the steps need."""


def select(conversion: Simple, context: Context) -> Sql:
    """All events that pass the filters in the window, each with `removed` NULL or the reason."""
    steps = [("counted", _counted(conversion, context))]
    if conversion.event_type == "purchase":
        filters = _filters(conversion) if _takes_away(conversion) else None
        steps.append(("by_order", dedup.by_order("counted", context, filters)))
    if conversion.once_per_session:
        steps.append(("by_session", dedup.by_session(steps[-1][0], context)))
    if conversion.deduplicate_by_user:
        steps += dedup.persons(steps[-1][0], context)
        if conversion.deduplication_days:
            steps += dedup.every_days(
                "persons", "person_id", conversion.deduplication_days, context
            )
        else:
            steps += dedup.first_of_person("persons", context)
    if conversion.refunds:
        steps += _refunded(steps[-1][0], conversion.refunds, context)
    last = fill(
        "SELECT last.* EXCEPT ({{ ours }}) FROM {{ last }} AS last", ours=OURS, last=steps[-1][0]
    )
    return chain(steps, last)


def _counted(conversion: Simple, context: Context) -> Sql:
    columns: dict[str, str | Sql] = {name: f"event.{name}" for name in FROM_EVENT}
    columns |= _value(conversion.value, context)
    columns |= {
        "id": "CONCAT('ga4-', event.event_key)",
        "created": "event.occurred_at",
        "event_source": "'web'",
        # nothing is left to be reached: destinations that send qualified ones only send these
        "is_qualified": "TRUE",
    }
    if conversion.event_type == "purchase":
        columns["id"] = "COALESCE(event.order_id, CONCAT('ga4-', event.event_key))"
        if conversion.missing_order_id == "drop":
            columns["removed"] = "IF(event.order_id IS NULL, 'missing_order_id', NULL)"
    return with_parameters(
        template(
            __file__,
            columns=candidates(columns),
            own=bind(context.currency),
            stage=context.stage,
            filters=_filters(conversion),
        ),
        event_names=Parameter("ARRAY<STRING>", sorted(conversion.event_names)),
    )


def _filters(conversion: Simple) -> Sql:
    return conversion.filters.sql() if conversion.filters else Sql("TRUE")


def _takes_away(conversion: Simple) -> bool:
    """Whether an order that is the first of its id may not count for another reason."""
    removes_refunded = conversion.refunds is not None and conversion.refunds.remove_fully_refunded
    return conversion.deduplicate_by_user or conversion.once_per_session or removes_refunded


def _value(value: Value, context: Context) -> dict[str, str | Sql]:
    match value:
        case EventValue():
            return {
                "value_gross": "event.revenue",
                "net_value": "event.revenue",
                "currency": fill("COALESCE(event.currency, {{ own }})", own=bind(context.currency)),
                "value_kind": "IF(event.revenue IS NULL, 'none', 'actual')",
            }
        case ManualValue(amount=amount, currency=currency):
            return {
                "value_gross": bind(float(amount)),
                "net_value": bind(float(amount)),
                "currency": bind(currency or context.currency),
                "value_kind": "'manual'",
            }
        case NoValue():
            return {"value_kind": "'none'"}


def _refunded(previous: str, refunds: Refunds, context: Context) -> list[tuple[str, Sql]]:
    days = bind(refunds.days)
    removal = "'fully_refunded'" if refunds.remove_fully_refunded else "CAST(NULL AS STRING)"
    return [
        ("refunds", template(__file__, "simple_refunds", stage=context.stage, days=days)),
        (
            "applied",
            template(__file__, "simple_applied", previous=previous, days=days, rates=context.rates),
        ),
        ("refunded", template(__file__, "simple_refunded", previous=previous, removal=removal)),
    ]
