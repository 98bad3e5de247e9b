"""Dry run: the verdict for each row and the requests, byte for byte, that a run would send."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import islice

from common.untyped import JsonObject
from functions.export.contract.base import STAYS
from functions.export.ledger.protocol import Census
from functions.export.reconcile.delivery_state import Candidate
from functions.export.reconcile.membership import Membership
from functions.export.reconcile.reconcile import Decision, Deliver, Note
from functions.export.send.run import WAVE, Brake, Job, batches, decisions, waves
from functions.export.services import Connection
from functions.export.transport.calls import Request

MAXIMUM_ROWS = WAVE
"""Conversions that a dry run judges. A run works in portions of this size, or of one that divides
it, so the requests shown are the run's own, the last one included."""

Judged = list[tuple[Candidate, Decision]]


def dry_run(
    connection: Connection, conversion: str, *, limit: int, bodies: int, force: bool = False
) -> JsonObject:
    """What a run would do now with its first MAXIMUM_ROWS conversions: how many get which verdict,
    the first `limit` of them one by one, all requests by their SHA-256 and the first `bodies` of
    them whole. Nothing is sent and nothing is written."""
    services = connection.services
    scope = connection.scope(conversion, "dry-run", 0)
    ledger = connection.ledger(scope)
    census, first_day = ledger.census(), connection.start_date(scope)
    brake = Brake(census, connection.destination.config, force=force)
    job = Job(connection.destination, scope, services.settings.currency, force)
    # one more than is judged tells whether there are others; who only leaves lists joins none
    lacks = connection.destination.lacks_audience(conversion)
    found = [] if lacks else list(ledger.candidates(services.clock.now(), MAXIMUM_ROWS + 1))
    membership = Membership(conversion)
    portions = [
        list(decisions(wave, job, services.clock.now(), brake, membership))
        for wave in waves(islice(found, MAXIMUM_ROWS), connection.destination)
    ]
    judged = [each for portion in portions for each in portion]
    requests = [each for portion in portions for each in requests_of(portion, job)]
    return {
        "destination": connection.id,
        "conversion": conversion,
        "complete": len(found) <= MAXIMUM_ROWS,
        "held_by_platform": census.held,
        "missing_without_proof": census.unproved,
        "retractions_held": brake.held_back,
        "first_day": first_day,
        "before_first_day": census.early,
        "notes": [*notes(first_day, census, brake), *leaving(connection, conversion)],
        "verdicts": Counter(summed(decision) for _, decision in judged),
        "rows": [verdict(candidate, decision) for candidate, decision in judged[:limit]],
        "requests": [
            shown(request, rows, whole=number < bodies)
            for number, (request, rows) in enumerate(requests)
        ],
    }


def notes(first_day: date, census: Census, brake: Brake) -> list[str]:
    """What a person would otherwise wonder about."""
    given = []
    if census.early:
        given.append(
            f"{census.early:,} conversions before {first_day} are not sent; set "
            "start_date or replay their days if the platform shall have them."
        )
    if brake.held_back:
        given.append(
            f"{brake.held_back:,} conversions would be taken back, more than the retraction limit; "
            "a run holds them until it is forced."
        )
    if census.unproved:
        given.append(
            f"{census.unproved:,} conversions that were sent are not in the table, and no finished "
            "run of the table accounts for it; they are not taken back."
        )
    return given


def leaving(connection: Connection, conversion: str) -> Iterator[str]:
    """Whom a run takes out of lists that the conversion fills no more."""
    for old, everybody in connection.left(conversion):
        scope = old.scope(conversion, "dry-run", 0)
        ledger = old.leaving(scope, everybody=everybody)
        if people := sum(1 for _ in ledger.candidates(connection.services.clock.now())):
            yield (
                f"{people:,} conversions have put people into {scope.account}, who are taken out of"
                " it by the next run."
            )


def requests_of(judged: Judged, job: Job) -> list[tuple[Request, list[str]]]:
    """The requests of one portion, each with the ids of its conversions: first those that take out
    addresses that people no longer have."""
    chosen = [(each, c.conversion_id) for c, each in judged if isinstance(each, Deliver)]
    leaving = [(each.before, id) for each, id in chosen if each.before]
    orders = [(each.built, id) for each, id in chosen if each.built.group != STAYS]
    ids = {built.key: id for built, id in [*leaving, *orders]}
    suspects = {
        decision.built.key
        for candidate, decision in judged
        if isinstance(decision, Deliver) and candidate.delivery_state.suspect
    }
    return [
        (job.destination.request(job.scope.conversion, batch), [ids[each.key] for each in batch])
        for batch in [
            *batches([built for built, _ in leaving], job.destination),
            *batches([built for built, _ in orders], job.destination, suspects),
        ]
    ]


def summed(decision: Decision) -> str:
    """The verdict with its reason, as it is counted."""
    match decision:
        case Deliver(intent=intent, built=built):
            return f"{intent.op}: person_stays" if built.group == STAYS else intent.op
        case Note(state=state, reason=reason):
            return f"{state}: {reason}"
        case _:
            return f"nothing: {decision.reason}"


def verdict(candidate: Candidate, decision: Decision) -> JsonObject:
    """What would happen to one conversion, and why."""
    given: JsonObject = {"id": candidate.conversion_id}
    match decision:
        case Deliver(intent=intent):
            money = intent.money
            return given | {
                "verdict": intent.op,
                "key": intent.key,
                "value": float(money) if money else None,
                "currency": money.currency if money else None,
                "event_time": intent.occurred,
            }
        case Note(state=state, reason=reason):
            return given | {"verdict": state, "reason": reason}
        case _:
            return given | {"verdict": "nothing", "reason": decision.reason}


def shown(request: Request, rows: list[str], *, whole: bool) -> JsonObject:
    """A request for people: where its secret goes, never the secret."""
    credential = request.credential
    given: JsonObject = {
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
    return given | {"body": request.body.decode()} if whole else given
