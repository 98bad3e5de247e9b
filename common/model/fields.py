"""Fields that more than one model has, and the base that refuses fields that nobody knows."""

from __future__ import annotations

from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
)

from common.model.currency import DECIMALS

SAVED = {"is_saved": True}
"""Context of validation of a definition that was saved before: a rule which only spares a person a
mistake must not stop it."""


def _in_use(code: str, info: ValidationInfo) -> str:
    # no rate is known for any other, and no platform takes it: its money would count nowhere
    if info.context != SAVED and code not in DECIMALS:
        raise ValueError(f"{code} is no currency of ISO 4217 that is in use")
    return code


ConversionId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Days = Annotated[int, Field(ge=1, le=365)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$"), AfterValidator(_in_use)]


class Frozen(BaseModel):
    """Data of a definition: it never changes, and a field that nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
