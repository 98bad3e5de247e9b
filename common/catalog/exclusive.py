"""One writer of definitions at a time: whoever reads, decides and appends is not overtaken."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from common.bigquery.leases import lease
from common.bigquery.warehouse import Warehouse
from common.catalog.definitions import Collection
from common.errors import ConflictError

# it is renewed while a save lasts: who dies in the middle keeps others waiting so long at most
LEASE_SECONDS = 60
ATTEMPTS = 10


@contextmanager
def exclusive(warehouse: Warehouse, collection: Collection) -> Iterator[Callable[[], None]]:
    """Hold the right to change definitions; raises ConflictError when others keep it too long.

    Gives the fence (a fencing token's check) that `Catalog.save` asks before it appends: it raises
    ConflictError once somebody else has taken the right over.
    """
    holder = uuid.uuid4().hex
    for attempt in range(ATTEMPTS):
        if held := lease.acquire(warehouse, f"catalog:{collection}", holder, LEASE_SECONDS):
            break
        # 5.5 s in all: a person waits for the answer
        time.sleep(0.1 * (attempt + 1))
    else:
        raise ConflictError(
            f"Somebody else is saving a {collection} at this moment.",
            code="busy",
            fix="Send the same request again in a minute.",
        )
    try:
        # a slow save must not let the next writer in
        with lease.kept(warehouse, held, seconds=LEASE_SECONDS, every=LEASE_SECONDS / 3):
            yield partial(_check, warehouse, held, collection)
    finally:
        # whatever happened: the next writer need not wait for the lease to run out
        lease.release(warehouse, held)


def _check(warehouse: Warehouse, held: lease.Lease, collection: Collection) -> None:
    if not lease.is_held(warehouse, held):
        raise ConflictError(
            f"Somebody else began to save a {collection} meanwhile; nothing was saved here.",
            code="busy",
            fix="Read it again, apply your change to the newest version, and save that.",
        )
