"""What needs a person's eye: once a day for each subject."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import UTC

from common.bigquery.sql import template, with_parameters
from common.logs import log
from functions.export.send.run import Summary
from functions.export.services import Services

MOST_REASONS = 5
"""As many reasons as a sentence can carry."""


def report(
    services: Services, destination: str, conversion: str, run_id: str, done: Summary
) -> None:
    """Raise what a run found out: a halted destination, held retractions, deliveries in doubt."""
    subject = f"{destination}/{conversion}"

    def raised(code: str, severity: str, detail: str, fix: str) -> None:
        incident(services, code, severity, subject, run_id, detail, fix)

    if done.halted:
        raised(
            "export_halted",
            "error",
            f"{subject}: the platform takes nothing more ({done.halted.reason}). Nothing is lost; "
            "what waits is sent once that is mended.",
            done.halted.fix,
        )
    if done.refusals:
        raised(
            "rows_refused",
            "warning",
            f"{subject}: the platform refused {done.refusals.total():,} of"
            f" {done.refusals.total() + done.states['accepted']:,} conversions"
            f" ({_listed(done.refusals)}).",
            "Mend them at their source or in the destination; a row is sent again once it changed.",
        )
    if done.held_back:
        raised(
            "retractions_held",
            "error",
            f"{subject}: {done.held_back:,} conversions would be taken back in one run.",
            "Look at the table of the conversion; if it is right, run this destination with force.",
        )
    if done.unproved:
        raised(
            "missing_without_proof",
            "warning",
            f"{subject}: {done.unproved:,} conversions that were sent are not in the table, and no "
            "finished run of the table accounts for it.",
            "Look at the runs of the conversion; nothing is taken back until one succeeds.",
        )
    if in_doubt := done.states["ambiguous"]:
        raised(
            "deliveries_in_doubt",
            "warning",
            f"{subject}: of {in_doubt:,} conversions nobody knows whether they arrived.",
            "Look them up at the platform and settle them, or leave them as they are.",
        )


def refused_later(
    services: Services, destination: str, conversion: str, run_id: str, counts: Counter[str]
) -> None:
    """Say what a platform refused after it had accepted it; `counts` is rows by reason."""
    subject = f"{destination}/{conversion}"
    incident(
        services,
        "rows_refused_later",
        "warning",
        subject,
        run_id,
        f"{subject}: of what the platform had accepted it refused {counts.total():,} conversions"
        f" later ({_listed(counts)}).",
        "What time cures is sent again by itself; mend the rest at its source.",
    )


def _listed(counts: Counter[str]) -> str:
    """The most frequent reasons first."""
    told = [f"{count:,} x {reason}" for reason, count in counts.most_common(MOST_REASONS)]
    return ", ".join([*told, "..."] if len(counts) > MOST_REASONS else told)


def incident(
    services: Services, code: str, severity: str, subject: str, run_id: str, detail: str, fix: str
) -> None:
    """Write the incident down unless the same one is known today."""
    now = services.clock.now().astimezone(UTC)
    identity = f"{code}|{subject}|{now.date()}"
    incident_id = hashlib.sha256(identity.encode()).hexdigest()[:16]
    sql = template(__file__, incidents=services.warehouse.table("incidents"))
    bound = with_parameters(sql, date=now.date(), incident_id=incident_id)
    if next(services.warehouse.rows(bound))["known"]:
        return
    services.warehouse.append(
        "incidents",
        [
            {
                "date": now.date(),
                "recorded_at": now,
                "incident_id": incident_id,
                "code": code,
                "severity": severity,
                "conversion": subject,
                "run_id": run_id,
                "detail": detail,
                "fix": fix,
            }
        ],
    )
    log("incident", severity.upper(), code=code, destination=subject, run_id=run_id, detail=detail)
