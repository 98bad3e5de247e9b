"""A careful stranger who knows only the tables, and what data.md and the rules of counting say.

What the stranger counts must equal what the generator knows: so neither of them is wrong alone.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import inf
from typing import Any
from zoneinfo import ZoneInfo

Row = Mapping[str, Any]
NO_ID = {"", "(not set)", "undefined"}
NOBODY = {"undefined", "null", "0"}


@dataclass(frozen=True)
class Sale:
    """A purchase as the stranger counts it."""

    id: str | None
    created: datetime
    client_id: str | None
    currency: str
    gross: float | None
    value: float | None
    person: object


class Stranger:
    """Reads the daily tables of the export up to the day before `as_of`."""

    def __init__(
        self,
        tables: Mapping[str, Iterable[Row]],
        crm: Mapping[str, Iterable[Row]],
        zone: str,
        as_of: date,
    ) -> None:
        self.zone = ZoneInfo(zone)
        self.rates = {(rate["currency"], rate["date"]): rate["rate"] for rate in crm["crm.rates"]}
        rows = [
            row
            for name, table in tables.items()
            if re.fullmatch(r"events_\d{8}", name)
            for row in table
            if self.day(row) < as_of
        ]
        self.rows = sorted(rows, key=lambda row: int(row["event_timestamp"]))
        self.persons = Persons(self.rows, crm["crm.orders"])
        self.clicks = clicks(self.named("session_start", "page_view"))

    def day(self, row: Row) -> date:
        """The project's day of the event."""
        return moment(row).astimezone(self.zone).date()

    def named(self, *names: str) -> list[Row]:
        """Events of these names, in order of time."""
        return [row for row in self.rows if row["event_name"] in names]

    def sales(self, refund_days: int) -> list[Sale]:
        """The first purchase of each order id, and each purchase that has none."""
        first: dict[object, Row] = {}
        for place, row in enumerate(self.named("purchase")):
            first.setdefault(order_id(row) or place, row)
        refunds = self.refunds()
        return [self.sale(row, refunds, refund_days) for row in first.values()]

    def sale(self, row: Row, refunds: Mapping[str, list[Row]], refund_days: int) -> Sale:
        """The purchase less what was given back for it in time."""
        id, day = order_id(row), self.day(row)
        gross = row["ecommerce"].get("purchase_revenue", number(row, "value"))
        number_of_shop = id if re.match("(KO|MP)-", id or "") else None
        currency = str(parameter(row, "currency"))
        given = sum(
            self.given(refund, row, day)
            for refund in refunds.get(id or "", [])
            if self.day(refund) <= day + timedelta(days=refund_days)
        )
        value = 0.0 if given == inf else None if gross is None else max(0.0, gross - given)
        person = self.persons.of(row)
        return Sale(
            number_of_shop, moment(row), row.get("user_pseudo_id"), currency, gross, value, person
        )

    def refunds(self) -> dict[str, list[Row]]:
        """Refund events by order id; one that was told twice within a minute is there once."""
        found: defaultdict[str, list[Row]] = defaultdict(list)
        for row in self.named("refund"):
            key = order_id(row)
            same = [it for it in found[key or ""] if are_one_refund(it, row)]
            if key and not same:
                found[key].append(row)
        return dict(found)

    def given(self, refund: Row, purchase: Row, day: date) -> float:
        """What a refund gives back, in the purchase's currency; infinity for all of it.

        A minus says nothing, and 0 no amount; a product without a price has that of the purchase.
        """
        stated = refund["ecommerce"].get("refund_value", number(refund, "value"))
        prices = {item["item_id"]: item["price"] for item in purchase["items"]}
        shown = [item["item_refund"] for item in refund["items"] if "item_refund" in item]
        priced = [
            item.get("price", prices[item["item_id"]]) * item.get("quantity", 1)
            for item in refund["items"]
        ]
        amount = abs(stated or 0) or sum(shown or priced)
        if not amount:
            return inf
        sent, bought = (str(parameter(it, "currency")) for it in (refund, purchase))
        return float(amount) * self.rate(sent, day) / self.rate(bought, day)

    def rate(self, currency: str, day: date) -> float:
        """The last rate, at most seven days old."""
        if currency == "EUR":
            return 1.0
        days = (day - timedelta(days=age) for age in range(8))
        known = (self.rates.get((currency, it.isoformat())) for it in days)
        return float(next(rate for rate in known if rate is not None))

    def click(self, sale: Sale) -> str | None:
        """The last Google click id of this client within the 90 days up to the sale."""
        recent = [
            id
            for at, id in self.clicks.get(sale.client_id, [])
            if timedelta(0) <= sale.created - at <= timedelta(days=90)
        ]
        return recent[-1] if recent else None


class Persons:
    """Client ids and user ids that belong together, by connected components."""

    def __init__(self, rows: Iterable[Row], orders: Iterable[Row]) -> None:
        pairs = {
            (int(row["event_timestamp"]), row["user_pseudo_id"], row["user_id"])
            for row in rows
            if row.get("user_pseudo_id") and row.get("user_id")
        }
        shown = {
            (microseconds(order["confirmed_at"]), order["ga_client_id"], order["customer_id"])
            for order in orders
            if order["status"] in ("confirmed", "paid") and order["confirmed_at"]
            if order["ga_client_id"] and order["ga_client_id"] not in NOBODY
        }
        clients: defaultdict[str, set[str]] = defaultdict(set)
        for _, client, user in pairs | shown:
            clients[user].add(client)
        self.nobody = NOBODY | {user for user, known in clients.items() if len(known) > 50}
        seen = {pair for pair in pairs if pair[2] not in self.nobody}
        shown = {pair for pair in shown if pair[2] not in self.nobody}
        of_ga4 = {user for _, _, user in seen}
        unknown = {client for _, client, _ in shown} - {client for _, client, _ in seen}
        # a customer of one client in all orders may be a guest, whose next order has another number
        fills = {pair for pair in shown if pair[1] in unknown and len(clients[pair[2]]) > 1}
        self.pairs = sorted(seen | fills | {pair for pair in shown if pair[2] in of_ga4})
        users: defaultdict[str, set[str]] = defaultdict(set)
        for _, client, user in self.pairs:
            users[client].add(user)
        self.torn = {client for client, known in users.items() if len(known) > 1}
        self.parents: dict[str, str] = {}
        for _, client, user in self.pairs:
            if client not in self.torn:
                self.parents[self.root("client " + client)] = self.root("user " + user)

    def root(self, node: str) -> str:
        """The name of the node's component."""
        while (parent := self.parents.get(node, node)) != node:
            node = parent
        return node

    def of(self, row: Row) -> object:
        """Who stands behind the event; an object of its own when nobody can be told."""
        client, user = row.get("user_pseudo_id"), row.get("user_id")
        if user in self.nobody:
            user = None
        if client and client in self.torn and not user:
            before = [
                who
                for at, known, who in self.pairs
                if known == client and at <= int(row["event_timestamp"])
            ]
            user = before[-1] if before else None
        if client and (client not in self.torn or not user):
            return self.root("client " + client)
        return self.root("user " + user) if user else object()


def moment(row: Row) -> datetime:
    """When the event happened."""
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(row["event_timestamp"]))


def microseconds(text: str) -> int:
    """A moment as the tables of the CRM write it, since 1970."""
    at = datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f UTC").replace(tzinfo=UTC)
    return (at - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)


def clicks(landings: Iterable[Row]) -> dict[str | None, list[tuple[datetime, str]]]:
    """Google click ids in the page addresses of each client, in order of time."""
    found: defaultdict[str | None, list[tuple[datetime, str]]] = defaultdict(list)
    for row in landings:
        id = re.search(r"[?&]gclid=([^&]+)", str(parameter(row, "page_location")))
        if id and "%7B" not in id[1] and row.get("user_pseudo_id"):
            found[row["user_pseudo_id"]].append((moment(row), id[1]))
    return dict(found)


def order_id(row: Row) -> str | None:
    """The trimmed transaction id of the record, else of the parameters, unless it is none."""
    places = (row["ecommerce"].get("transaction_id"), parameter(row, "transaction_id"))
    ids = (str(id).strip() for id in places if id is not None)
    return next((id for id in ids if id not in NO_ID), None)


def are_one_refund(one: Row, other: Row) -> bool:
    """Whether both tell of the same money within a minute."""
    apart = abs(int(one["event_timestamp"]) - int(other["event_timestamp"]))
    return apart <= 60_000_000 and all(
        one[name] == other[name] for name in ("ecommerce", "items", "event_params")
    )


def parameter(row: Row, key: str) -> str | float | None:
    """An event parameter, whichever type it was sent with."""
    for it in row["event_params"]:
        if it["key"] == key:
            return next(iter(it["value"].values()), None)
    return None


def number(row: Row, key: str) -> float | None:
    """The same as a number."""
    value = parameter(row, key)
    return None if value is None else float(value)


@dataclass(frozen=True)
class Won:
    """A lead and the deal that is credited to it."""

    lead_id: str
    at: str
    amount: float
    currency: str


def won_leads(crm: Mapping[str, Sequence[Row]]) -> Iterator[Won]:
    """Deals in a won stage, each credited to the last lead of its contacts before it."""
    canonical = _canonical(crm["hubspot.contact"])
    erased = {
        row["id"]
        for row in crm["hubspot.contact"]
        if row["_fivetran_deleted"] and row["id"] not in canonical
    }
    people: defaultdict[int, set[object]] = defaultdict(set)
    for link in crm["hubspot.deal_contact"]:
        people[link["deal_id"]].add(canonical.get(link["contact_id"], link["contact_id"]))
    for deal in _won_deals(crm):
        leads = [
            (row["timestamp"], row["conversion_id"])
            for row in crm["hubspot.contact_form_submission"]
            if row["timestamp"] <= deal["property_createdate"]
            and canonical.get(row["contact_id"], row["contact_id"])
            in people[deal["deal_id"]] - erased
        ]
        amount, currency = deal["property_amount"], deal["property_deal_currency_code"]
        yield Won(max(leads)[1], deal["property_closedate"], amount, currency)


def _canonical(contacts: Iterable[Row]) -> dict[int, int]:
    return {
        int(id): row["id"]
        for row in contacts
        for id in (row["property_hs_merged_object_ids"] or "").split(";")
        if id
    }


def _won_deals(crm: Mapping[str, Sequence[Row]]) -> Iterator[Row]:
    won = {row["stage_id"] for row in crm["hubspot.deal_pipeline_stage"] if row["closed_won"]}
    merged = {row["merged_deal_id"] for row in crm["hubspot.merged_deal"]}
    for deal in crm["hubspot.deal"]:
        kept = not deal["is_deleted"] and deal["deal_id"] not in merged
        if kept and deal["deal_pipeline_stage_id"] in won:
            yield deal
