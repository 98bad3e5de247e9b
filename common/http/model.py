"""What is read from a request or written to an answer."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Data of a request or an answer; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
