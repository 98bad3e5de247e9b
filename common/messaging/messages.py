"""What functions tell each other and what loaders tell us: every message is one of these."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    model_validator,
)

from common.model.fields import ConversionId

Name = Annotated[str, Field(min_length=1, max_length=300)]


FIRST_YEAR, LAST_YEAR = 2000, 2100
"""Days that are asked for lie from the one year up to the other, as the API's own do."""
EXPORT_STATUS = "bigquery_daily_export_status"
_STATUSES = {0: "UNKNOWN", 1: "COMPLETE", 2: "INCOMPLETE", 3: "FAILED"}


class Message(BaseModel):
    """What is sent over Pub/Sub; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _check_days(start: date | None, end: date | None) -> None:
    """Raise ValueError for days that a person, or a script of theirs, cannot have meant."""
    if start and end and end < start:
        raise ValueError(f"the days end on {end}, before they start on {start}: swap them")
    # a year that was mistyped would be read, and paid for, from the first day that there is
    if any(not FIRST_YEAR <= day.year < LAST_YEAR for day in (start, end) if day):
        raise ValueError(f"the days must lie in the years {FIRST_YEAR} to {LAST_YEAR - 1}")


class RunRequested(Message):
    """Materialize some or all conversions for a window of days."""

    kind: Literal["run"] = "run"
    trigger: Literal["schedule", "manual", "backfill"] = "manual"
    request_id: str = Field("", max_length=200)
    """Key of the caller: the same key is the same run, however often it arrives."""
    conversions: tuple[ConversionId, ...] = ()
    """Empty means all."""
    start_date: date | None = None
    end_date: date | None = None
    force: bool = False
    """Apply even where the brake held the write."""

    @model_validator(mode="after")
    def _names_days(self) -> RunRequested:
        _check_days(self.start_date, self.end_date)
        return self


class CrmLoaded(Message):
    """A loader finished writing partitions of a table; sent by the customer's own pipeline."""

    kind: Literal["crm_loaded"] = "crm_loaded"
    source: Name
    table: Annotated[str, Field(pattern=r"^[^`\s]+\.[A-Za-z0-9_]+\.[A-Za-z0-9_-]+$")]
    partitions: tuple[date, ...] = ()
    """For people. The run covers all days that are due: a row may have moved from a written day to
    another, and a day that was missed must not be passed over."""
    load_id: Name
    """The loader's own key: the same key is the same load."""


class Ga4Exported(Message):
    """GA4 says what became of a day's export; made of the entry in its log, which a sink forwards.

    Source: https://cloud.google.com/logging/docs/api/platform-logs, bigquery_daily_export_status,
    and google.analytics.cloud.ExportStatusLog in googleapis.
    """

    kind: Literal["ga4_exported"] = "ga4_exported"
    property: Name
    """What tells properties apart in the log; no name of a dataset."""
    export_date: date
    status: Literal["COMPLETE", "INCOMPLETE", "FAILED", "UNKNOWN"]
    logged_at: datetime

    def run(self) -> RunRequested:
        """The run of all that is due; days written anew start at most one run an hour."""
        # GA4 loads a day several times and writes it anew for 72 hours; each time it logs an entry
        key = f"ga4|{self.property}|{self.export_date}|{self.logged_at:%Y-%m-%d %H}"
        return RunRequested(trigger="schedule", request_id=key)


class Watchdog(Message):
    """Finish what a crash left behind; report what has gone stale."""

    kind: Literal["watchdog"] = "watchdog"


class MaterializeTask(Message):
    """Bring the window of one conversion up to date."""

    kind: Literal["materialize"] = "materialize"
    run_id: Name
    conversion: ConversionId
    definition_version: int
    tier: int
    start_date: date
    end_date: date
    trigger: Literal["schedule", "manual", "backfill", "load", "scores"]
    force: bool = False
    since: date | None = None
    """First day of the whole window, in a task that goes on with a part of it."""
    reaching: date | None = None
    """Last day that is computed, where it lies after `end_date`: what its sources tell of the days
    between is counted, and they stay due."""


class ScoreTask(Message):
    """Train if due and score the leads of one conversion."""

    kind: Literal["score"] = "score"
    run_id: Name
    conversion: ConversionId
    definition_version: int
    tier: int
    start_date: date
    end_date: date
    trigger: Literal["schedule", "manual", "backfill", "load", "scores"]
    force: bool = False


class Materialized(Message):
    """The window of one conversion is up to date in its table."""

    kind: Literal["materialized"] = "materialized"
    run_id: Name
    conversion: ConversionId
    definition_version: int
    start_date: date
    end_date: date


class ExportTick(Message):
    """Retry deliveries that are due and poll for asynchronous answers."""

    kind: Literal["export_tick"] = "export_tick"


class ExportContinuation(Message):
    """Go on with a delivery that ran out of time."""

    kind: Literal["export_continuation"] = "export_continuation"
    destination: ConversionId
    conversion: ConversionId
    run_id: Name
    start_date: date
    end_date: date
    force: bool = False
    """Take back even what the retraction limit held."""


class ReplayRequested(Message):
    """Send a range of days to a destination again, through the ledger."""

    kind: Literal["replay"] = "replay"
    request_id: str = Field(min_length=1, max_length=200)
    destination: ConversionId
    conversion: ConversionId
    start_date: date
    end_date: date
    lost: bool = False
    """The platform holds none of them any more, as after a change of accounts."""

    @model_validator(mode="after")
    def _names_days(self) -> ReplayRequested:
        _check_days(self.start_date, self.end_date)
        return self


def _of_log_entry(value: Any) -> Any:
    """GA4's entry in the log of its exports as a message of ours; anything else as it is."""
    # daily only: fresh_bigquery_export_status, of 360 properties, closes no day
    if not isinstance(value, dict) or EXPORT_STATUS not in str(value.get("logName", "")):
        return value
    # the index of logs names the payload's type, and not the field of the entry that holds it
    payload = value["jsonPayload" if "jsonPayload" in value else "protoPayload"]
    shown = {name.replace("_", "").lower(): it for name, it in payload.items()}
    labels = (value.get("resource") or {}).get("labels") or {}
    # "usually set to the collection date (YYYYMMDD)"
    day = str(shown["exportdate"]).replace("-", "")
    return {
        "kind": "ga4_exported",
        "property": ",".join(f"{labels[key]}" for key in sorted(labels)) or value["logName"],
        "export_date": f"{day[:4]}-{day[4:6]}-{day[6:]}",
        "status": _STATUSES.get(shown.get("status", 0), shown.get("status")),
        "logged_at": value["timestamp"],
    }


def _kind(value: Any) -> str:
    # a loader need not know our kinds: its message is known by its load_id
    if isinstance(value, dict):
        return str(value.get("kind", "crm_loaded" if "load_id" in value else "run"))
    return str(value.kind)


AnyMessage = Annotated[
    Annotated[RunRequested, Tag("run")]
    | Annotated[CrmLoaded, Tag("crm_loaded")]
    | Annotated[Ga4Exported, Tag("ga4_exported")]
    | Annotated[Watchdog, Tag("watchdog")]
    | Annotated[MaterializeTask, Tag("materialize")]
    | Annotated[ScoreTask, Tag("score")]
    | Annotated[Materialized, Tag("materialized")]
    | Annotated[ExportTick, Tag("export_tick")]
    | Annotated[ExportContinuation, Tag("export_continuation")]
    | Annotated[ReplayRequested, Tag("replay")],
    Discriminator(_kind),
    BeforeValidator(_of_log_entry),
]
MESSAGE: TypeAdapter[Message] = TypeAdapter(AnyMessage)


def run_id_of(request: RunRequested, now: datetime) -> str:
    """The id of the run that a request becomes, the same for every delivery of it.

    Made from the request's own key, else from its content and the day.
    """
    key = request.request_id or f"{request.model_dump_json()}|{now:%Y-%m-%d}"
    # the trigger stands in front, so that a person knows a run by its id
    return f"{request.trigger}-{hashlib.sha256(key.encode()).hexdigest()[:20]}"
