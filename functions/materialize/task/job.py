"""One task with everything that its statements need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from common import schemas
from common.bigquery.leases.lease import Lease
from common.catalog.definitions import DefinitionVersion
from common.catalog.plan import CHUNK_DAYS
from common.kinds.candidate.rates import rates
from common.kinds.candidate.shape import PROVENANCE, Context
from common.messaging.messages import MaterializeTask
from common.model.window import LATE_DAYS, Window
from functions.materialize.ledger import Done, Past
from functions.materialize.merge import MergeTarget
from functions.materialize.services import Services
from functions.materialize.task import identity, visitors
from functions.materialize.task.visitors import Known


@dataclass(frozen=True)
class Job:
    """One task with everything that its statements need."""

    task: MaterializeTask
    stored: DefinitionVersion
    lease: Lease
    context: Context
    known: Known | None
    """Where what GA4 knows of its clients is found; None where it lends nothing."""
    target: MergeTarget
    is_first: bool
    """Whether this version of the definition has never run to its end."""
    is_edited: bool
    """Whether an earlier version has."""
    last: Done | None
    """How far this version is up to date."""

    @property
    def window(self) -> Window:
        """The days that are computed."""
        return self.context.window

    @property
    def closed(self) -> Window:
        """The days of the window that are up to date afterwards; the others are not whole yet."""
        return Window(self.window.start, min(self.window.end, self.task.end_date))

    @property
    def written(self) -> Window:
        """The window, and the days before of which GA4 may have told visits since they were run."""
        if self.stored.conversion.follows_ga4:
            return self.window
        late = Window.ending(self.window.end, LATE_DAYS)
        return Window(min(late.start, self.window.start), self.window.end)

    @property
    def days(self) -> dict[str, object]:
        """The window's days as parameters of a statement."""
        return {"start_date": self.window.start, "end_date": self.window.end}

    @property
    def zone(self) -> dict[str, object]:
        """The project's time zone as a parameter of a statement."""
        return {"timezone": self.context.timezone}

    def staged(self, what: str) -> str:
        """The name of a staging table of this task."""
        return f"{self.stored.id}_{self.lease.fence}_{what}"

    @property
    def facts(self) -> dict[str, object]:
        """What a ledger entry says of any end of a task."""
        return {
            "conversion": self.stored.id,
            "tier": self.task.tier,
            "trigger": self.task.trigger,
            "definition_version": self.stored.version,
            "start_date": self.closed.start,
            "end_date": self.closed.end,
            "fence": self.lease.fence,
            "message": self.task.model_dump_json(),
        }


def job_of(
    services: Services,
    task: MaterializeTask,
    stored: DefinitionVersion,
    taken: Lease,
    definitions: Mapping[str, DefinitionVersion],
    past: Past,
) -> Job:
    """The task's next chunk of days, with what the ledger knows of the conversion."""
    warehouse = services.warehouse
    window = _window(task)
    target = warehouse.table(f"conversion_{stored.id}")
    context = Context(
        stage=warehouse.table("ga4_events"),
        target=target,
        raw=warehouse.staging(f"{stored.id}_{taken.fence}_raw"),
        # of all definitions: which of them it reads, the kind knows
        members={id: warehouse.table(f"conversion_{id}") for id in definitions},
        identity=identity.table_of(warehouse, stored, definitions, task.run_id, window),
        scores=warehouse.table("lead_scores"),
        rates=rates(warehouse.settings),
        window=window,
        timezone=warehouse.settings.timezone,
        currency=warehouse.settings.currency,
        begins=past.begins,
        is_keyed=True,
    )
    columns = [*schemas.columns("conversion")]
    provenance = [name for name in columns if name in PROVENANCE]
    return Job(
        task,
        stored,
        taken,
        context,
        visitors.known(warehouse, stored, definitions, task.run_id, window),
        MergeTarget(target, "id", columns, provenance),
        is_first=stored.version not in past.versions,
        is_edited=bool(past.versions),
        last=past.last,
    )


def _window(task: MaterializeTask) -> Window:
    """The days that the task computes; what it leaves is a task of its own (CONTINUED)."""
    window = next(Window(task.start_date, task.end_date).chunks(CHUNK_DAYS))
    is_last = window.end == task.end_date
    return Window(window.start, task.reaching) if is_last and task.reaching else window
