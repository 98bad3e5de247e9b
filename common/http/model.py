"""What is read from a request or written to an answer."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Data of a request or an answer; unknown fields are refused."""

    # an instance builds the few that its requests need, at their first use: pydantic does so behind
    # a lock since 2.14 (https://github.com/pydantic/pydantic/pull/13438)
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
