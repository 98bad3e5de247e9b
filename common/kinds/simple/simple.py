"""Simple conversions: GA4 events, filtered, valued, deduplicated, lowered by refunds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from common.bigquery.sql import Parameter, Sql, bind, fill, join, template, with_parameters
from common.kinds.candidate.shape import Context, candidates, chain
from common.kinds.dedup import dedup
from common.kinds.simple.parts import DOLLAR_RATE, Refunds, currency, paid
from common.model import placeholders

if TYPE_CHECKING:
    from common.kinds.simple.definition import Simple

FROM_EVENT = (
    "client_id user_id session_id source medium campaign channel_group page_location country"
    " region city order_id consent_ad_user_data consent_ad_personalization is_preliminary"
).split()
"""Columns that a conversion takes from its event as they are."""

REFUND_BEFORE = 60
"""How many days before its purchase a refund may be dated."""

OF_REFUNDS = ("property", "items")
"""Columns that only refunds need: a refund may name products of its order alone."""


def select(conversion: Simple, context: Context) -> Sql:
    """All events that pass the filters in the window, each with `removed` NULL or the reason."""
    steps = [("counted", _events(conversion, context, _IN_WINDOW))]
    past = may_lose_firsts(conversion)
    if conversion.event_type == "purchase":
        steps.append(("by_order", _by_order(conversion, context, past=past)))
    if conversion.once_per_session:
        steps.append(("by_session", dedup.by_session(steps[-1][0], context, past=past)))
    if past:
        # after the events, which it reads, and before the steps that read it
        steps.insert(1, ("past", _past(conversion, context)))
    if conversion.deduplicate_by_user:
        steps += dedup.persons(steps[-1][0], context)
        if days := conversion.deduplication_days:
            steps += dedup.every_days("persons", "person_id", days, context)
        else:
            removes = _removes_refunded(conversion)
            steps += dedup.first_of_person("persons", context, past=removes)
    if conversion.refunds:
        steps += _refunded(steps[-1][0], conversion, conversion.refunds, context)
    last = fill(
        "SELECT last.* EXCEPT ({{ ours }}) FROM {{ last }} AS last",
        ours=", ".join(_ours(conversion, context)),
        last=steps[-1][0],
    )
    return chain(steps, last)


def together(kin: Sequence[Simple], context: Context) -> list[tuple[str, Sql]]:
    """The steps, `candidates` last, of the events that any of these counts: see Conversion."""
    first = kin[0]
    events = _events(first, context, _IN_WINDOW, kin)
    steps = [("counted", template(__file__, "simple_together", events=events))]
    if first.refunds:
        steps += _refunded("counted", first, first.refunds, context)
    done = [name for name in _ours(first, context) if name != "event_key"]
    last = fill(
        "  -- without what only refunds need\n  SELECT last.*{{ done }} FROM {{ last }} AS last",
        done=f" EXCEPT ({', '.join(done)})" if done else "",
        last=steps[-1][0],
    )
    return [*steps, ("candidates", last)]


def apart(conversion: Simple, together: Sql, context: Context) -> Sql:
    """The candidates of one definition among those of its kin, as a query in brackets."""
    own = template(__file__, "simple_apart", together=together)
    counted = with_parameters(own, counting=f"|{conversion.id}|")
    steps = [("counted", counted)]
    if conversion.event_type == "purchase":
        steps.append(("by_order", _by_order(conversion, context, past=False)))
    named = (fill("{{ name }} AS (\n{{ step }}\n)", name=name, step=step) for name, step in steps)
    # no RECURSIVE, which stands at the beginning of a statement alone
    return fill(
        "(\nWITH\n{{ steps }}\nSELECT last.* FROM {{ last }} AS last\n)",
        steps=join(",\n", named),
        last=steps[-1][0],
    )


def _by_order(conversion: Simple, context: Context, *, past: bool) -> Sql:
    known = "memory.purchase_id"
    if conversion.order_ids_are_per_client:
        # of each day the memory knows one client of an order
        known = f"CONCAT({known}, COALESCE(CONCAT('@', memory.client_id), ''))"
    return dedup.by_order("counted", context, past=past, known=known)


def _ours(conversion: Simple, context: Context) -> dict[str, str | Sql]:
    """Columns that only the steps need, over the alias `event`."""
    ours: dict[str, str | Sql] = {"event_key": "event.event_key"}
    if conversion.refunds:
        # products are wide, and only a refund may name some of them
        ours |= {name: f"event.{name}" for name in OF_REFUNDS}
        ours |= {
            "paid": paid(),
            "paid_currency": currency(bind(context.currency)),
            "paid_dollar_rate": DOLLAR_RATE,
        }
    return ours


def _listed(columns: dict[str, str | Sql]) -> Sql:
    named = (fill("{{ it }} AS {{ name }}", it=it, name=name) for name, it in columns.items())
    return join(",\n    ", named)


_ORDER = "COALESCE(event.purchase_id, event.order_id, CONCAT('ga4-', event.event_key))"
_PER_CLIENT = f"""IF(
      event.order_id IS NULL OR event.client_id IS NULL, {_ORDER},
      CONCAT({_ORDER}, '@', event.client_id)
    )"""
_ITEMS = """IF(
      ARRAY_LENGTH(event.items) = 0, [],
      [STRUCT('items' AS key, TO_JSON_STRING(ARRAY(
        SELECT AS STRUCT item.item_id, item.price, CAST(item.quantity AS INT64) AS quantity
        FROM UNNEST(event.items) AS item
      )) AS value)]
    )"""
_IN_WINDOW = "BETWEEN @start_date AND @end_date"
_BEFORE = (
    "BETWEEN DATE_SUB(@start_date, INTERVAL 731 DAY) AND DATE_SUB(@start_date, INTERVAL 1 DAY)"
)
"""What counted in the two years before a window is remembered; older days are never read."""


def _events(
    conversion: Simple, context: Context, days: str | Sql, kin: Sequence[Simple] = ()
) -> Sql:
    """The events of some days that pass the filters, as candidates; all that any of the kin may
    count, each with the ids of those that do, where there is kin."""
    named = frozenset[str]().union(*(each.events() for each in kin or [conversion]))
    columns: dict[str, str | Sql] = {name: f"event.{name}" for name in FROM_EVENT}
    columns |= conversion.value.columns(bind(context.currency))
    columns |= {
        "id": "CONCAT('ga4-', event.event_key)",
        "created": "event.occurred_at",
        "event_source": _event_source(),
        # nothing is left to be reached: destinations that send qualified ones only send these
        "is_qualified": "TRUE",
    }
    if conversion.items:
        # parameters hold texts alone, so products travel as JSON
        columns["params"] = _ITEMS
    if conversion.event_type == "purchase":
        columns["id"] = _PER_CLIENT if conversion.order_ids_are_per_client else _ORDER
        # removed and not filtered away: the report says how many there were
        if conversion.missing_order_id == "drop":
            columns["removed"] = "IF(event.order_id IS NULL, 'missing_order_id', NULL)"
    return with_parameters(
        template(
            __file__,
            columns=candidates(columns),
            ours=_listed(_ours(conversion, context) | _counted_by(kin)),
            stage=context.stage,
            filters=Sql("") if kin else _filters(conversion),
            days=days,
        ),
        event_names=Parameter("ARRAY<STRING>", sorted(named)),
    )


def _event_source() -> Sql:
    """Where it happened, by the stream that told it; NULL where that says nothing."""
    return fill(
        "CASE LOWER(TRIM(event.platform)) WHEN 'web' THEN 'web' WHEN 'ios' THEN 'app'"
        # exports refuse a word that they do not know: nobody knows what a new platform is
        " WHEN 'android' THEN 'app' ELSE LOWER({{ named }}) END",
        named=placeholders.something("event.platform"),
    )


def _counted_by(kin: Sequence[Simple]) -> dict[str, str | Sql]:
    """The column of the ids of those that count the event, where there are several: |a|b|."""
    if not kin:
        return {}
    ids = join(",\n      ", map(_if_counted, kin))
    return {"counted_by": fill("CONCAT(\n      '|',\n      {{ ids }}\n    )", ids=ids)}


def _if_counted(conversion: Simple) -> Sql:
    return fill(
        "IF(event.event_name IN UNNEST({{ names }}){{ filters }}, {{ id }}, '')",
        names=bind(sorted(conversion.events())),
        filters=_filters(conversion),
        id=bind(f"{conversion.id}|"),
    )


def _past(conversion: Simple, context: Context) -> Sql:
    """The events before the window that were the first of their order.

    Of events without orders only those matter whose session goes on in the window.
    """
    of_orders = conversion.event_type == "purchase"
    days = Sql(_BEFORE if of_orders else dedup.DAYS_OF_SESSIONS)
    if not _remembers_more_than_orders(conversion):
        days = fill(
            "{{ days }} {{ listed }}", days=days, listed=context.on_order_days("event.date")
        )
    going_on = "AND earlier.session_id IN (SELECT counted.session_id FROM counted)"
    first = (
        "QUALIFY ROW_NUMBER() OVER"
        " (PARTITION BY earlier.id ORDER BY earlier.created, earlier.event_key) = 1"
    )
    return template(
        __file__,
        "simple_past",
        events=_events(conversion, context, days),
        which=first if of_orders else going_on,
    )


def may_lose_firsts(conversion: Simple) -> bool:
    """Whether the first event of an order or a session may not count for another reason."""
    if conversion.event_type == "purchase":
        return (
            conversion.deduplicate_by_user
            or conversion.once_per_session
            or _removes_refunded(conversion)
        )
    return conversion.once_per_session and conversion.deduplicate_by_user


def _remembers_more_than_orders(conversion: Simple) -> bool:
    """Whether sessions or persons of events before the window are asked for, not orders alone."""
    is_first_ever = conversion.deduplicate_by_user and not conversion.deduplication_days
    return conversion.once_per_session or (is_first_ever and _removes_refunded(conversion))


def _removes_refunded(conversion: Simple) -> bool:
    return conversion.refunds is not None and conversion.refunds.remove_fully_refunded


def _filters(conversion: Simple) -> Sql:
    filters = conversion.filters
    return fill("\n      AND {{ filters }}", filters=filters.sql()) if filters else Sql("")


def _refunded(
    previous: str, conversion: Simple, refunds: Refunds, context: Context
) -> list[tuple[str, Sql]]:
    days = bind(refunds.days)
    owned, whose = _owned(conversion, refunds, context)
    removal = "'fully_refunded'" if refunds.remove_fully_refunded else "CAST(NULL AS STRING)"
    return [
        ("refunds", _sent(refunds, context)),
        *owned,
        ("bought", template(__file__, "simple_bought", previous=previous)),
        ("listed", template(__file__, "simple_listed")),
        (
            "returns",
            template(__file__, "simple_returns", previous=previous, days=days, whose=whose),
        ),
        (
            "applied",
            template(
                __file__,
                "simple_applied",
                previous=previous,
                rates=context.rates,
                dollars=context.dollars,
                returned_dollars=(
                    "IF(returns.currency = 'USD', 1, SAFE_DIVIDE(returns.dollars, returns.stated))"
                ),
                paid_dollars="IF(previous.paid_currency = 'USD', 1, previous.paid_dollar_rate)",
            ),
        ),
        ("refunded", template(__file__, "simple_refunded", previous=previous, removal=removal)),
    ]


def _owned(
    conversion: Simple, refunds: Refunds, context: Context
) -> tuple[list[tuple[str, Sql]], str]:
    """The steps that say whose purchase a refund is of where several clients share an order id,
    and the condition that a purchase is of them."""
    if not conversion.order_ids_are_per_client:
        return [], ""
    # a refund may be dated so long before or after its purchase
    reach = str(REFUND_BEFORE + refunds.days)
    owners = template(__file__, "simple_owners", stage=context.stage, reach=reach)
    condition = "COALESCE(owned.owner, '') = COALESCE(previous.client_id, '')"
    joined = f"\n    INNER JOIN owned ON owned.refund = refunds.refund AND {condition}"
    return [("owners", owners), ("owned", template(__file__, "simple_owned"))], joined


def _sent(refunds: Refunds, context: Context) -> Sql:
    """The refunds that may lower a purchase of the window."""
    return template(
        __file__,
        "simple_refunds",
        stage=context.stage,
        days=bind(refunds.days),
        before=str(REFUND_BEFORE),
    )
