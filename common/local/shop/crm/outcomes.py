"""How the leads turned out: as the CRM knows it on a day, and as only the dice know it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from common.local.shop.crm.leads import Lead
from common.local.shop.moments import DAY, instant
from common.local.shop.orders.rates import Rates
from common.local.shop.truth.answers import KnownLead

_FAR = 4_000_000_000_000_000
"""A moment after everything."""


def known_leads(leads: Iterable[Lead], rates: Rates, moment: int) -> Iterator[KnownLead]:
    """The leads that the CRM holds at the moment, without erased ones."""
    for lead in leads:
        erased = lead.contact.erased_at
        # an erased contact is gone from the CRM, and no model may learn from it
        if lead.at < moment and not (erased and erased < moment):
            yield _known_lead(lead, rates, moment)


def _known_lead(lead: Lead, rates: Rates, moment: int) -> KnownLead:
    contact, deal = lead.contact, lead.deal
    merged = contact.merged_into and contact.merged_at and contact.merged_at < moment
    status, at = _status(lead, moment)
    # asked at the end of time: a deal that was won and taken back is none
    end = _FAR if deal is None else deal.won(_FAR)
    won = deal is not None and end is not None
    return KnownLead(
        lead_id=lead.id,
        contact_id=contact.merged_into if merged and contact.merged_into else contact.id,
        created=instant(lead.at),
        client_id=contact.browser.client_id if contact.browser else None,
        status=status,
        outcome_at=None if at is None else instant(at),
        deal_id=deal.id if deal and deal.created < moment else None,
        deal_value=_value(lead, rates, at, moment) if status == "won" else None,
        chance=lead.true.chance,
        chance_in_60_days=lead.true.chance_within(60),
        value_if_won=lead.true.amount,
        expected_value=lead.true.chance * lead.true.amount,
        eventually_won=won,
        eventual_days=(end - lead.at) / DAY if won and end else None,
        eventual_value=_value(lead, rates, end, _FAR) if won else None,
    )


def _status(lead: Lead, moment: int) -> tuple[str, int | None]:
    deal = lead.deal
    if deal is None or deal.created >= moment or (deal.deleted_at or moment) < moment:
        return "open", None
    since, stage = deal.stage(moment)
    if not stage.closed:
        return "open", None
    return ("won" if stage.won else "lost"), since


def _value(lead: Lead, rates: Rates, at: int | None, moment: int) -> float | None:
    amount = lead.deal.amount(moment) if lead.deal else None
    if lead.deal is None or amount is None or at is None:
        return None
    return amount * rates.rate(lead.deal.currency, instant(at).date())
