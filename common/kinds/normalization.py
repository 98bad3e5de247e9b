"""How a conversion's values are scaled to those of another one."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from common.model.fields import ConversionId, Frozen


class Normalization(Frozen):
    """Scale values so that both conversions are worth the same in total."""

    by: ConversionId = Field(
        title="Normalize by", description="Id of the reference conversion.", examples=["purchase"]
    )
    days: Annotated[int, Field(ge=7, le=365)] = Field(
        90,
        title="Window, days",
        description="Complete days whose totals are compared.",
        examples=[90],
    )
    lag_days: Annotated[int, Field(ge=0, le=180)] = Field(
        0,
        title="Lag, days",
        description="Newest days left out, because their reference conversions are still to come.",
        examples=[14],
    )
