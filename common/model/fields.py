"""Fields that more than one model has, and the base that refuses fields that nobody knows."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

ConversionId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Days = Annotated[int, Field(ge=1, le=365)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class Frozen(BaseModel):
    """Data of a definition: it never changes, and a field that nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
