"""The CRM's contacts: what a form said of them, and what sales has filled in since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from common.local.shop.crm.deals import Deal
from common.local.shop.crm.leads import Contact, Lead
from common.local.shop.moments import MINUTE, written
from common.local.shop.world import HOST
from common.untyped import JsonObject

Row = JsonObject


def rows(sent: list[Lead], deals: list[Deal], moment: int) -> Iterator[Row]:
    """One row a contact that has sent a form, as it stands at the moment."""
    by_contact: defaultdict[int, list[Lead]] = defaultdict(list)
    for lead in sent:
        by_contact[lead.contact.id].append(lead)
    of_contact: defaultdict[int, list[Deal]] = defaultdict(list)
    for deal in deals:
        for id in deal.contacts:
            of_contact[id].append(deal)
    folded: defaultdict[int, list[str]] = defaultdict(list)
    for who in merged(sent, moment):
        folded[who.merged_into or 0].append(str(who.id))
    for id, leads in by_contact.items():
        yield {
            **_at_creation(leads),
            **_filled_later(leads, of_contact[id], moment),
            "property_hs_merged_object_ids": ";".join(folded[id]) or None,
        }


def merges(sent: list[Lead], moment: int) -> Iterator[Row]:
    """One row a contact that has been folded into another."""
    for who in merged(sent, moment):
        at = who.merged_at or 0
        yield {
            "canonical_vid": who.merged_into,
            "contact_id": who.merged_into,
            "vid_to_merge": who.id,
            "timestamp": written(at),
            "_fivetran_synced": written(at + 15 * MINUTE),
        }


def merged(sent: list[Lead], moment: int) -> list[Contact]:
    """The contacts that had been folded into another before the moment."""
    known = {lead.contact.id: lead.contact for lead in sent}
    return [who for who in known.values() if who.merged_at and who.merged_at < moment]


def page(lead: Lead) -> str:
    """Address of the page on which the form was sent."""
    return f"https://{HOST}/offices/{lead.asked.landing:03d}"


def _at_creation(leads: list[Lead]) -> Row:
    """What the form, the browser and the address book say; a later form writes over the note."""
    first, last = leads[0], leads[-1]
    who, firm = first.contact, first.contact.firm
    # a contact has one property for each kind of click: a later one takes the earlier one's place
    clicks = {lead.channel.click: lead.click_id for lead in leads}
    return {
        "id": who.id,
        "property_email": who.email,
        "property_firstname": who.first_name,
        "property_lastname": who.last_name,
        "property_company": f"{who.last_name} {firm.industry}",
        "property_jobtitle": firm.job_title,
        "property_industry": firm.industry,
        "property_country": who.place.country,
        "property_city": who.place.city,
        "property_numberofemployees": firm.employees if firm.shows_employees else None,
        "property_message": _message(last),
        "property_createdate": written(who.created),
        "property_first_conversion_date": written(first.at),
        "property_recent_conversion_date": written(last.at),
        "property_num_conversion_events": len(leads),
        "property_hs_analytics_source": first.channel.hubspot,
        "property_hs_analytics_first_url": page(first),
        "property_hs_analytics_num_page_views": first.asked.views,
        "property_hs_google_click_id": clicks.get("gclid"),
        "property_hs_facebook_click_id": clicks.get("fbclid"),
        "property_ga_client_id": who.captured_client_id,
    }


def _filled_later(leads: list[Lead], deals: list[Deal], moment: int) -> Row:
    """What sales adds while a deal goes on: it tells the outcome, and no new lead has it."""
    who, firm = leads[0].contact, leads[0].contact.firm
    won = [deal for deal in deals if deal.won(moment)]
    calls = sum(len([at for at, _ in deal.path if at < moment]) for deal in deals)
    # HubSpot changes a contact's date with each form and each step of its deals
    touched = max([leads[-1].at, *(deal.stage(moment)[0] for deal in deals)])
    gone = bool(who.erased_at and who.erased_at < moment)
    # Of merged records, some loaders keep the old row as if nothing had happened.
    gone |= bool(who.merged_at and who.merged_at < moment and who.id % 2)
    shows_revenue = firm.shows_revenue or deals
    return {
        "property_annualrevenue": firm.revenue if shows_revenue else None,
        "property_lifecyclestage": "customer" if won else "opportunity" if deals else "lead",
        "property_hs_lead_status": "OPEN_DEAL" if deals else None,
        "property_num_contacted_notes": 2 * calls + 3 * len(won) if calls else None,
        "property_notes_last_contacted": written(touched) if deals else None,
        "property_contract_type": _contract(won),
        "property_recent_deal_amount": won[-1].amount(moment) if won else None,
        "property_lastmodifieddate": written(touched),
        "_fivetran_deleted": gone,
        "_fivetran_synced": written(touched + 15 * MINUTE),
    }


def _contract(won: list[Deal]) -> str | None:
    if not won:
        return None
    return "frame" if won[-1].pipeline == "fitout" else "single"


def _message(lead: Lead) -> str | None:
    """Free text, hardly ever the same twice; its first sentence means something."""
    if not lead.asked.note:
        return None
    return f"{lead.asked.note}. We are {lead.at % 997} people in {lead.contact.place.city}."
