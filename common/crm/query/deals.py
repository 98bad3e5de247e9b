"""The query of deals: how each that a lead may have become ended, when, and for how much."""

from __future__ import annotations

from collections.abc import Iterable

from common.bigquery.sql import Sql, bind, fill, join, template
from common.crm.preferences import Preferences


def deals_query(records: Sql, preferences: Preferences) -> Sql:
    """The query: the columns of DEALS, one row a deal and a lead or person it may come from."""
    return template(
        __file__,
        records=records,
        is_stage=_is_one_of(preferences.stages),
        outcomes=Sql("milestones" if preferences.is_of_leads else "of_deals"),
    )


def _is_one_of(stages: Iterable[str]) -> Sql:
    """Whether `tied.stage_id` or the stage's label is one of these; false when there are none."""
    listed = join(", ", (bind(stage.strip().lower()) for stage in stages))
    if not listed.text:
        return Sql("FALSE")
    return fill(
        "LOWER(tied.stage_id) IN ({{ listed }}) OR LOWER(stage.label) IN ({{ listed }})",
        listed=listed,
    )
