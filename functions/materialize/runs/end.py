"""The end of a run, told once: the log line that alerts and their channels wait for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from common.logs import log
from common.model.run_status import RunStatus
from common.untyped import Row

_SEVERITY: Mapping[str, str] = {RunStatus.FAILED: "ERROR", RunStatus.HELD: "WARNING"}
"""What a person should hear of, the gravest first."""
_NOTES = (RunStatus.PLANNED, RunStatus.RECOVERED)
"""Entries that say nothing about how a task ended."""


def tell(entries: Iterable[Row], run_id: str) -> None:
    """Log that the run of these entries, oldest first, has ended, and how."""
    listed = [entry for entry in entries if entry["status"] not in _NOTES]
    newest = {entry["conversion"]: entry["status"] for entry in listed if entry["conversion"]}
    of_run = {entry["status"] for entry in listed if not entry["conversion"]}
    status = _outcome(set(newest.values()), of_run)
    log(
        "run_ended",
        _SEVERITY.get(status, "INFO"),
        run_id=run_id,
        status=status,
        trigger=next((entry["trigger"] for entry in listed if entry["trigger"]), None),
        count=len(newest),
        detail=", ".join(
            f"{conversion} {ended}" for conversion, ended in newest.items() if ended in _SEVERITY
        ),
    )


def _outcome(of_conversions: set[str], of_run: set[str]) -> str:
    """The gravest end, in the words of GET /runs/{run_id}."""
    if RunStatus.CANCELLED in of_run:
        return "cancelled"
    # what could not be planned has no conversions; its own entry says so
    if RunStatus.FAILED in (of_conversions or of_run):
        return "failed"
    return "held" if RunStatus.HELD in of_conversions | of_run else "finished"
