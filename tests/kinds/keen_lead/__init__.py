"""Keen leads: clients that asked more than once. A kind for a test of the recipe.

Imports candidate and the base of all kinds.
"""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from common.bigquery.sql import Sql, bind, template
from common.kinds.candidate.shape import Context, candidates
from common.kinds.conversion import Conversion


class KeenLead(Conversion):
    """A client that asked several times."""

    model_config = ConfigDict(title="Keen lead conversion")

    kind: Literal["keen_lead"] = Field(
        "keen_lead", title="Kind", description="Keen lead", examples=["keen_lead"]
    )
    times: int = Field(
        ge=2, title="Times", description="How many times it asked at least.", examples=[2]
    )

    def select(self, context: Context) -> Sql:
        """One row a client, at the moment when it asked first."""
        columns: dict[str, str | Sql] = {
            "id": "leads.client_id",
            "client_id": "leads.client_id",
            "created": "leads.created",
            "is_qualified": "TRUE",
        }
        return template(
            __file__,
            "keen_lead",
            columns=candidates(columns),
            stage=context.stage,
            events=bind(sorted(self.events())),
            times=bind(self.times),
        )

    def events(self) -> frozenset[str]:
        return frozenset({"generate_lead"})
