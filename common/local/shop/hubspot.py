"""The shop's leads and deals as HubSpot tables that Fivetran loads, as they stand at a moment.

Columns as in fivetran/dbt_hubspot (macros/staging/get_*_columns.sql), with custom properties.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from common.local.shop.deals import PIPELINES, STAGES, Deal
from common.local.shop.leads import Contact, Lead
from common.local.shop.moments import HOUR, MINUTE, written
from common.local.shop.prospects import FORM
from common.local.shop.world import HOST

Row = dict[str, Any]
PORTAL = 4_703_379
_FOREVER = "9999-12-31 23:59:59.000000 UTC"


def tables(leads: Iterable[Lead], moment: int) -> dict[str, list[Row]]:
    """Table name to rows: what the CRM knew before the moment."""
    sent = [lead for lead in leads if lead.at < moment]
    deals = [lead.deal for lead in sent if lead.deal and lead.deal.created < moment]
    return {
        "contact": list(_contacts(sent, deals, moment)),
        "contact_form_submission": [_submission(lead) for lead in sent],
        "contact_merge_audit": list(_merges(sent, moment)),
        "deal": [row for deal in deals for row in _deals(deal, moment)],
        "deal_contact": [row for deal in deals for row in _links(deal)],
        "deal_pipeline": list(_pipelines(moment)),
        "deal_pipeline_stage": list(_stages(moment)),
        "deal_property_history": [row for deal in deals for row in _amounts(deal, moment)],
        "deal_stage": [row for deal in deals for row in _path(deal, moment)],
        "merged_deal": list(_merged_deals(deals, moment)),
    }


def _contacts(sent: list[Lead], deals: list[Deal], moment: int) -> Iterator[Row]:
    by_contact: defaultdict[int, list[Lead]] = defaultdict(list)
    folded: defaultdict[int, list[int]] = defaultdict(list)
    for lead in sent:
        by_contact[lead.contact.id].append(lead)
    for leads in by_contact.values():
        who = leads[0].contact
        if who.merged_into and who.merged_at and who.merged_at < moment:
            folded[who.merged_into].append(who.id)
    of_contact: defaultdict[int, list[Deal]] = defaultdict(list)
    for deal in deals:
        for id in deal.contacts:
            of_contact[id].append(deal)
    for id, leads in by_contact.items():
        yield {
            **_at_creation(leads),
            **_filled_later(leads, of_contact[id], moment),
            "property_hs_merged_object_ids": ";".join(map(str, folded[id])) or None,
        }


def _at_creation(leads: list[Lead]) -> Row:
    """What the form, the browser and the address book say; a later form writes over the note."""
    first, last = leads[0], leads[-1]
    who, firm = first.contact, first.contact.firm
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
        "property_hs_analytics_first_url": _page(first),
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
        "property_contract_type": "frame" if won and firm.employees > 40 else "single",
        "property_recent_deal_amount": won[-1].amount(moment) if won else None,
        "property_lastmodifieddate": written(touched),
        "_fivetran_deleted": gone,
        "_fivetran_synced": written(touched + 15 * MINUTE),
    } | ({} if won else {"property_contract_type": None})


def _message(lead: Lead) -> str | None:
    """Free text, hardly ever the same twice; its first sentence means something."""
    if not lead.asked.note:
        return None
    return f"{lead.asked.note}. We are {lead.at % 997} people in {lead.contact.place.city}."


def _page(lead: Lead) -> str:
    return f"https://{HOST}/offices/{lead.asked.landing:03d}"


def _submission(lead: Lead) -> Row:
    return {
        "contact_id": lead.contact.id,
        "form_id": lead.asked.form,
        "conversion_id": lead.id,
        "timestamp": written(lead.at),
        "page_id": f"{lead.asked.landing:03d}",
        "page_url": _page(lead),
        "portal_id": PORTAL,
        "title": FORM[lead.asked.form][0],
        "_fivetran_synced": written(lead.at + 15 * MINUTE),
    }


def _merges(sent: list[Lead], moment: int) -> Iterator[Row]:
    folded: dict[int, Contact] = {lead.contact.id: lead.contact for lead in sent}
    for who in folded.values():
        if who.merged_into and who.merged_at and who.merged_at < moment:
            yield {
                "canonical_vid": who.merged_into,
                "contact_id": who.merged_into,
                "vid_to_merge": who.id,
                "timestamp": written(who.merged_at),
                "_fivetran_synced": written(who.merged_at + 15 * MINUTE),
            }


def _deals(deal: Deal, moment: int) -> Iterator[Row]:
    since, stage = deal.stage(moment)
    gone = bool(deal.deleted_at and deal.deleted_at < moment)
    row = {
        "deal_id": deal.id,
        "is_deleted": gone,
        "deal_pipeline_id": deal.pipeline,
        "deal_pipeline_stage_id": stage.id,
        "owner_id": 900 + deal.id % 7,
        "portal_id": PORTAL,
        "property_dealname": f"Offer {deal.id}",
        "property_description": None,
        "property_amount": deal.amount(moment),
        "property_deal_currency_code": deal.currency,
        "property_closedate": written(since) if stage.closed else None,
        "property_createdate": written(deal.created),
        "_fivetran_deleted": gone,
        "_fivetran_synced": written(since + 15 * MINUTE),
    }
    yield row
    if deal.twin and deal.merged_at and deal.merged_at < moment:
        yield row | {"deal_id": deal.twin, "property_dealname": f"Offer {deal.twin}"}


def _links(deal: Deal) -> Iterator[Row]:
    for id in (deal.id,) if deal.twin is None else (deal.id, deal.twin):
        for contact in deal.contacts:
            yield {
                "deal_id": id,
                "contact_id": contact,
                "type_id": 3,
                "category": "HUBSPOT_DEFINED",
                "_fivetran_synced": written(deal.created + 15 * MINUTE),
            }


def _pipelines(moment: int) -> Iterator[Row]:
    for order, (id, (label, _)) in enumerate(PIPELINES.items()):
        yield {
            "pipeline_id": id,
            "label": label,
            "active": True,
            "display_order": order,
            "_fivetran_deleted": False,
            "_fivetran_synced": written(moment - HOUR),
        }


def _stages(moment: int) -> Iterator[Row]:
    for pipeline, (_, ids) in PIPELINES.items():
        for order, id in enumerate(ids):
            stage = STAGES[id]
            yield {
                "stage_id": id,
                "pipeline_id": pipeline,
                "label": stage.label,
                "closed_won": stage.won,
                "is_closed": stage.closed,
                "probability": stage.probability,
                "active": True,
                "display_order": order,
                "_fivetran_deleted": False,
                "_fivetran_synced": written(moment - HOUR),
            }


def _amounts(deal: Deal, moment: int) -> Iterator[Row]:
    for at, amount in deal.amounts:
        if at < moment and amount is not None:
            yield {
                "deal_id": deal.id,
                "name": "amount",
                "value": str(amount),
                "timestamp": written(at),
                "source": "CRM_UI",
                "_fivetran_synced": written(at + 15 * MINUTE),
            }


def _path(deal: Deal, moment: int) -> Iterator[Row]:
    known = [step for step in deal.path if step[0] < moment]
    ends = [written(at) for at, _ in known[1:]] + [_FOREVER]
    for (at, stage), end in zip(known, ends, strict=True):
        yield {
            "deal_id": deal.id,
            "value": stage.id,
            "date_entered": written(at),
            "source": "CRM_UI",
            "_fivetran_active": end == _FOREVER,
            "_fivetran_start": written(at),
            "_fivetran_end": end,
            "_fivetran_synced": written(at + 15 * MINUTE),
        }


def _merged_deals(deals: list[Deal], moment: int) -> Iterator[Row]:
    for deal in deals:
        if deal.twin and deal.merged_at and deal.merged_at < moment:
            yield {
                "deal_id": deal.id,
                "merged_deal_id": deal.twin,
                "_fivetran_synced": written(deal.merged_at + 15 * MINUTE),
            }
