"""Simple conversions: GA4 events, filtered, valued, deduplicated, lowered by refunds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from common.bigquery.sql import Parameter, Sql, bind, fill, template, with_parameters
from common.kinds.candidate.reason import fault_of_money
from common.kinds.candidate.shape import Context, candidates, chain
from common.kinds.dedup import dedup
from common.kinds.simple.parts import Refunds

if TYPE_CHECKING:
    from common.kinds.simple.definition import Simple

FROM_EVENT = (
    "client_id user_id session_id source medium campaign page_location country region city"
    " order_id gclid gbraid wbraid dclid fbclid msclkid ttclid li_fat_id consent_ad_user_data"
    " consent_ad_personalization"
).split()
"""Columns that a conversion takes from its event as they are."""


def select(conversion: Simple, context: Context) -> Sql:
    """All events that pass the filters in the window, each with `removed` NULL or the reason."""
    steps = [("counted", _events(conversion, context, _IN_WINDOW))]
    past = _may_lose_firsts(conversion)
    if conversion.event_type == "purchase":
        steps.append(("by_order", dedup.by_order("counted", context, past=past)))
    if conversion.once_per_session:
        steps.append(("by_session", dedup.by_session(steps[-1][0], context, past=past)))
    if past:
        steps.insert(1, ("past", _past(conversion, context)))
    if conversion.deduplicate_by_user:
        steps += dedup.persons(steps[-1][0], context)
        if days := conversion.deduplication_days:
            steps += dedup.every_days("persons", "person_id", days, context)
        else:
            removes = _removes_refunded(conversion)
            steps += dedup.first_of_person("persons", context, past=removes)
    if conversion.refunds:
        steps += _refunded(steps[-1][0], conversion.refunds, context)
    last = fill(
        "SELECT last.* EXCEPT ({{ ours }}) FROM {{ last }} AS last",
        ours=", ".join(_ours(conversion)),
        last=steps[-1][0],
    )
    return chain(steps, last)


def _ours(conversion: Simple) -> dict[str, str]:
    """Columns that only the steps need, over the alias `event`."""
    ours = {"event_key": "event.event_key"}
    if conversion.refunds:
        ours |= {"paid": "event.revenue", "paid_currency": "COALESCE(event.currency, {{ own }})"}
    return ours


_IN_WINDOW = "BETWEEN @start_date AND @end_date"
_BEFORE = (
    "BETWEEN DATE_SUB(@start_date, INTERVAL 731 DAY) AND DATE_SUB(@start_date, INTERVAL 1 DAY)"
)
"""What counted in the two years before a window is remembered; older days are never read."""


def _events(conversion: Simple, context: Context, days: str) -> Sql:
    """The events of some days that pass the filters, as candidates."""
    columns: dict[str, str | Sql] = {name: f"event.{name}" for name in FROM_EVENT}
    columns |= conversion.value.columns(bind(context.currency))
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
            ours=_listed(_ours(conversion), context),
            columns=candidates(columns),
            stage=context.stage,
            filters=_filters(conversion),
            days=days,
            # an event of the days that are read has an id and a time
            fault=fault_of_money(),
        ),
        event_names=Parameter("ARRAY<STRING>", sorted(conversion.events())),
    )


def _past(conversion: Simple, context: Context) -> Sql:
    """The events before the window that were the first of their order.

    Of events without orders only those matter whose session goes on in the window.
    """
    going_on = "AND earlier.session_id IN (SELECT counted.session_id FROM counted)"
    first = (
        "QUALIFY ROW_NUMBER() OVER"
        " (PARTITION BY earlier.id ORDER BY earlier.created, earlier.event_key) = 1"
    )
    return template(
        __file__,
        "simple_past",
        events=_events(conversion, context, _BEFORE),
        which=first if conversion.event_type == "purchase" else going_on,
    )


def _may_lose_firsts(conversion: Simple) -> bool:
    """Whether the first event of an order or a session may not count for another reason."""
    if conversion.event_type == "purchase":
        return (
            conversion.deduplicate_by_user
            or conversion.once_per_session
            or _removes_refunded(conversion)
        )
    return conversion.once_per_session and conversion.deduplicate_by_user


def _removes_refunded(conversion: Simple) -> bool:
    return conversion.refunds is not None and conversion.refunds.remove_fully_refunded


def _filters(conversion: Simple) -> Sql:
    filters = conversion.filters
    return fill("\n      AND {{ filters }}", filters=filters.sql()) if filters else Sql("")


def _listed(ours: Mapping[str, str], context: Context) -> Sql:
    text = ",\n    ".join(f"{value} AS {name}" for name, value in ours.items())
    return fill(text, own=bind(context.currency)) if "own" in text else Sql(text)


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
