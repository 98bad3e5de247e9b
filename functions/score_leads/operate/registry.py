"""The registry of models: the one that scores a conversion now, and a row for every training."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from common.bigquery.sql import template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.untyped import JsonObject
from functions.score_leads.training.artifact import Artifact, pack, unpack
from functions.score_leads.training.packed import Packed

Status = Literal["champion", "rejected", "of_past_day"]
FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Registered:
    """A registered model; `packed` is None when other versions made it or it is damaged."""

    model_id: str
    trained_at: datetime
    definition_version: int | None
    packed: Packed | None
    card: JsonObject
    damage: str = ""
    """Why the stored bytes cannot be trusted; empty when they can."""


def champion(warehouse: Warehouse, conversion: str, as_of: datetime | None) -> Registered | None:
    """The model that scores the conversion; None before the first training.

    With `as_of`, the end of a past day, the newest that knew nothing later than that.
    """
    query = template(__file__, models=warehouse.table("models"))
    asked = {"conversion": conversion, "as_of": as_of or FOREVER, "is_past": as_of is not None}
    row = next(warehouse.rows(with_parameters(query, **asked)), None)
    if row is None:
        return None
    packed, damage = _opened(Artifact(row["artifact"], row["sha256"], row["versions"]))
    return Registered(
        row["model_id"],
        row["trained_at"],
        row["definition_version"],
        packed,
        json.loads(row["card"] or "{}"),
        damage,
    )


def _opened(artifact: Artifact) -> tuple[Packed | None, str]:
    try:
        return unpack(artifact), ""
    except ValueError as error:
        return None, str(error)


def register(
    warehouse: Warehouse,
    packed: Packed,
    card: JsonObject,
    *,
    conversion: str,
    definition_version: int,
    run_id: str,
    as_of: datetime,
    now: datetime,
    status: Status,
    reason: str,
) -> None:
    """Append the model; a champion scores from now on."""
    artifact = pack(packed)
    at = now.astimezone(UTC)
    row = {
        "date": at.date(),
        "recorded_at": at,
        "conversion": conversion,
        "model_id": packed.model_id,
        "status": status,
        "reason": reason,
        "trained_at": as_of.astimezone(UTC),
        "run_id": run_id,
        "definition_version": definition_version,
        "versions": artifact.versions,
        "sha256": artifact.sha256,
        "artifact": base64.b64encode(artifact.content).decode(),
        "card": json.dumps(card, allow_nan=False, sort_keys=True),
    }
    warehouse.append("models", [row])
