"""What a person should know of the export and of the purchases that the stage holds, once a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta

from common.bigquery.sql import Parameter, template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.ga4 import readiness, shards
from common.ga4.clicks import LONGEST, TAKEN
from common.incidents import silence
from common.incidents.incidents import Incident
from common.model.window import Window, yesterday
from common.untyped import Row
from functions.materialize.ledger import Ledger

MILD = ("ga4_day_missing", "ga4_fresh_only")
"""Problems of an export that mend themselves, or only delay."""
DAYS = 31
"""How far back purchases are judged."""
CLIENTS = 3
"""So many clients may share an order: a browser, a server's tag, a crawled page."""
CROWD = 50
"""So many orders of one client in DAYS are more than one person places."""
ENOUGH = 20
"""Fewer purchases say nothing about shares."""
SHARE = 0.01
"""Of purchases without order id."""
NO_CHANCE = 3
"""So many without order id are no chance, however few purchases there are."""
COPIES = 0.2
"""Identical rows beside each purchase, where nothing is known of other days; GA4's public sample
has one in seven."""
ABOVE_USUAL = 3
"""So many times the usual share of copies is far above it."""
WEEK = 7
"""Days in which buyers and visitors by ads are compared."""
SURELY = 10
"""Where so many are expected, none at all is no chance: e ** -10."""
RARELY = 0.005
"""What chance does less often is no chance."""
CODES = (
    "order_id_reused orders_without_id many_copies refund_of_unknown_order clicks_unattributed"
    " event_stopped client_id_shared"
).split()
"""What is judged anew by each report."""


def report_export(warehouse: Warehouse, ledger: Ledger, window: Window, run_id: str) -> None:
    """Report what the properties lack, on the whole and of the window's days."""
    lacking = [*readiness.problems(warehouse), *readiness.gaps(warehouse, window, ledger.now)]
    # who chose to count the stream knows that there is no daily table
    mild = (*MILD, *(("ga4_streaming_only",) if warehouse.settings.ga4_streaming else ()))
    for problem in lacking:
        ledger.report(
            Incident(
                problem.code,
                problem.detail,
                problem.fix,
                subject=problem.dataset,
                object=problem.object,
                severity="warning" if problem.code in mild else "error",
            ),
            run_id=run_id,
        )
    # each has a subject of its own, so that one property that is well resolves no other's
    for dataset in warehouse.settings.ga4_datasets:
        ledger.resolve_gone(dataset, run_id)


def report(
    warehouse: Warehouse,
    ledger: Ledger,
    until: date,
    asked: date,
    names: Collection[str],
    others: Collection[str],
    run_id: str,
) -> None:
    """Report what the events up to the last day that is exported, `until`, show.

    `asked` is the last day of the run, `names` are the events that its definitions count, `others`
    those that it did not read.
    """
    window = Window.ending(until, DAYS)
    # a refund is of its own property; where there is one the memory of orders is read for ids alone
    several = len(warehouse.settings.ga4_datasets) > 1
    order = "CONCAT({0}.property, '/', {0}.order_id)" if several else "{0}.order_id"
    sql = template(
        __file__,
        order_of_refund=order.format("event"),
        order_of_memory=order.format("memory"),
        stage=warehouse.table("ga4_events"),
        orders=warehouse.table("order_memory"),
        clicks=warehouse.table("ga4_clicks"),
        visits=warehouse.table("ga4_visits"),
        clients=str(CLIENTS),
        crowd=str(CROWD),
        longest=str(LONGEST),
        taken=", ".join(f"'{kind}'" for kind in TAKEN),
    )
    bound = with_parameters(
        sql,
        start_date=window.start,
        end_date=window.end,
        week_start=Window.ending(until, WEEK).start,
        oldest=window.start - timedelta(days=400),
        names=Parameter("ARRAY<STRING>", sorted(names)),
    )
    found = next(warehouse.rows(bound))
    last = yesterday(ledger.now, warehouse.settings.timezone)
    properties = {event["property"] for event in found["stopped"]}
    lacking = {name: _lacking(warehouse, name, window, last) for name in properties}
    for incident in incidents(found, lacking):
        ledger.report(incident, run_id=run_id)
    # an event that was not seen at all in these days has not come back
    known = {_object(event) for event in found["known"]}
    unknown = {
        _object({"property": property, "event_name": name})
        for property in warehouse.settings.ga4_datasets
        for name in (*others, *names)
    } - known

    def is_judged(object: str) -> bool:
        # its own, or that of the event whose stream it is
        return not {object, object.rpartition(" ")[0]} & unknown

    ledger.resolve_gone("", run_id, codes=CODES, until=asked, is_judged=is_judged)


def _lacking(
    warehouse: Warehouse, property: str, window: Window, yesterday: date
) -> frozenset[date]:
    """The days of the window since the property's first table of which no table tells."""
    there = shards.readable(warehouse, property, yesterday)
    first = min(there, default=window.end)
    return frozenset(day for day in window.dates if first < day and day not in there)


def incidents(found: Row, lacking: Mapping[str, Collection[date]]) -> Iterator[Incident]:
    """The incidents that the counts give reason for; `lacking` are days of which a property has no
    table."""
    yield from _of_orders(found)
    yield from _of_clients(found)
    yield from _of_ads(found)
    stopped = [
        event
        for event in found["stopped"]
        if _has_stopped(event, found["visits"], lacking.get(event["property"], ()))
    ]
    whole = {_object(event) for event in stopped if event["stream_id"] is None}
    # where all streams are silent, no stream is the one that is
    yield from (_stop(it) for it in stopped if it["stream_id"] is None or _object(it) not in whole)


def _object(event: Row) -> str:
    return f"{event['property']} {event['event_name']}"


def _stop(event: Row) -> Incident:
    stream = event["stream_id"]
    whose = f"stream {stream} of {event['property']}" if stream else event["property"]
    return Incident(
        "event_stopped",
        f"The event {event['event_name']} of {whose} was seen {event['seen']:,} times"
        f" in {_days(event['days'])} and not at all after {event['last_date']}, though GA4"
        " exported later days.",
        fix="Look whether its tag still fires, or was renamed; the definitions that count"
        " it stand still.",
        object=f"{_object(event)} {stream}" if stream else _object(event),
        severity="warning",
    )


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number:,} days"


def _has_stopped(event: Row, visits: Iterable[Row], lacking: Collection[date]) -> bool:
    """Whether an event that was not seen since `last_date` will not come by itself.

    The days that are `lacking` say nothing of it, unless it was seen on them before they went.
    """
    counts = {day["date"]: int(day["seen"]) for day in event["daily"]}
    last, until = event["last_date"], event["newest_date"]
    told = [day for day in Window(min(counts), until).dates if day in counts or day not in lacking]
    missing = sum(day > last for day in told)
    # it may pause every weekend
    if missing < max(2, _longest_gap([day for day in told if day <= last], counts)):
        return False
    # of a rare event the days cannot be told apart: chance alone makes gaps of a few of them, and
    # puts all that were seen before the gap where they are few
    seen = int(event["seen"])
    if seen < silence.ENOUGH:
        days = len(told) - missing
        is_chance = (days / len(told)) ** seen >= RARELY
        return missing * seen / days >= SURELY and not is_chance
    days = list(Window.ending(until, DAYS).dates)
    visiting = {
        day["date"]: day["visits"] for day in visits if day["property"] == event["property"]
    }
    # no span of days holds one that says nothing
    reach = (until - max(lacking, default=min(days))).days
    found = silence.silence(
        [counts.get(day, 0) for day in days], [visiting.get(day, 0) for day in days], reach
    )
    return found is not None and not found.seen


def _longest_gap(told: Iterable[date], counts: Mapping[date, int]) -> int:
    """How many days the event lets pass at most from one day with it to the next, 1 where it comes
    each day; all days are told of."""
    longest = gap = 0
    for day in told:
        gap += 1
        if day in counts:
            longest, gap = max(longest, gap), 0
    return longest


def _of_ads(found: Row) -> Iterator[Incident]:
    """Visitors by ads of whom not one buys, where chance alone would make many of them buyers."""
    expected = found["buying"] * found["clicking"] / max(1, found["visiting"])
    if expected >= SURELY and not found["brought"]:
        yield Incident(
            "clicks_unattributed",
            f"{found['clicking']:,} of {found['visiting']:,} visitors of the {WEEK} days up to"
            f" {found['until']} came by ads, and not one of {found['buying']:,} buyers among them:"
            " no purchase can be given to an ad.",
            fix="Look whether the client id survives the way to the thank-you page: cross-domain"
            " linking to the checkout, payment pages, purchases that a server sends.",
            severity="error",
        )


def _of_orders(found: Row) -> Iterator[Incident]:
    """What is wrong with order ids, copies and refunds."""
    purchases = found["purchases"]
    for order in found["shared"]:
        lost = (order["value"] or 0) - (order["kept"] or 0)
        yield Incident(
            "order_id_reused",
            f"The order id {order['order_id']} stands on {order['purchases']:,} purchases of"
            f" {order['clients']:,} clients in {order['property']}; where it counts once, up"
            f" to {lost:,.2f} of the other purchases' value does not count.",
            fix="Send an order id of its own with each order, or set order_ids_are_per_client.",
            object=order["order_id"],
            severity="warning",
        )
    # one of few purchases may lack its id by chance
    many = 2 if purchases >= ENOUGH else NO_CHANCE
    if found["without_id"] >= many and found["without_id"] > SHARE * purchases:
        yield Incident(
            "orders_without_id",
            f"{found['without_id']:,} of {purchases:,} purchases of the {DAYS} days up to"
            f" {found['until']} have no order id: each that is kept counts, reloads of a page"
            " included, and no refund finds them.",
            fix="Send transaction_id with the purchase event.",
            severity="warning",
        )
    # a day of a small shop says nothing, a week does
    period, words = (
        ("new", f"On {found['until']}")
        if found["new_purchases"] >= ENOUGH
        else ("week", f"In the {WEEK} days up to {found['until']}")
    )
    sold, copies = found[f"{period}_purchases"], found[f"{period}_copies"]
    if sold >= ENOUGH and copies > _usual_copies(found, sold, copies):
        yield Incident(
            "many_copies",
            f"{words} GA4 exported {copies:,} identical copies of {sold:,} purchases, far more than"
            " before.",
            fix="Look for a tag that fires twice; each purchase counts once all the same.",
            severity="warning",
        )
    if found["unknown_refunds"]:
        yield Incident(
            "refund_of_unknown_order",
            f"Refunds of the {DAYS} days up to {found['until']} that name no order, or one of no"
            f" purchase in their property's export: {found['unknown_refunds']:,}; they lower"
            " nothing.",
            fix="Send the transaction_id of the purchase with its refund, to the same property."
            " Orders of days that the export does not hold are not known.",
            severity="warning",
        )


def _of_clients(found: Row) -> Iterator[Incident]:
    """Client ids that stand for more people than one."""
    for crowd in found["crowded"]:
        # a client id is somebody's, and incidents are kept
        yield Incident(
            "client_id_shared",
            f"In {crowd['property']} {_clients(crowd['clients'])} {CROWD} or more orders of the"
            f" {DAYS} days up to {found['until']}, the most {crowd['most']:,}: their buyers, first"
            " purchases and clicks on ads cannot be told apart.",
            fix="Send each order with the client id of its buyer's browser (cookie _ga), not one"
            " for all.",
            object=crowd["property"],
            severity="warning",
        )


def _clients(number: int) -> str:
    return "one client id stands on" if number == 1 else f"{number:,} client ids each stand on"


def _usual_copies(found: Row, sold: int, copies: int) -> float:
    """How many copies so many of the purchases may have by what the others had."""
    before = found["purchases"] - sold
    if before < ENOUGH:
        return COPIES * sold
    usual = (found["copies"] - copies) / before
    return float((ABOVE_USUAL * usual + 0.05) * sold)
