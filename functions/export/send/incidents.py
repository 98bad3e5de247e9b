"""What needs a person's eye: once a day for each subject."""

from __future__ import annotations

from collections import Counter

from common.incidents.incidents import Incident, IncidentLog, Severity
from functions.export.send.run import Summary
from functions.export.services import Services

OF_RUNS = ("export_halted", "retractions_held", "missing_without_proof")
"""What every run judges anew; the others stay open until a person resolves them."""

MOST_REASONS = 3
"""As many reasons as a sentence can carry."""


def report(
    services: Services, destination: str, conversion: str, run_id: str, done: Summary
) -> None:
    """Raise what a run found out: a halted destination, held retractions, deliveries in doubt."""
    subject = f"{destination}/{conversion}"
    log_of(services).resolve_gone(subject, run_id, codes=OF_RUNS)

    def raised(code: str, severity: Severity, detail: str, fix: str) -> None:
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
    if done.parked:
        raised(
            "rows_parked",
            "warning",
            f"{subject}: the platform refused {done.parked.total():,} conversions"
            f" ({_listed(done.parked)}), and nobody knows yet whether they or the account are at"
            " fault.",
            "Look the codes up and mend the rows or the account; they are tried again each day, "
            "and as soon as the row changes or the destination is saved.",
        )
    if done.unknown:
        raised(
            "unknown_values",
            "warning",
            f"{subject}: conversions hold words that no list knows ({_listed(done.unknown)}); they "
            "count as denied where they are a consent, and are not sent where they are a source.",
            "Let the query say one of the known words; validate-sql shows what it says now.",
        )
    if done.held_back:
        raised(
            "retractions_held",
            "error",
            f"{subject}: {done.held_back:,} conversions would be taken back in one run.",
            "Look at the table of the conversion; if it is right, run this destination with force.",
        )
    if done.stays:
        raised(
            "stays_at_platform",
            "warning",
            f"{subject}: {done.stays:,} conversions are gone from the table, or their persons "
            "asked to be forgotten, and the platform cannot take them back; they stay there.",
            "Look them up in the ledger by the state unsupported_change and, where a person asked, "
            "have the platform's own deletion form do it.",
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
            "Look them up at the platform and say what became of them, or leave them as they are.",
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


def unconfirmed(services: Services, destination: str, deliveries: int) -> None:
    """Say that hashes of erased persons are gone though the platform never took them back."""
    incident(
        services,
        "erasure_unconfirmed",
        "error",
        destination,
        "",
        f"{destination}: in 30 days {deliveries:,} conversions of erased persons could not be taken"
        " back; what the product kept to do that is deleted now, and they stay at the platform.",
        "Ask the platform's own deletion form for the persons who asked to be erased then; look why"
        " the destination was paused, archived or failing.",
    )


def _listed(counts: Counter[str]) -> str:
    """The most frequent reasons first."""
    shown = [f"{count:,} x {reason}" for reason, count in counts.most_common(MOST_REASONS)]
    return ", ".join([*shown, "..."] if len(counts) > MOST_REASONS else shown)


def incident(
    services: Services,
    code: str,
    severity: Severity,
    subject: str,
    run_id: str,
    detail: str,
    fix: str,
) -> None:
    """Report the incident; the same one of the same run is reported once."""
    found = Incident(code, detail, fix, subject=subject, severity=severity)
    log_of(services).report([found], run_id)


def log_of(services: Services) -> IncidentLog:
    """The incidents that export reports."""
    return IncidentLog(services.warehouse, "export", services.clock.now())
