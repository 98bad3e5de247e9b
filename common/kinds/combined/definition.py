"""Combined conversions: what a user may choose, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from common.bigquery.sql import Sql
from common.kinds.candidate.shape import Context
from common.kinds.combined import combined
from common.kinds.conversion import Conversion
from common.model.fields import ConversionId, Days
from common.model.window import LATE_DAYS


class Combined(Conversion):
    """Two or more conversions counted as one."""

    source_name = "One of the combined conversions"

    model_config = ConfigDict(title="Combined conversion")

    kind: Literal["combined"] = Field(
        "combined", title="Kind", description="Combined", examples=["combined"]
    )
    conversions: tuple[ConversionId, ...] = Field(
        min_length=2,
        max_length=50,
        title="Conversions",
        description="Conversions to combine; at equal times the first in this list wins.",
        examples=[["purchase", "lead"]],
    )
    deduplication_days: Days | None = Field(
        None,
        title="Deduplication window, days",
        description="How long (N x 24 h) one silences the next of the same client id.",
        examples=[7],
    )

    @field_validator("conversions")
    @classmethod
    def _distinct(cls, ids: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(ids)) < len(ids):
            raise ValueError("each conversion can be named once")
        return ids

    @model_validator(mode="after")
    def _not_itself(self) -> Combined:
        if self.id in self.conversions:
            raise ValueError("a combined conversion cannot contain itself")
        return self

    def select(self, context: Context) -> Sql:
        """The members' rows in the window, each with `removed` NULL or the reason."""
        return combined.select(self, context)

    def named(self) -> Mapping[str, str]:
        return {id: f"conversions.{place}" for place, id in enumerate(self.conversions)}

    def members(self) -> tuple[str, ...]:
        return self.conversions

    def open_days(self, of_member: Callable[[str], int]) -> int:
        # any row may learn late of visits, and hands that on
        return max(LATE_DAYS, *map(of_member, self.conversions))

    def value_days(self, of_member: Callable[[str], int]) -> int:
        return max(map(of_member, self.conversions))

    def silences(self) -> bool:
        return self.deduplication_days is not None

    def is_measured(self, of_member: Callable[[str], bool]) -> bool:
        # one member of a CRM is enough that GA4 alone cannot tell the count
        return all(map(of_member, self.conversions))
