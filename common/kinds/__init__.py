"""The kinds of conversions: each turns its definition into a SELECT of candidate rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from common.bigquery.sql import Parameter, Sql, with_parameters
from common.kinds.candidate.shape import Context
from common.kinds.combined import combined
from common.kinds.custom import custom
from common.kinds.lead_scoring import lead_scoring
from common.kinds.simple import simple
from common.model.conversions import Combined, Conversion, Custom, LeadScoring, Simple

SELECT: dict[type[Conversion], Callable[[Any, Context], Sql]] = {
    Simple: simple.select,
    Combined: combined.select,
    Custom: custom.select,
    LeadScoring: lead_scoring.select,
}


def select(conversion: Conversion, context: Context) -> Sql:
    """Candidate rows of the window: the columns of shape.candidate_columns().

    A row with `removed` = NULL counts; any other tells why it does not.
    """
    sql = SELECT[type(conversion)](conversion, context)
    used = {
        "start_date": context.window.start,
        "end_date": context.window.end,
        "timezone": Parameter("STRING", context.timezone),
    }
    return with_parameters(sql, **used)
