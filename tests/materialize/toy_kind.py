"""A kind for a test: a client counts who came so many times."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from common.bigquery.sql import Sql, bind, template
from common.kinds.candidate.shape import Context, candidates
from common.model.conversions import Conversion

CASE = Path(__file__).with_name("toy_case")


class LongVisit(Conversion):
    """A client with enough sessions."""

    kind: Literal["long_visit"] = "long_visit"
    sessions: int = Field(ge=2)


def select(conversion: LongVisit, context: Context) -> Sql:
    """One row a client, at the moment of its first session."""
    columns: dict[str, str | Sql] = {
        "id": "visits.client_id",
        "client_id": "visits.client_id",
        "created": "visits.created",
    }
    return template(
        __file__,
        columns=candidates(columns),
        stage=context.stage,
        sessions=bind(conversion.sessions),
    )
