"""Lead scoring conversions: the leads that the newest scores qualify, valued by the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.bigquery.sql import Sql, bind, template
from common.kinds.candidate.shape import Context, candidates
from common.model.placeholders import somebody

if TYPE_CHECKING:
    from common.kinds.lead_scoring.definition import LeadScoring

_VALUES = {
    "expected_value": "COALESCE(score.promised_value, score.expected_value)",
    "deal_value_if_won": "COALESCE(score.promised_deal_value, score.deal_value_if_won)",
}
"""What was promised first: a chance counts losing, so that a later loss restates nothing."""


def select(conversion: LeadScoring, context: Context) -> Sql:
    """One row a scored lead; unqualified ones carry the reason `unqualified_lead`."""
    value = _VALUES[conversion.value]
    columns: dict[str, str | Sql] = {
        "id": "score.id",
        "client_id": somebody("score.client_id"),
        "created": "score.created",
        "user_id": somebody("score.user_id"),
        "lead_id": "score.id",
        "is_qualified": "score.is_qualified",
        "value_gross": value,
        "net_value": value,
        "value_kind": "'predicted'",
        "currency": bind(context.currency),
        "event_source": "'crm'",
        **{name: f"score.{name}" for name in ("gclid", "fbclid", "email", "phone")},
        "removed": "IF(score.is_qualified, NULL, 'unqualified_lead')",
    }
    return template(
        __file__,
        columns=candidates(columns),
        scores=context.scores,
        conversion=bind(conversion.id),
    )
