"""Lead scoring conversions: the leads that the newest scores qualify, valued by the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.bigquery.sql import Sql, bind, fill, join, template
from common.crm import CLICK_IDS
from common.kinds.candidate.shape import Context, candidates
from common.kinds.scoring import ValueMap
from common.model.placeholders import somebody

if TYPE_CHECKING:
    from common.kinds.lead_scoring.definition import LeadScoring

_VALUES = {
    "expected_value": "COALESCE(score.promised_value, score.expected_value)",
    "deal_value_if_won": "COALESCE(score.promised_deal_value, score.deal_value_if_won)",
}
"""What was promised first: a chance counts losing, so that a later loss restates nothing."""

_PROBABILITY = Sql("COALESCE(score.promised_probability, score.probability)")


def mapped(value: Sql, probability: Sql, map: ValueMap | None) -> Sql:
    """What is sent for the value; NULL where it is not known."""
    if map is None:
        return value
    if map.steps:
        value = _stepped(probability if map.of == "probability" else value, map)
    bounds = [
        fill(
            f"WHEN {{{{ it }}}} {side} {{{{ bound }}}} THEN {{{{ bound }}}}",
            it=value,
            bound=bind(bound),
        )
        for side, bound in (("<", map.floor), (">", map.cap))
        if bound is not None
    ]
    if not bounds:
        return value
    return fill("CASE {{ bounds }} ELSE {{ it }} END", bounds=join(" ", bounds), it=value)


def _stepped(of: Sql, map: ValueMap) -> Sql:
    steps = [
        fill(
            "WHEN {{ of }} >= {{ bound }} THEN {{ value }}",
            of=of,
            bound=bind(step.at_least),
            value=bind(step.value),
        )
        # CASE takes the first bound that holds
        for step in reversed(map.steps)
    ]
    return fill(
        "CASE {{ steps }} WHEN {{ of }} IS NOT NULL THEN 0.0 END", steps=join(" ", steps), of=of
    )


def select(conversion: LeadScoring, context: Context) -> Sql:
    """One row a scored lead; unqualified ones carry the reason `unqualified_lead`."""
    value = mapped(Sql(_VALUES[conversion.value]), _PROBABILITY, conversion.value_map)
    columns: dict[str, str | Sql] = {
        "id": "score.id",
        # CRMs keep what a form wrote, such as undefined or (not set)
        "client_id": somebody("score.client_id"),
        "created": "score.created",
        "user_id": somebody("score.user_id"),
        "lead_id": "score.id",
        "is_qualified": "score.is_qualified",
        "value_gross": value,
        "net_value": value,
        "value_kind": "'predicted'",
        # the model learns and predicts in the project's money
        "currency": bind(context.currency),
        "event_source": "'crm'",
        **{name: f"score.{name}" for name in (*CLICK_IDS, "email", "phone")},
        "removed": "IF(score.is_qualified, NULL, 'unqualified_lead')",
    }
    return template(
        __file__,
        columns=candidates(columns),
        scores=context.scores,
        conversion=bind(conversion.id),
    )
