"""What the frontend asks of export and gets back."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from common.http.model import Model
from common.http.pages import PageQuery
from common.http.request import Day, Text
from common.untyped import JsonObject
from functions.export.contract.base import Problem
from functions.export.contract.config import DestinationId
from functions.export.destinations.registry import AnyDestination
from functions.export.frontend import preview
from functions.export.send.trial import Tried
from functions.export.transport.results import Halted, Word


class DryRunBody(Model):
    """Which conversion to try."""

    conversion: DestinationId
    limit: int = Field(
        1000, ge=0, le=preview.MAXIMUM_ROWS, description="Conversions to list one by one."
    )
    bodies: int = Field(
        5, ge=0, le=50, description="Requests to show whole, to whom may see personal data."
    )
    force: bool = Field(False, description="Judge as a forced run would.")


class TrialBody(Model):
    """Which conversion to send one of, made up."""

    conversion: DestinationId
    test_event_code: str = Field(
        "",
        pattern=r"^([A-Z0-9]{3,20})?$",
        description="Code from the platform's page for test events, where it wants one.",
    )


class LookalikeBody(Model):
    """Whom a new audience shall resemble, and where."""

    conversion: DestinationId
    country: str = Field(pattern=r"^[A-Z]{2}$", description="ISO 3166 alpha-2.")
    percent: int = Field(1, ge=1, le=20, description="Of the country's people: the most alike.")
    name: str = Field("", max_length=120, description="Its name at the platform.")


class LookalikeCreated(Model):
    """The new audience."""

    id: str = Field(description="At the platform, which takes 1 to 6 hours to fill it.")
    name: str


class Created(Model):
    """What was created, and the config that names it."""

    definition: AnyDestination = Field(description="The same config with the new ids; save it.")
    created: dict[str, str] = Field(description="Id at the platform, by conversion.")


class RunBody(Model):
    """Which conversions to send now; when empty, all that have ever been computed."""

    conversions: tuple[DestinationId, ...] = Field((), max_length=1000)
    force: bool = Field(False, description="Take back even more than the retraction limit.")


class ReplayBody(Model):
    """Which days to send again."""

    conversion: DestinationId
    start_date: Day
    end_date: Day
    lost: bool = Field(False, description="The platform holds none of them any more.")
    request_id: str = Field(
        "",
        max_length=100,
        pattern=r"^[A-Za-z0-9_-]*$",
        description="Names the replay: sent again, it is the same one.",
    )


class ResolveBody(Model):
    """What a person found out about conversions in doubt."""

    conversion: DestinationId
    ids: tuple[Annotated[Text, Field(min_length=1)], ...] = Field(min_length=1, max_length=1000)
    verdict: Literal["delivered", "absent"]


class DeliveryStatesQuery(Model):
    """Which conversions."""

    conversion: Text = Field("", description="Only those of this conversion.")


class LedgerQuery(DeliveryStatesQuery, PageQuery):
    """Which entries, in which order; filters that are not given let everything pass."""

    state: Text = Field("", description="Only entries in this state.")
    conversion_id: Text = Field("", description="Only those of this row.")
    search: Text = Field(
        "", description="Only those whose row, key, request, run or reason contains this text."
    )
    sort: Literal["-recorded_at", "recorded_at"] = Field(
        "-recorded_at", description="A hyphen puts the newest first."
    )


class ReportQuery(Model):
    """Which days of sending, both ends included."""

    start_date: Day
    end_date: Day


class Advice(Model):
    """What is wrong with a destination, or good to know about it."""

    code: str
    severity: Literal["error", "warning"]
    message: str
    fix: str

    @classmethod
    def of(cls, problem: Problem) -> Advice:
        return cls(**{name: getattr(problem, name) for name in cls.model_fields})


class Problems(Model):
    """Everything that is wrong with a destination, or good to know."""

    problems: list[Advice]


class DestinationVersion(Model):
    """One version of a destination."""

    id: str
    version: int = Field(description="1, 2, 3, ...; also the answer's ETag.")
    kind: str
    status: Literal["active", "archived"]
    definition: AnyDestination | None = Field(
        description="One of the forms of GET /destinations/schemas; null when it is unreadable."
    )
    unreadable: str | None = Field(
        None, description="Why this version of the product cannot read the definition."
    )
    created_at: datetime
    created_by: str | None
    problems: list[Advice] = Field([], description="What to know; nothing stood in the way.")


class DestinationList(Model):
    """The newest version of each destination, by id."""

    destinations: list[DestinationVersion]


class DestinationVersions(Model):
    """All versions of a destination, oldest first."""

    versions: list[DestinationVersion]


class Capabilities(Model):
    """What a platform can do."""

    max_batch: int
    max_age_days: dict[str, float] = Field(description="Oldest event, by action source.")
    deduplication_hours: float | None = Field(description="null is for ever.")
    adjusts: list[str]
    adjusts_within_days: int | None
    answers_later: bool
    test_conversion: Literal["counts", "shown", "validated"] | None = Field(
        description="What the platform does with a test conversion; null where it knows none."
    )
    test_needs_code: bool = Field(description="Whether a test conversion needs the page's code.")
    audience: bool
    audience_field: str = Field(
        description="The field of a mapping that names its list or audience; empty without one."
    )
    creates_audiences: bool = Field(description="POST /destinations/audiences makes them.")
    creates_lookalikes: bool = Field(description="POST /destinations/x/lookalikes makes them.")
    smallest_audience: int = Field(description="People below which it makes nothing of one.")


class Form(Model):
    """The form of one kind of destination, and what its platform can do."""

    form: JsonObject = Field(alias="schema", description="JSON Schema.")
    capabilities: Capabilities


class Credential(Model):
    """Where a request's secret goes; never the secret."""

    place: str = Field(alias="in")
    name: str
    reference: str


class ShownRequest(Model):
    """A request that a run would send."""

    sha256: str
    bytes: int
    rows: list[str] = Field(description="Ids of its conversions.")
    method: str
    url: str
    headers: dict[str, str]
    credential: Credential
    body: str | None = Field(None, description="Whole, for the first few.")


class TrialAnswer(Model):
    """What a platform said of a test conversion."""

    verdict: Word
    reason: str = Field(description="The platform's own code; empty when it was accepted.")
    fix: str
    effect: Literal["counts", "shown", "validated"] = Field(
        description="What the platform does with it: counts it like any other, shows it apart, or "
        "only validates it."
    )
    request: ShownRequest

    @classmethod
    def of(cls, tried: Tried) -> TrialAnswer:
        shown = preview.shown(tried.request, ["test"], whole=True)
        return cls(
            verdict=tried.verdict,
            reason=tried.reason,
            fix=tried.result.fix if isinstance(tried.result, Halted) else "",
            effect=tried.trial.effect,
            request=ShownRequest.model_validate(shown),
        )


class Verdict(Model):
    """What a run would do with one conversion, and why."""

    id: str
    verdict: str
    reason: str | None = None
    key: str | None = None
    value: float | None = None
    currency: str | None = None
    event_time: datetime | None = None


class DryRun(Model):
    """What a run would do now. Nothing was sent and nothing was written."""

    destination: str
    conversion: str
    complete: bool = Field(description="Whether all conversions were judged.")
    held_by_platform: int
    missing_without_proof: int
    retractions_held: int
    first_day: date
    before_first_day: int
    notes: list[str]
    verdicts: dict[str, int]
    rows: list[Verdict]
    requests: list[ShownRequest]


class RunAsked(Model):
    """A run that was asked for."""

    conversions: list[str]
    run_id: str = Field(
        description="Its entries in the ledger have run ids that begin with this one, unless a run "
        "under way takes it on."
    )


class ReplayAsked(Model):
    """A replay that was asked for."""

    request_id: str
    conversions: int = Field(description="How many conversions the days hold.")


class Resolved(Model):
    """How many doubts a person's word ended."""

    settled: int


class LedgerEntry(Model):
    """One delivery, or why none was made."""

    recorded_at: datetime
    happened_at: datetime
    conversion: str
    conversion_id: str
    account: str
    dedup_key: str
    op: str | None
    state: str
    reason: str | None
    value: float | None
    currency: str | None
    event_time: datetime | None
    request_id: str | None
    run_id: str
    fingerprint: str | None


class LedgerPage(Model):
    """Entries of the ledger."""

    entries: list[LedgerEntry]
    next_page: str = Field(description="Empty on the last page.")


class DeliveryStateCount(Model):
    """How many conversions are in one state for one reason."""

    conversion: str
    account: str
    state: str
    op: str | None
    reason: str | None
    conversions: int


class DeliveryStates(Model):
    """Where all conversions of a destination stand."""

    standings: list[DeliveryStateCount]


class ReportDay(Model):
    """What was sent on one day, and what became of it."""

    date: date
    conversion: str
    sent: int
    accepted: int
    refused: int
    to_send_again: int
    skipped: int
    expired: int
    in_doubt: int
    unsupported_changes: int
    failed_later: int
    refused_later: dict[str, int] = Field(description="By reason; among the accepted ones.")
    waiting_for_answer: int


class Diagnosis(Model):
    """What a platform itself said, on one day, of the quality of what it got."""

    date: date
    conversion: str = Field(description="Empty for the whole account.")
    measures: dict[str, float] = Field(
        description="Meta: event_match_quality of 10, coverage_... in percent, of an audience "
        "size_from, size_to and ready (1). Google Customer Match: size_to, size_... by network, "
        "match_rate in percent. Pinterest: coverage_..., and of the account event_quality from 1 "
        "(needs improvement) to 3 (good). LinkedIn audience: size_to, match_rate. TikTok audience: "
        "size_to. Microsoft: conversions of the day before, taken and refused; of an audience "
        "size_to, size_... by network."
    )


class Report(Model):
    """Days of sending, the newest first."""

    days: list[ReportDay]
    diagnoses: list[Diagnosis] = Field(description="Of the platforms that tell; newest first.")
