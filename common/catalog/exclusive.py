"""One writer of definitions at a time: whoever reads, decides and appends is not overtaken."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from common.bigquery.leases import lease
from common.bigquery.warehouse import Warehouse
from common.catalog.definitions import Collection
from common.errors import ConflictError

LEASE_SECONDS = 60
ATTEMPTS = 10


@contextmanager
def exclusive(warehouse: Warehouse, collection: Collection) -> Iterator[None]:
    """Hold the right to change definitions; raises ConflictError when others keep it too long."""
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
        # a slow save must not let the next writer in: versions are appended without a fence
        with lease.kept(warehouse, held, seconds=LEASE_SECONDS, every=LEASE_SECONDS / 3):
            yield
    finally:
        lease.release(warehouse, held)
