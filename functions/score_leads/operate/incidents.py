"""Reports of what needs a person's eye, each once a day."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from common.bigquery.sql import template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.logs import log


@dataclass(frozen=True)
class Incident:
    """What happened and what to do next."""

    code: str
    detail: str
    fix: str
    severity: Literal["error", "warning"] = "warning"


def report(
    warehouse: Warehouse,
    incidents: Iterable[Incident],
    *,
    conversion: str,
    run_id: str,
    now: datetime,
) -> None:
    """Append those incidents that were not reported today."""
    at = now.astimezone(UTC)
    rows = {
        _fingerprint(incident, conversion, at): {
            "date": at.date(),
            "recorded_at": at,
            "code": incident.code,
            "severity": incident.severity,
            "conversion": conversion,
            "run_id": run_id,
            "detail": incident.detail,
            "fix": incident.fix,
        }
        for incident in incidents
    }
    if not rows:
        return
    query = template(__file__, incidents=warehouse.table("incidents"))
    known = warehouse.rows(with_parameters(query, day=at.date(), conversion=conversion))
    for row in known:
        rows.pop(row["incident_id"], None)
    warehouse.append("incidents", [{**row, "incident_id": id} for id, row in rows.items()])
    for row in rows.values():
        log("incident", str(row["severity"]).upper(), code=row["code"], conversion=conversion,
            run_id=run_id, detail=row["detail"])  # fmt: skip


def _fingerprint(incident: Incident, conversion: str, at: datetime) -> str:
    identity = f"{incident.code}|{conversion}|{at.date()}|{incident.detail}"
    return hashlib.sha256(identity.encode()).hexdigest()[:16]
