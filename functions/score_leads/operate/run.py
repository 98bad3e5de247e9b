"""One task: train when it is due, score the leads that may still change, and pass it on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from common.bigquery.sql import template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.catalog.definitions import Catalog, DefinitionVersion
from common.errors import LATER, ProductError, QuotaError, RetryableError, UserError
from common.incidents.incidents import Incident, IncidentLog
from common.kinds.conversion import Conversion
from common.kinds.scoring import Scoring
from common.logs import log
from common.messaging.messages import MaterializeTask, Message, ScoreTask
from common.messaging.publisher import Bus
from common.model.window import Window, day_over
from functions.score_leads.data.sources import Staged, Warehouses, lacks, scoring_of, stage
from functions.score_leads.operate import (
    cohorts,
    first_seen,
    history,
    promotion,
    registry,
    retrain,
    scoring,
    training_incidents,
)
from functions.score_leads.operate.registry import Registered
from functions.score_leads.operate.retrain import SEED, Training
from functions.score_leads.operate.scoring import Scored, Stamp
from functions.score_leads.training.packed import Packed

# two years: longer histories of bookings gave no better models
HISTORY_DAYS = 730
# trained daily, 1.5 % of leads change their qualification a day; weekly, .2 % do
RETRAIN_DAYS, RETRAIN_PAST_DAYS = 7, 30
"""A model of a past day scores the month after it: what it knew moves slowly."""


@dataclass(frozen=True)
class Services:
    """What the entry point hands over: warehouse, definitions, messages and the time."""

    warehouses: Warehouses
    catalog: Catalog
    bus: Bus
    now: datetime

    @property
    def warehouse(self) -> Warehouse:
        return self.warehouses.warehouse


@dataclass(frozen=True)
class Job:
    """One task with the definition that it is about and the model that scores it so far."""

    task: ScoreTask
    stored: DefinitionVersion
    conversion: Conversion
    scoring: Scoring
    previous: Registered | None
    as_of: datetime
    """End of what may be known: the end of the task's last day, unless that is still to come."""
    last_day: date
    """The day before `as_of`, in the project's time zone."""
    is_past: bool
    """Whether later models and deals are known by now, and must not be used."""

    @property
    def history(self) -> Window:
        """The days of leads that a model may learn from."""
        return Window.ending(self.last_day, HISTORY_DAYS)

    @property
    def is_due(self) -> bool:
        """Whether to train: no usable model, a changed definition, a week gone by, or by force."""
        previous = self.previous
        days = RETRAIN_PAST_DAYS if self.is_past else RETRAIN_DAYS
        return (
            previous is None
            or previous.packed is None
            or previous.definition_version != self.stored.version
            or self.as_of - previous.trained_at >= timedelta(days=days)
            or self.task.force
        )


def handle(services: Services, message: Message) -> None:
    """Carry out a ScoreTask and hand the conversion on; other messages are not for this function.

    A fault that a person must mend is reported, and the conversion goes on with the scores that it
    has; a limit of the day is waited for. Raises RetryableError when the same task may succeed
    later.
    """
    if not isinstance(message, ScoreTask):
        raise UserError(f"score_leads takes no {type(message).__name__}.", code="wrong_message")
    try:
        if not _is_over(services.warehouse, message):
            score(services, message)
    # Pub/Sub delivers it again; the scores of the days before stay in use meanwhile
    except RetryableError:
        raise
    # nothing follows: the task stays open, and the watchdog asks for it again each hour
    except QuotaError as error:
        _report(services, message, [Incident(error.code, error.detail, f"{error.fix} {LATER}")])
        return
    except ProductError as error:
        _report(services, message, [Incident("scoring_failed", error.detail, error.fix)])
    services.bus.publish(
        MaterializeTask(**{**message.model_dump(), "kind": "materialize", "trigger": "scores"})
    )


def _is_over(warehouse: Warehouse, task: ScoreTask) -> bool:
    """Whether the task was scored, as it may be delivered more than once, or its run cancelled.

    A cancelled one goes on to materialize, which closes it in the ledger.
    """
    sql = template(__file__, "run_scored", runs=warehouse.table("runs"))
    asked = {name: getattr(task, name) for name in ("run_id", "conversion", "start_date")}
    return bool(next(warehouse.rows(with_parameters(sql, **asked)))["entries"])


def score(services: Services, task: ScoreTask) -> Scored | None:
    """Train if due and score; None while there is nobody to learn from."""
    job = _job(services, task)
    if job.previous and job.previous.damage:
        _report(services, task, [training_incidents.damaged(job.previous)])
    days = _staged_window(job)
    judged = Window(min(task.start_date, job.last_day), job.last_day)
    staged = stage(
        services.warehouses,
        job.conversion,
        days,
        job.as_of,
        # a training learns from what older leads did on the site as well
        Window(min(days.start, judged.start), judged.end) if job.is_due else judged,
    )
    lacking = lacks(services.warehouse, staged, job.as_of)
    currency = services.warehouse.settings.currency
    _report(services, task, training_incidents.of_sources(lacking, currency))
    seen_at = _seen_at(services, job)
    # before the training, which learns from what is remembered
    first_seen.remember(services.warehouse, job.stored.id, staged, task.run_id, seen_at, days)
    packed, is_trained = _trained(services, job, staged) if job.is_due else (_packed(job), False)
    if packed is None:
        return None
    stamp = Stamp(job.stored.id, task.run_id, job.as_of, services.now, job.stored.version)
    window = Window(task.start_date, task.end_date)
    scored = scoring.score(services.warehouse, packed, staged, window, stamp)
    final = cohorts.close_cohorts(
        services.warehouse,
        job.stored.id,
        staged,
        days.start,
        packed.window_days,
        task.run_id,
        job.as_of,
    )
    _report(
        services,
        task,
        [*training_incidents.of_scores(scored), *training_incidents.of_cohorts(final)],
    )
    judged_codes = training_incidents.judged(is_trained=is_trained, has_cohorts=bool(final))
    _incidents(services).resolve_gone(
        task.conversion, task.run_id, codes=judged_codes, until=task.end_date
    )
    _record(services, job, packed, scored)
    return scored


def _seen_at(services: Services, job: Job) -> datetime:
    """When attributes are read: a run of a past day sees them as they are by now."""
    return services.now if job.is_past else job.as_of


def _job(services: Services, task: ScoreTask) -> Job:
    stored = services.catalog.get(task.conversion)
    scoring = scoring_of(stored.conversion)
    timezone = services.warehouse.settings.timezone
    now = services.now.astimezone(ZoneInfo(timezone))
    as_of = now if task.end_date >= now.date() else day_over(task.end_date, timezone)
    last_day = (as_of - timedelta(microseconds=1)).date()
    # the daily run comes within a day of the end of its last day
    is_past = now - as_of > timedelta(days=1)
    previous = registry.champion(services.warehouse, stored.id, as_of if is_past else None)
    return Job(task, stored, stored.conversion, scoring, previous, as_of, last_day, is_past)


def _staged_window(job: Job) -> Window:
    """All of history for a CRM; of a user's query only the days to score, unless it is trained."""
    if job.is_due or job.scoring.precedes_rows:
        return Window(min(job.history.start, job.task.start_date), job.last_day)
    return Window(min(job.task.start_date, job.last_day), job.last_day)


def _packed(job: Job) -> Packed | None:
    return None if job.previous is None else job.previous.packed


def _trained(services: Services, job: Job, staged: Staged) -> tuple[Packed | None, bool]:
    """The model that scores from now on, and whether a new one was trained.

    It is the challenger, unless the champion is clearly better.
    """
    warehouse, id = services.warehouse, job.stored.id
    past = history.past(warehouse, id, staged, job.history, job.as_of, job.scoring.window_days)
    if past is None:
        _report(services, job.task, [training_incidents.NO_LEADS])
        return _packed(job), False
    late = first_seen.late(warehouse, id, staged, job.as_of)
    champion = _packed(job)
    if champion and champion.model_id == retrain.model_id(past, job.conversion, late):
        return champion, False
    challenger = retrain.training(past, job.conversion, late)
    refused = _refusal(job, challenger)
    registry.register(
        warehouse,
        challenger.packed,
        challenger.card,
        conversion=id,
        definition_version=job.stored.version,
        run_id=job.task.run_id,
        as_of=job.as_of,
        now=services.now,
        status=_status(job, refused),
        reason=refused or challenger.trained.step.reason,
    )
    _report(services, job.task, training_incidents.of_training(challenger, refused))
    return champion if refused else challenger.packed, True


def _status(job: Job, refused: str) -> registry.Status:
    if refused:
        return "rejected"
    return "of_past_day" if job.is_past else "champion"


def _refusal(job: Job, challenger: Training) -> str:
    previous = job.previous
    if previous is None or previous.packed is None:
        return ""
    if previous.definition_version != job.stored.version:
        return ""
    days = (job.as_of - previous.trained_at).total_seconds() / 86_400
    return promotion.refusal(previous.packed, challenger.trained, days, SEED)


def _report(services: Services, task: ScoreTask, found: Iterable[Incident]) -> None:
    about = [replace(incident, subject=task.conversion) for incident in found]
    _incidents(services).report(about, task.run_id)


def _incidents(services: Services) -> IncidentLog:
    return IncidentLog(services.warehouse, "score_leads", services.now)


def _promised(scored: Scored) -> str:
    shown = scored.promise
    low, high = shown["wins_interval_80"]
    return f"{shown['wins']:.1f} wins promised of them (80 %: {low:.1f} to {high:.1f})"


def _record(services: Services, job: Job, packed: Packed, scored: Scored) -> None:
    moved, task = scored.stability, job.task
    detail = (
        f"{scored.leads} leads scored by model {packed.model_id}, {scored.qualified} qualified; "
        f"{_promised(scored)}; "
        f"of {moved.leads} scored before, {moved.became_qualified} became qualified and "
        f"{moved.lost_qualification} no longer are"
    )
    copied = ("run_id", "conversion", "tier", "trigger", "start_date", "end_date")
    entry = {
        **{name: getattr(task, name) for name in copied},
        "date": services.now.date(),
        "recorded_at": services.now,
        "status": "scored",
        "definition_version": job.stored.version,
        "rows_total": scored.leads,
        "detail": detail,
    }
    services.warehouse.append("runs", [entry])
    log("scored", conversion=task.conversion, run_id=task.run_id, model=packed.model_id,
        detail=detail)  # fmt: skip
