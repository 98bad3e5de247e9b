"""The shop's leads and deals as HubSpot tables that Fivetran loads, as they stand at a moment.

Columns as in fivetran/dbt_hubspot (macros/staging/get_*_columns.sql), with custom properties.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from common.local.shop.crm import contacts
from common.local.shop.crm.contacts import Row
from common.local.shop.crm.deals import PIPELINES, STAGES, Deal
from common.local.shop.crm.leads import Lead
from common.local.shop.crm.prospects import FORM
from common.local.shop.moments import HOUR, MINUTE, written

PORTAL = 4_703_379
# what Fivetran writes as the end of a row of history that still holds
_FOREVER = "9999-12-31 23:59:59.000000 UTC"


def tables(leads: Iterable[Lead], moment: int) -> dict[str, list[Row]]:
    """Table name to rows: what the CRM knew before the moment."""
    sent = [lead for lead in leads if lead.at < moment]
    deals = [lead.deal for lead in sent if lead.deal and lead.deal.created < moment]
    return {
        "contact": list(contacts.rows(sent, deals, moment)),
        "contact_form_submission": [_submission(lead) for lead in sent],
        "contact_merge_audit": list(contacts.merges(sent, moment)),
        "deal": [row for deal in deals for row in _deals(deal, moment)],
        "deal_contact": [row for deal in deals for row in _links(deal)],
        "deal_pipeline": list(_pipelines(moment)),
        "deal_pipeline_stage": list(_stages(moment)),
        "deal_property_history": [row for deal in deals for row in _amounts(deal, moment)],
        "deal_stage": [row for deal in deals for row in _path(deal, moment)],
        "merged_deal": list(_merged_deals(deals, moment)),
    }


def _submission(lead: Lead) -> Row:
    return {
        "contact_id": lead.contact.id,
        "form_id": lead.asked.form,
        "conversion_id": lead.id,
        "timestamp": written(lead.at),
        "page_id": f"{lead.asked.landing:03d}",
        "page_url": contacts.page(lead),
        "portal_id": PORTAL,
        "title": FORM[lead.asked.form][0],
        "_fivetran_synced": written(lead.at + 15 * MINUTE),
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
    # the record that was folded in stays in the table: counted, its amount is there twice
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
