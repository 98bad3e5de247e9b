"""Destinations as definitions: list, read, save, archive, check, and every version there was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import RootModel, ValidationError

from common.catalog.comparison import CompareQuery, Comparison, compared, version_of
from common.catalog.definitions import Catalog, DefinitionVersion
from common.catalog.exclusive import exclusive
from common.catalog.soundness import sound
from common.errors import NotFoundError, ProductError, UnreadableDefinitionError, UserError
from common.http.reading import invalid
from common.http.request import Ask, Nothing
from functions.export.contract.base import Destination, Problem
from functions.export.destinations.registry import CONFIG, DESTINATIONS, AnyDestination, connect
from functions.export.frontend.advice import advice, twice
from functions.export.frontend.behind import left_behind
from functions.export.frontend.models import (
    Advice,
    Capabilities,
    DestinationList,
    DestinationVersion,
    DestinationVersions,
    Form,
    Problems,
)
from functions.export.services import Connection, Services, connection, connections


class Forms(RootModel[dict[str, Form]]):
    """The form of each kind of destination, and what its platform can do."""


def list_destinations(ask: Ask[Nothing, None], services: Services) -> DestinationList:
    """List the destinations, archived ones included."""
    return DestinationList(destinations=[as_document(s) for s in services.catalog.all()])


def schemas(ask: Ask[Nothing, None], services: Services) -> Forms:
    """Read the form of each kind of destination, and what its platform can do."""
    return forms()


def forms() -> Forms:
    """The form of each kind of destination that there is."""
    return Forms(
        {
            kind: Form(schema=each.Config.model_json_schema(), capabilities=_capabilities(each))
            for kind, each in DESTINATIONS.items()
        }
    )


def get_destination(ask: Ask[Nothing, None], services: Services) -> DestinationVersion:
    """Read the newest version of a destination."""
    return as_document(services.catalog.get(ask.path["id"]))


def destination_versions(ask: Ask[Nothing, None], services: Services) -> DestinationVersions:
    """Read all versions of a destination: what it was, since when, by whom."""
    services.catalog.get(ask.path["id"])
    found = services.catalog.versions(ask.path["id"])
    return DestinationVersions(versions=[as_document(stored) for stored in found])


def one_version(ask: Ask[Nothing, None], services: Services) -> DestinationVersion:
    """Read one version of a destination."""
    return as_document(_version(ask.path["version"], ask, services))


def compare(ask: Ask[CompareQuery, None], services: Services) -> Comparison:
    """Compare two versions of a destination, field by field."""
    before, after = (
        _version(str(number), ask, services) for number in (ask.query.before, ask.query.after)
    )
    return compared(before, after)


def restore(ask: Ask[Nothing, None], services: Services) -> DestinationVersion:
    """Save an older version anew, checked as any other config.

    With If-Match, refused unless that is still the newest version.
    """
    definition, why = _read(_version(ask.path["version"], ask, services))
    if definition is None:
        raise UnreadableDefinitionError(
            f"That version cannot be read: {why}",
            fix="Save the destination in the present form.",
        )
    return _saved(definition, ask, services)


def _version(number: str, ask: Ask[Any, None], services: Services) -> DefinitionVersion:
    id = ask.path["id"]
    return version_of(services.catalog.versions(id), number, id)


def put_destination(ask: Ask[Nothing, AnyDestination], services: Services) -> DestinationVersion:
    """Save a destination: a change adds a version, the same definition adds none.

    Errors in it refuse it, warnings come back with it. With If-Match, refused unless that is still
    the newest version.
    """
    if ask.body.id != ask.path["id"]:
        raise UserError(
            f"The body's id is {ask.body.id!r}, the address says {ask.path['id']!r}.",
            code="id_mismatch",
            fix="Make both the same.",
            field="id",
        )
    return _saved(ask.body, ask, services)


def _saved(
    definition: AnyDestination, ask: Ask[Nothing, Any], services: Services
) -> DestinationVersion:
    with exclusive(services.warehouse, "destination") as fence:
        # inside the lease: two who save at once could map one conversion to one account twice
        found = _advice(connect(definition), services)
        _refuse(found)
        before = _before(definition.id, services)
        stored = services.catalog.save(
            definition.model_dump(mode="json"),
            now=services.clock.now(),
            author=ask.author,
            expected_version=ask.expected_version,
            fence=fence,
        )
    after = connect(definition)
    behind = left_behind(before, after) if before else []
    return as_document(stored, [*found, *behind, *_first_day(before, after, services)])


def _before(id: str, services: Services) -> Connection | None:
    """The version that a save replaces; None where there is none, or none that can be read."""
    try:
        return connection(services, id)
    except (NotFoundError, UnreadableDefinitionError):
        return None


def archive_destination(ask: Ask[Nothing, None], services: Services) -> DestinationVersion:
    """Archive a destination: nothing more is sent; its ledger and its history stay."""
    with exclusive(services.warehouse, "destination") as fence:
        stored = services.catalog.get(ask.path["id"])
        archived = services.catalog.save(
            stored.definition,
            now=services.clock.now(),
            author=ask.author,
            status="archived",
            expected_version=ask.expected_version,
            fence=fence,
        )
    before = _before(stored.id, services)
    return as_document(archived, left_behind(before, None) if before else [])


def check_config(ask: Ask[Nothing, AnyDestination], services: Services) -> Problems:
    """Check a destination that need not be saved, and ask its platform."""
    return _checked(connect(ask.body), services)


def check_destination(ask: Ask[Nothing, None], services: Services) -> Problems:
    """Check a saved destination, and ask its platform."""
    return _checked(connection(services, ask.path["id"]).destination, services)


def as_document(
    stored: DefinitionVersion, found: list[Problem] | None = None
) -> DestinationVersion:
    """The version as the frontend reads it, with what is to be known of it."""
    definition, why = _read(stored)
    return DestinationVersion(
        id=stored.id,
        version=stored.version,
        kind=stored.kind,
        status=stored.status,
        definition=definition,
        unreadable=why,
        created_at=stored.created_at,
        created_by=stored.created_by,
        problems=[Advice.of(problem) for problem in found or ()],
    )


def _read(stored: DefinitionVersion) -> tuple[AnyDestination | None, str | None]:
    """The config, or why this version of the product cannot read it."""
    try:
        return CONFIG.validate_python(stored.definition), None
    except ValidationError as error:
        return None, invalid(error, stored.definition, CONFIG).detail


def _checked(destination: Destination[Any], services: Services) -> Problems:
    found = [*_advice(destination, services), *_online(destination, services)]
    return Problems(problems=[Advice.of(problem) for problem in found])


def _refuse(found: list[Problem]) -> None:
    """Raise UserError when any of the problems is an error."""
    if errors := [problem for problem in found if problem.severity == "error"]:
        raise UserError(
            " ".join(problem.message for problem in errors),
            code=errors[0].code,
            fix=" ".join(dict.fromkeys(problem.fix for problem in errors)),
            field="conversions",
        )


def _advice(destination: Destination[Any], services: Services) -> list[Problem]:
    known = {
        stored.id: stored.conversion
        for stored in sound(Catalog(services.warehouse, "conversion").active())
    }
    others = [
        each.destination
        for each in connections(services)
        if each.live and each.id != destination.config.id
    ]
    return [*advice(destination, known), *twice(destination, others)]


def _online(destination: Destination[Any], services: Services) -> list[Problem]:
    """What the platform itself says; a secret that is missing is a problem among the others."""
    try:
        return destination.check(services.wire)
    except ProductError as error:
        return [Problem(error.code, error.detail, error.fix)]


def _first_day(
    before: Connection | None, after: Destination[Any], services: Services
) -> list[Problem]:
    """What a new destination leaves at home, and one that sends to another account or list."""
    if after.config.start_date:
        return []
    known = before.destination.mapped if before else ()
    new = [
        conversion
        for conversion in after.mapped
        if not after.lacks_audience(conversion)
        and not (
            before
            and conversion in known
            and before.destination.account(conversion) == after.account(conversion)
        )
    ]
    if not new:
        return []
    return [
        Problem(
            "starts_today",
            f"Conversions of {services.today()} and later are sent"
            f"{f' to where {_listed(new)} go now' if before else ''}; earlier ones are not.",
            "If the platform shall have earlier ones, set start_date or replay their days.",
            "warning",
        )
    ]


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names))


def _capabilities(kind: type[Destination[Any]]) -> Capabilities:
    can = kind.capabilities
    window = can.dedup_window
    ages: Mapping[str, float] = {
        source or "any": age.total_seconds() / 86400 for source, age in can.max_age.items()
    }
    return Capabilities(
        max_batch=can.max_batch,
        max_age_days=dict(ages),
        deduplication_hours=None if window is None else window.total_seconds() / 3600,
        adjusts=sorted(can.adjusts),
        adjusts_within_days=can.adjusts_within.days if can.adjusts_within else None,
        answers_later=can.asynchronous,
        test_conversion=can.trial.effect if can.trial else None,
        test_needs_code=bool(can.trial and can.trial.needs_code),
        audience=can.audience,
        audience_field=kind.audience_field,
        creates_audiences=can.creates_audiences,
        creates_lookalikes=can.creates_lookalikes,
        smallest_audience=can.smallest_audience,
    )
