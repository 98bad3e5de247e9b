"""Audiences made at the platform: the lists that a destination fills, and lookalikes of them."""

from __future__ import annotations

from typing import Any

from common.catalog.exclusive import exclusive
from common.errors import UserError
from common.http.request import Ask, Nothing
from functions.export.contract.base import Destination, Lookalike
from functions.export.destinations.registry import CONFIG, AnyDestination, connect
from functions.export.frontend.models import Created, LookalikeBody, LookalikeCreated
from functions.export.services import Services, connection
from functions.export.transport.wire import Wire


def create(ask: Ask[Nothing, AnyDestination], services: Services) -> Created:
    """Create, at the platform, a list or audience for each conversion of a config that names none.

    The config need not be saved; it comes back with the new ids filled in, to be saved then. Asked
    twice, it finds those that it made before.
    """
    destination = connect(ask.body)
    if not destination.capabilities.creates_audiences:
        raise _impossible("audiences")
    # of two who ask at once the second one finds what the first one made
    with exclusive(services.warehouse, "destination"):
        created = made(destination, services.wire)
    return Created(definition=_filled(destination, created), created=created)


def made(destination: Destination[Any], wire: Wire) -> dict[str, str]:
    """Ids by conversion of the audiences that the config lacks, made where they are not there."""
    created: dict[str, str] = {}
    for conversion in filter(destination.lacks_audience, destination.mapped):
        try:
            created[conversion] = destination.create_audience(conversion, wire)
        except UserError as error:
            if not created:
                raise
            raise _in_part(error, created) from error
    return created


def create_lookalike(ask: Ask[Nothing, LookalikeBody], services: Services) -> LookalikeCreated:
    """Create, at the platform, an audience of people who resemble those of a conversion's."""
    found, body = connection(services, ask.path["id"]), ask.body
    found.scope(body.conversion, "lookalike", 0)
    if not found.destination.capabilities.creates_lookalikes:
        raise _impossible("lookalikes")
    wanted = Lookalike(
        body.name or f"{found.destination.config.name}: like {body.conversion}, {body.country}",
        body.country,
        body.percent / 100,
    )
    with exclusive(services.warehouse, "destination"):
        id = found.destination.create_lookalike(body.conversion, wanted, services.wire)
    return LookalikeCreated(id=id, name=wanted.name)


def _filled(destination: Destination[Any], created: dict[str, str]) -> AnyDestination:
    """The config with the new ids."""
    definition = destination.config.model_dump(mode="json")
    for each in definition["conversions"]:
        if each["conversion"] in created:
            each[destination.audience_field] = created[each["conversion"]]
    filled: AnyDestination = CONFIG.validate_python(definition)
    return filled


def _in_part(error: UserError, created: dict[str, str]) -> UserError:
    """The error with the ids of what was made before it: nobody else knows them, and the platform
    takes their names only once."""
    made = ", ".join(f"{id} for {conversion}" for conversion, id in created.items())
    return UserError(
        f"{error.detail} Made before that: {made}.",
        code=error.code,
        fix=f"Fill these ids in, then try again. {error.fix}",
        field="conversions",
    )


def _impossible(what: str) -> UserError:
    return UserError(
        f"This platform makes no {what} over its API.",
        code="not_offered",
        fix="Make it on the platform's own pages, where it offers that.",
    )
