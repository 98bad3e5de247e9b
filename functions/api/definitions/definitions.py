"""Conversions as definitions: list, read, create, update, archive, and every version there was."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from common.bigquery.sql import template, with_parameters
from common.catalog.definitions import Catalog, DefinitionVersion
from common.catalog.exclusive import exclusive
from common.errors import ConflictError, ProductError, UserError
from common.http.model import Model
from common.http.request import Ask, Nothing
from common.kinds import AnyConversion
from common.model.findings import Finding
from common.model.run_status import FINISHED
from common.untyped import JsonObject
from functions.api.definitions import checks, graph, planned
from functions.api.services import Services

# the ledger is cut by days: without a bound each list would read all that ever ran
ANNOUNCED_RUN_DAYS = 90


class SaveQuery(Model):
    """What to accept when a definition is saved."""

    allow_unknown_event: bool = Field(
        False, description="Save although GA4 has not recorded the event yet."
    )


class Remark(Model):
    """Something to know about a definition that was saved all the same."""

    code: str
    severity: Literal["error", "warning", "info"]
    message: str
    fix: str = ""
    line: int | None = None
    column: int | None = None
    field: str | None = None

    @classmethod
    def of(cls, finding: Finding) -> Remark:
        """A finding of the guard as the API shows it."""
        return cls(**{name: getattr(finding, name) for name in cls.model_fields})


class LastRun(Model):
    """What the newest run did to a conversion."""

    run_id: str
    recorded_at: datetime
    status: str = Field(description="applied, unchanged, held or failed.")
    start_date: date | None
    end_date: date | None
    rows_total: int | None = Field(description="Rows in the run's window afterwards.")
    value_total: float | None = Field(description="Their value in the project's currency.")
    duplicates: int | None = Field(description="Rows of that window removed as duplicates.")
    quarantined: int | None = Field(description="Rows of that window that broke the contract.")
    detail: str | None


class ConversionVersion(Model):
    """One version of a conversion."""

    id: str
    version: int = Field(description="1, 2, 3, ...; also the answer's ETag.")
    kind: str
    status: Literal["active", "archived"]
    definition: AnyConversion | None = Field(
        description="One of the forms of GET /schemas; null when it is unreadable."
    )
    unreadable: str | None = Field(
        None, description="Why this release cannot read the definition; it can be archived."
    )
    referenced_tables: list[str] = Field(description="Tables that its SQL reads.")
    created_at: datetime
    created_by: str | None
    last_run: LastRun | None = None
    warnings: list[Remark] = Field([], description="What to know; nothing stood in the way.")
    next_run: planned.Planned | None = Field(
        None,
        description="After a save that changed something: what its first run computes and reads.",
    )


class VersionList(Model):
    """All versions of a conversion, oldest first."""

    versions: list[ConversionVersion]


def get(ask: Ask[Nothing, None], services: Services) -> ConversionVersion:
    """Read the newest version of a conversion, with its newest run."""
    stored = services.catalog.get(ask.path["id"])
    return as_document(stored, last_runs(services, stored.id).get(stored.id))


def versions(ask: Ask[Nothing, None], services: Services) -> VersionList:
    """Read all versions of a conversion: what it was, since when, by whom."""
    services.catalog.get(ask.path["id"])
    return VersionList(versions=[as_document(s) for s in services.catalog.versions(ask.path["id"])])


def create(ask: Ask[SaveQuery, AnyConversion], services: Services) -> ConversionVersion:
    """Create a conversion.

    Refused when the id is taken by another definition; sending the same one again is fine.
    """
    known = {stored.id: stored for stored in services.catalog.all()}
    taken = known.get(ask.body.id)
    # sent again after a lost answer it is the same request, and no conflict
    if taken and (taken.unreadable or taken.conversion != ask.body):
        raise ConflictError(
            f"There is a conversion {ask.body.id!r} already"
            f"{' in the archive' if taken.status == 'archived' else ''}.",
            code="already_exists",
            fix=f"Choose another id, or change it with PUT /conversions/{ask.body.id}.",
            field="id",
        )
    return save(ask, services, taken.version if taken else 0)


def update(ask: Ask[SaveQuery, AnyConversion], services: Services) -> ConversionVersion:
    """Save a conversion: a change adds a version, the same definition adds none.

    Creates it when there is none, and brings it back from the archive. With If-Match, refused
    unless that is still the newest version.
    """
    if ask.body.id != ask.path["id"]:
        raise UserError(
            f"The address names {ask.path['id']!r}, the definition {ask.body.id!r}.",
            code="id_mismatch",
            fix="An id cannot be changed, because it names the table: create a new conversion.",
            field="id",
        )
    return save(ask, services, ask.expected_version)


def archive(ask: Ask[Nothing, None], services: Services) -> ConversionVersion:
    """Archive a conversion: it is no longer computed; its rows and its history stay."""
    with exclusive(services.warehouse, "conversion") as fence:
        known = {stored.id: stored for stored in services.catalog.all()}
        # the second only raises, in the words that every unknown id gets
        stored = known.get(ask.path["id"]) or services.catalog.get(ask.path["id"])
        # inside the lease: a reference that is saved meanwhile would point at nothing
        graph.check_archivable(
            stored.id, [*graph.referring(stored.id, known), *_destinations(stored.id, services)]
        )
        archived = services.catalog.save(
            stored.definition,
            now=services.now(),
            author=ask.author,
            referenced_tables=stored.referenced_tables,
            status="archived",
            expected_version=ask.expected_version,
            fence=fence,
        )
    # after the save: a schedule that is left runs nothing, one that is gone too early loses runs
    return as_document(archived, remarks=_without_schedule(stored.id, services))


def save(
    ask: Ask[SaveQuery, AnyConversion], services: Services, expected_version: int | None
) -> ConversionVersion:
    """Checks and saves a definition; raises UserError for what it refuses, ConflictError when
    `expected_version` is not the newest one.
    """
    definitions = {stored.id: stored for stored in services.catalog.all()}
    graph.check(ask.body, definitions)
    # before the lease, because dry runs take seconds and would keep all other writers waiting
    checked = checks.check(
        ask.body, definitions, services, allow_unknown_event=ask.query.allow_unknown_event
    )
    with exclusive(services.warehouse, "conversion") as fence:
        # somebody may have saved or archived what this one refers to in the meantime
        graph.check(ask.body, {stored.id: stored for stored in services.catalog.all()})
        stored = services.catalog.save(
            ask.body.model_dump(mode="json"),
            now=services.now(),
            author=ask.author,
            referenced_tables=checked.referenced_tables,
            expected_version=expected_version,
            fence=fence,
        )
    return as_document(stored, remarks=checked.remarks).model_copy(
        update={"next_run": _first_run(stored, services)}
    )


def _first_run(stored: DefinitionVersion, services: Services) -> planned.Planned | None:
    """What a version that never ran will compute and read; None when it has, or nobody can tell."""
    try:
        return planned.first_run(stored.id, services)
    except ProductError:
        # the definition is saved; its price is no reason to say that it is not
        return None


def mapped_conversions(destination: JsonObject) -> set[str]:
    """Ids of the conversions that a destination sends, in whichever release's form it is kept."""
    mapped = destination.get("conversions")
    return {
        str(each.get("conversion"))
        for each in (mapped if isinstance(mapped, list) else [])
        if isinstance(each, dict)
    }


def _destinations(id: str, services: Services) -> list[str]:
    """The export destinations that send this conversion."""
    destinations = Catalog(services.warehouse, "destination").active()
    return [
        f"the destination {stored.id}"
        for stored in destinations
        if id in mapped_conversions(stored.definition)
    ]


def _without_schedule(id: str, services: Services) -> list[Finding]:
    """Remove the conversion's own schedule; what could not be done becomes a remark."""
    try:
        services.scheduler().remove(id)
    except ProductError as error:
        return [
            Finding(
                "schedule_kept",
                "warning",
                f"If {id!r} has a schedule of its own, it is still there: {error.detail}",
                f"DELETE /schedules/{id} removes it; runs of an archived conversion do nothing.",
            )
        ]
    return []


def last_runs(services: Services, id: str) -> dict[str, LastRun]:
    """The newest finished run of each conversion, or of one, by id."""
    sql = template(__file__, runs=services.warehouse.table("runs"))
    rows = services.warehouse.rows(
        with_parameters(
            sql, id=id, days=ANNOUNCED_RUN_DAYS, now=services.now(), finished=list(FINISHED)
        )
    )
    return {row.pop("conversion"): LastRun(**row) for row in rows}


def as_document(
    stored: DefinitionVersion, last_run: LastRun | None = None, remarks: list[Finding] | None = None
) -> ConversionVersion:
    """A stored version as the API answers it."""
    return ConversionVersion(
        id=stored.id,
        version=stored.version,
        kind=stored.kind,
        status=stored.status,
        definition=None if stored.unreadable else stored.conversion,
        unreadable=stored.unreadable or None,
        referenced_tables=list(stored.referenced_tables),
        created_at=stored.created_at,
        created_by=stored.created_by,
        last_run=last_run,
        warnings=[Remark.of(finding) for finding in remarks or ()],
    )
