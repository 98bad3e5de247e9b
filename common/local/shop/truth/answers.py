"""The shape of the answers: what a full rebuild on a given day must find."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class Counted:
    """A counted conversion. `id` is None where the order id was unusable.

    Values are in `currency`, `value_project` in the project's; None is an unknown amount.
    """

    id: str | None
    created: datetime
    date: date
    client_id: str | None
    user_id: str | None
    person: str
    currency: str | None
    value_gross: float | None
    value_refunded: float | None
    value: float | None
    value_project: float | None
    gclid: str | None
    source: str
    medium: str
    campaign: str | None


@dataclass(frozen=True)
class DayTotal:
    """A day's conversions; amounts in the project's currency, unknown ones left out."""

    conversions: int
    value_gross: float
    value: float


@dataclass(frozen=True)
class Confirmed:
    """A row of crm.orders that is confirmed or paid."""

    id: str
    client_id: str | None
    created: datetime
    order_date: date
    value: float
    currency: str
    is_qualified: bool


@dataclass(frozen=True)
class KnownLead:
    """A lead as the CRM knows it, beside what only the dice know.

    `status` and `deal_value` are as of the day; `eventually_won` and `eventual_value` are what
    will stand when all deals are over. Money is in the project's currency. The chance is that
    of a deal credited to this lead, whenever it comes.
    """

    lead_id: str
    contact_id: int
    created: datetime
    client_id: str | None
    status: str
    outcome_at: datetime | None
    deal_id: int | None
    deal_value: float | None
    chance: float
    chance_in_60_days: float
    value_if_won: float
    expected_value: float
    eventually_won: bool
    eventual_days: float | None
    eventual_value: float | None


@dataclass(frozen=True)
class Truth:
    """Everything that the generator knows for one day: see the fields' classes."""

    as_of: date
    refund_days: int
    purchase_events: int
    purchases: tuple[Counted, ...]
    purchase_days: dict[date, DayTotal]
    duplicates_removed: int
    without_order_id: int
    first_purchases: tuple[Counted, ...]
    unmatched_refunds: int
    enquiries: tuple[Counted, ...]
    enquiries_once_in_7_days: tuple[Counted, ...]
    confirmed_orders: tuple[Confirmed, ...]
    leads: tuple[KnownLead, ...]
