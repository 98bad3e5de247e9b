"""Dry run: the verdict for each row and the requests, byte for byte, that a run would send."""

from __future__ import annotations

from typing import Any

from functions.export.destinations.base import Request
from functions.export.office import Connection
from functions.export.planner import Decision, Deliver, Note
from functions.export.run import Brake, Job, batches, decisions
from functions.export.standing import Candidate

MAXIMUM_ROWS = 6000
"""One wave of a run: within it, a dry run's batches are the run's batches."""


def dry_run(
    connection: Connection, conversion: str, *, limit: int, bodies: int, force: bool = False
) -> dict[str, Any]:
    """What a run would do now: verdicts of up to `limit` rows, all requests by their SHA-256 and
    the first `bodies` of them whole. Nothing is sent and nothing is written."""
    office = connection.office
    scope = connection.scope(conversion, "dry-run", 0)
    ledger = connection.ledger(scope)
    census = ledger.census()
    brake = Brake(census, connection.destination.config, force=force)
    job = Job(connection.destination, scope, office.settings.currency, force)
    found = list(ledger.candidates(limit + 1))
    judged = list(decisions(found[:limit], job, office.clock.now(), brake))
    ids = {
        decision.built.key: candidate.conversion_id
        for candidate, decision in judged
        if isinstance(decision, Deliver)
    }
    orders = [decision.built for _, decision in judged if isinstance(decision, Deliver)]
    requests = [
        (connection.destination.request(conversion, batch), batch)
        for batch in batches(orders, connection.destination)
    ]
    return {
        "destination": connection.id,
        "conversion": conversion,
        "complete": len(found) <= limit,
        "held_by_platform": census.held,
        "missing_without_proof": census.unproved,
        "retractions_held": brake.held_back,
        "rows": [verdict(candidate, decision) for candidate, decision in judged],
        "requests": [
            shown(request, [ids[built.key] for built in batch], whole=number < bodies)
            for number, (request, batch) in enumerate(requests)
        ],
    }


def verdict(candidate: Candidate, decision: Decision) -> dict[str, Any]:
    """What would happen to one conversion, and why."""
    told: dict[str, Any] = {"id": candidate.conversion_id}
    match decision:
        case Deliver(intent=intent):
            money = intent.money
            return told | {
                "verdict": intent.op,
                "key": intent.key,
                "value": float(money) if money else None,
                "currency": money.currency if money else None,
                "event_time": intent.occurred,
            }
        case Note(state=state, reason=reason):
            return told | {"verdict": state, "reason": reason}
        case _:
            return told | {"verdict": "nothing", "reason": decision.reason}


def shown(request: Request, rows: list[str], *, whole: bool) -> dict[str, Any]:
    """A request for people: where its secret goes, never the secret."""
    credential = request.credential
    told: dict[str, Any] = {
        "sha256": request.sha256,
        "bytes": len(request.body),
        "rows": rows,
        "method": request.method,
        "url": request.url,
        "headers": dict(request.headers),
        "credential": {
            "in": credential.place,
            "name": credential.name,
            "reference": credential.reference,
        },
    }
    return told | {"body": request.body.decode()} if whole else told
