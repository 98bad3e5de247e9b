"""A person says of conversions in doubt whether the platform has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from common.bigquery.leases import lease
from common.errors import NotFoundError, RetryableError
from functions.export.ledger.entries import Entry
from functions.export.reconcile.delivery_state import Candidate, State
from functions.export.send.service import releasing
from functions.export.services import Connection

RESOLVE_SECONDS = 60


def resolve_in_doubt(
    connection: Connection,
    conversion: str,
    ids: Iterable[str],
    verdict: Literal["delivered", "absent"],
) -> int:
    """Write down that the platform has these conversions, or has not; how many that are.

    What is absent is sent again by the next run. Raises NotFoundError for ids that are not in
    doubt, RetryableError while a run holds the destination.
    """
    services = connection.services
    # a run that is under way may be sending what the person speaks of
    held = lease.acquire(
        services.warehouse, connection.lease_name, services.new_id(), RESOLVE_SECONDS
    )
    if held is None:
        raise _busy(connection)
    # what asks for a run meanwhile is passed on, as after any other holder
    with releasing(services, connection, held):
        run_id = f"resolve_{services.new_id()}"
        ledger = connection.ledger(connection.scope(conversion, run_id, held.fence))
        in_doubt = {each.conversion_id: each for each in ledger.in_doubt()}
        chosen = [_known(in_doubt, id) for id in dict.fromkeys(ids)]
        if not ledger.append(_entries(connection, chosen, verdict), only_as_holder=True):
            # this took longer than the lease: nothing was written down
            raise _busy(connection)
    return len(chosen)


def _busy(connection: Connection) -> RetryableError:
    return RetryableError(
        f"A run of {connection.id!r} is under way.",
        code="destination_busy",
        fix="Try again in a few minutes.",
    )


def _known(in_doubt: dict[str, Candidate], id: str) -> Candidate:
    if id not in in_doubt:
        raise NotFoundError(
            f"The conversion {id!r} is not in doubt.",
            code="not_in_doubt",
            fix="List the ledger's entries with state ambiguous.",
            field="ids",
        )
    return in_doubt[id]


def _entries(
    connection: Connection, chosen: list[Candidate], verdict: Literal["delivered", "absent"]
) -> list[Entry]:
    state: State = "accepted" if verdict == "delivered" else "absent"
    now = connection.services.clock.now()
    return [
        Entry(
            conversion_id=each.conversion_id,
            conversion_date=each.date,
            state=state,
            reason="settled",
            row_hash=None,
            sent=each.delivery_state.in_doubt,
            seq=number,
            at=now,
        )
        for number, each in enumerate(chosen, start=1)
    ]
