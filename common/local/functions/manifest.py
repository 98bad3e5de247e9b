"""functions/manifest.json as data: what is deployed, read here and by Terraform."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from common.untyped import JsonObject


class Function(BaseModel):
    """A deployed function; functions of one source share its archive."""

    model_config = ConfigDict(frozen=True)

    source: str
    entry_point: str
    trigger: Literal["http", "push", "page"]
    """A page answers at the root, behind a sign-in."""
    concurrency: int
    max_instances: int
    timeout_seconds: float
    description: str = ""


class Subscription(BaseModel):
    """Which messages of a topic are pushed to which function."""

    model_config = ConfigDict(frozen=True)

    topic: str
    function: str
    filter: str
    ordering: bool


class Schedule(BaseModel):
    """A message that is published by the wall clock of the project's time zone."""

    model_config = ConfigDict(frozen=True)

    cron: str
    topic: str
    message: JsonObject
    attributes: dict[str, str]
    description: str = ""


class Manifest(BaseModel):
    """Everything by name."""

    model_config = ConfigDict(frozen=True)

    topics: tuple[str, ...]
    functions: dict[str, Function]
    subscriptions: dict[str, Subscription]
    schedules: dict[str, Schedule]

    def entry_points(self) -> dict[str, list[str]]:
        """{source: the entry points of its functions, sorted}."""
        return {
            source: sorted(
                function.entry_point
                for function in self.functions.values()
                if function.source == source
            )
            for source in sorted({function.source for function in self.functions.values()})
        }


def read(root: Path) -> Manifest:
    """The manifest of the repository at `root`; raises ValidationError naming what is wrong."""
    return Manifest.model_validate_json((root / "functions" / "manifest.json").read_text("utf-8"))
