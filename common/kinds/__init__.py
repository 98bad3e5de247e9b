"""The kinds of conversions, in one list: each a definition that answers for itself.

A kind lives in a folder of its own: the form that users fill in, what it answers (`conversion.py`
lists the questions), and the SQL of its candidate rows. Imports bigquery, identity and model.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, TypeAdapter

from common.bigquery.sql import Parameter, Sql, with_parameters
from common.kinds.candidate.shape import Context
from common.kinds.combined.definition import Combined
from common.kinds.conversion import Conversion
from common.kinds.custom.definition import Custom
from common.kinds.lead_scoring.definition import LeadScoring
from common.kinds.simple.definition import Simple

KINDS = (Simple, Combined, Custom, LeadScoring)

# of the models themselves: a name written here as well would be one more place to change
BY_NAME: dict[str, type[Conversion]] = {kind.model_fields["kind"].default: kind for kind in KINDS}

if TYPE_CHECKING:
    AnyConversion = Conversion
else:
    AnyConversion = Annotated[reduce(or_, KINDS), Field(discriminator="kind")]
"""A definition of any kind, told apart by `kind`; the frontend draws its forms from the schema."""

CONVERSION: TypeAdapter[Conversion] = TypeAdapter(AnyConversion)


def select(conversion: Conversion, context: Context) -> Sql:
    """Candidate rows of the window: the columns of shape.candidate_columns().

    A row with `removed` = NULL counts; any other tells why it does not.
    """
    used = {
        "start_date": context.window.start,
        "end_date": context.window.end,
        "timezone": Parameter("STRING", context.timezone),
    }
    return with_parameters(conversion.select(context), **used)
