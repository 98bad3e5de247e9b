"""The frontend's side of export: destinations, dry runs, runs, replays and the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from flask import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule

from common.catalog.definitions import Catalog, DefinitionVersion
from common.errors import MethodError, NotFoundError, ProductError, UserError
from common.http import wsgi
from common.messaging.messages import ExportContinuation, ReplayRequested
from functions.export.contract.base import Destination, Problem
from functions.export.contract.config import DestinationId
from functions.export.destinations.registry import DESTINATIONS, TARGET, connect
from functions.export.frontend import preview, reads
from functions.export.frontend.advice import advice, twice
from functions.export.send import resolve
from functions.export.services import (
    Services,
    connection,
    connections,
    has_table,
    needs_live,
    needs_table,
)

Path = Mapping[str, str]


class Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DryRunBody(Body):
    """Which conversion to try."""

    conversion: DestinationId
    limit: int = Field(1000, ge=0, le=preview.MAXIMUM_ROWS)
    """Conversions to list one by one."""
    bodies: int = Field(5, ge=0, le=50)
    force: bool = False


class RunBody(Body):
    """Which conversions to send now; when empty, all that have ever been computed."""

    conversions: tuple[DestinationId, ...] = ()
    force: bool = False


class ReplayBody(Body):
    """Which days to send again; `lost` says that the platform holds none of them any more."""

    conversion: DestinationId
    start_date: date
    end_date: date
    lost: bool = False
    request_id: str = Field("", max_length=100, pattern=r"^[A-Za-z0-9_-]*$")


class SettleBody(Body):
    """What a person found out about conversions in doubt."""

    conversion: DestinationId
    ids: tuple[str, ...] = Field(min_length=1, max_length=1000)
    verdict: Literal["delivered", "absent"]


class LedgerQuery(Body):
    conversion: str = ""
    state: str = ""
    conversion_id: str = ""
    limit: int = Field(100, ge=1, le=1000)


class ReportQuery(Body):
    start_date: date
    end_date: date


def answer(request: Request, services: Services) -> Any:
    """The answer to one request; raises NotFoundError or MethodError where no route fits."""
    try:
        endpoint, path = _MAP.bind("").match(request.path.rstrip("/") or "/", method=request.method)
    except MethodNotAllowed as error:
        allowed = ", ".join(error.valid_methods or ())
        raise MethodError(f"{request.path} takes {allowed}.", fix="Use one of these.") from error
    except NotFound as error:
        raise NotFoundError(f"There is nothing at {request.path}.", code="unknown_path") from error
    handler: Handler = endpoint
    return handler(request, path, services)


def list_destinations(request: Request, path: Path, services: Services) -> Any:
    return {"destinations": [_stored(stored) for stored in services.catalog.all()]}


def schemas(request: Request, path: Path, services: Services) -> Any:
    """The form of each kind of destination, and what its platform can do."""
    return {
        kind: {"schema": each.Config.model_json_schema(), "capabilities": _capabilities(each)}
        for kind, each in DESTINATIONS.items()
    }


def get_destination(request: Request, path: Path, services: Services) -> Any:
    return _stored(services.catalog.get(path["id"]))


def put_destination(request: Request, path: Path, services: Services) -> Any:
    """Save a new version; errors in it refuse it, warnings come back with it."""
    definition = _definition(request)
    if definition["id"] != path["id"]:
        raise UserError(
            f"The body's id is {definition['id']!r}, the address says {path['id']!r}.",
            code="id_mismatch",
            fix="Make both the same.",
            field="id",
        )
    found = _advice(definition, services)
    if errors := [problem for problem in found if problem.severity == "error"]:
        raise UserError(
            " ".join(problem.message for problem in errors),
            code=errors[0].code,
            fix=" ".join(dict.fromkeys(problem.fix for problem in errors)),
            field="conversions",
        )
    stored = services.catalog.save(
        definition,
        now=services.clock.now(),
        author=wsgi.caller(request),
        expected_version=_expected(request),
    )
    told = [_as_document(problem) for problem in [*found, *_first_day(stored, services)]]
    return _stored(stored) | {"problems": told}


def archive_destination(request: Request, path: Path, services: Services) -> Any:
    stored = services.catalog.get(path["id"])
    return _stored(
        services.catalog.save(
            stored.definition,
            now=services.clock.now(),
            author=wsgi.caller(request),
            status="archived",
            expected_version=_expected(request),
        )
    )


def check_config(request: Request, path: Path, services: Services) -> Any:
    """Problems of a config that need not be saved, the platform's own word included."""
    definition = _definition(request)
    online = _online(connect(TARGET.validate_python(definition)), services)
    return {
        "problems": [_as_document(problem) for problem in [*_advice(definition, services), *online]]
    }


def check_destination(request: Request, path: Path, services: Services) -> Any:
    found = connection(services, path["id"])
    problems = [
        *_advice(found.stored.definition, services),
        *_online(found.destination, services),
    ]
    return {"problems": [_as_document(problem) for problem in problems]}


def dry_run(request: Request, path: Path, services: Services) -> Any:
    body = wsgi.read(request, DryRunBody)
    found = connection(services, path["id"])
    needs_table(found, body.conversion)
    return preview.dry_run(
        found,
        body.conversion,
        limit=body.limit,
        bodies=body.bodies,
        force=body.force,
    )


def run(request: Request, path: Path, services: Services) -> Any:
    """Ask for a run now; it happens behind the scenes."""
    body = wsgi.read(request, RunBody)
    found = connection(services, path["id"])
    needs_live(found)
    chosen = body.conversions or tuple(id for id in found.conversions if has_table(found, id))
    for conversion in chosen or found.conversions:
        needs_table(found, conversion)
    today, run_id = services.today(), f"x{services.new_id()}"
    for conversion in chosen:
        services.bus().publish(
            ExportContinuation(
                destination=found.id,
                conversion=conversion,
                run_id=run_id,
                start_date=today,
                end_date=today,
                force=body.force,
            )
        )
    return wsgi.json_response({"conversions": chosen, "run_id": run_id}, 202)


def replay(request: Request, path: Path, services: Services) -> Any:
    """Ask for days to be sent again; it happens behind the scenes, once for a request id."""
    body = wsgi.read(request, ReplayBody)
    found = connection(services, path["id"])
    needs_live(found)
    needs_table(found, body.conversion)
    if body.end_date < body.start_date:
        raise UserError("The range ends before it starts.", code="bad_range", field="end_date")
    days = (body.start_date, body.end_date)
    count = reads.conversions_between(found, body.conversion, *days)
    request_id = body.request_id or services.new_id()
    services.bus().publish(
        ReplayRequested(
            request_id=request_id,
            destination=found.id,
            conversion=body.conversion,
            start_date=body.start_date,
            end_date=body.end_date,
            lost=body.lost,
        )
    )
    return wsgi.json_response({"request_id": request_id, "conversions": count}, 202)


def resolve_in_doubt(request: Request, path: Path, services: Services) -> Any:
    body = wsgi.read(request, SettleBody)
    found = connection(services, path["id"])
    return {"settled": resolve.resolve_in_doubt(found, body.conversion, body.ids, body.verdict)}


def ledger(request: Request, path: Path, services: Services) -> Any:
    asked = _query(request, LedgerQuery)
    found = connection(services, path["id"])
    return {"entries": reads.entries(found, **asked.model_dump())}


def delivery_states(request: Request, path: Path, services: Services) -> Any:
    asked = _query(request, LedgerQuery)
    found = connection(services, path["id"])
    return {"standings": reads.delivery_states(found, conversion=asked.conversion)}


def report(request: Request, path: Path, services: Services) -> Any:
    asked = _query(request, ReportQuery)
    found = connection(services, path["id"])
    return {"days": reads.match_report(found, asked.start_date, asked.end_date)}


Handler = Callable[[Request, Path, Services], Any]


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    handler: Handler


ROUTES = (
    Route("GET", "/destinations", list_destinations),
    Route("GET", "/destinations/schemas", schemas),
    Route("POST", "/destinations/check", check_config),
    Route("GET", "/destinations/<id>", get_destination),
    Route("PUT", "/destinations/<id>", put_destination),
    Route("DELETE", "/destinations/<id>", archive_destination),
    Route("POST", "/destinations/<id>/check", check_destination),
    Route("POST", "/destinations/<id>/dry-run", dry_run),
    Route("POST", "/destinations/<id>/run", run),
    Route("POST", "/destinations/<id>/replay", replay),
    Route("POST", "/destinations/<id>/settle", resolve_in_doubt),
    Route("GET", "/destinations/<id>/ledger", ledger),
    Route("GET", "/destinations/<id>/standings", delivery_states),
    Route("GET", "/destinations/<id>/report", report),
)
_MAP = Map([Rule(each.path, methods=[each.method], endpoint=each.handler) for each in ROUTES])


def _definition(request: Request) -> dict[str, Any]:
    """The body as a valid config; raises UserError that names each wrong field."""
    return wsgi.read_as(request, TARGET).model_dump(mode="json")


def _advice(definition: Mapping[str, Any], services: Services) -> list[Problem]:
    known = {
        stored.id: stored.conversion
        for stored in Catalog(services.warehouse, "conversion").active()
    }
    destination = connect(TARGET.validate_python(definition))
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


def _first_day(stored: DefinitionVersion, services: Services) -> list[Problem]:
    """What a new destination leaves at home."""
    if stored.version > 1 or stored.definition["start_date"]:
        return []
    return [
        Problem(
            "starts_today",
            f"Conversions of {services.today()} and later are sent; earlier ones are not.",
            "If the platform shall have earlier ones, set start_date or replay their days.",
            "warning",
        )
    ]


def _expected(request: Request) -> int | None:
    """The version in If-Match; None where the sender does not mind."""
    text = request.headers.get("If-Match", "").strip('"')
    return int(text) if text.isdigit() else None


def _query(request: Request, model: type[Any]) -> Any:
    try:
        return model.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise wsgi.invalid(error) from error


def _stored(stored: DefinitionVersion) -> dict[str, Any]:
    return {
        "id": stored.id,
        "version": stored.version,
        "kind": stored.kind,
        "status": stored.status,
        "definition": stored.definition,
        "created_at": stored.created_at,
        "created_by": stored.created_by,
    }


def _as_document(problem: Problem) -> dict[str, str]:
    return {
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        "fix": problem.fix,
    }


def _capabilities(kind: Any) -> dict[str, Any]:
    can = kind.capabilities
    window = can.dedup_window
    return {
        "max_batch": can.max_batch,
        "max_age_days": {
            source or "any": age.total_seconds() / 86400 for source, age in can.max_age.items()
        },
        "deduplication_hours": None if window is None else window.total_seconds() / 3600,
        "adjusts": sorted(can.adjusts),
        "adjusts_within_days": can.adjusts_within and can.adjusts_within.days,
        "answers_later": can.asynchronous,
        "audience": can.audience,
    }
