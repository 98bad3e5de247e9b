"""One writer at a time: a lease with a fencing number, compare-and-set on the server's clock.

The fence only grows, the same holder may re-enter at once, terms are short and are renewed while
the work goes on, and a lease lapses by itself when its holder died (Kleppmann, "How to do
distributed locking", 2016).
"""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from common import schemas
from common.bigquery.sql import Parameter, Sql, template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.errors import ConflictError, ProductError, RetryableError
from common.logs import log
from common.untyped import JsonObject

LEASE_SECONDS = 150
"""A worker that died blocks nobody for longer; whoever works for longer keeps its lease."""
BEAT_SECONDS = 40
"""Between two renewals: three may fail, and thirty holders stay far below the 25 changes in ten
seconds that BigQuery takes of one table (cloud.google.com/bigquery/quotas)."""
LINE = "\n"
"""Between the triggers that wait."""


@dataclass(frozen=True)
class Lease:
    """Proof of being the newest writer of `name`; `fence` goes into every write."""

    name: str
    holder: str
    fence: int
    dataset: str
    is_first: bool = False
    """Whether it is known that nobody has held it before."""

    @property
    def key(self) -> str:
        """The stem of its job ids in letters, digits, _ and -, unique in the project."""
        return _key(self.dataset, self.name)


def acquire(
    warehouse: Warehouse,
    name: str,
    holder: str,
    seconds: int = LEASE_SECONDS,
    *,
    free_fence: int | None = None,
    is_new: bool = False,
) -> Lease | None:
    """The lease, or None while somebody else holds it.

    Who has read that it was free, at `free_fence`, spends one statement where that is still so;
    `is_new` that there was none of this name.
    """
    dataset = warehouse.settings.dataset
    if free_fence is not None and _take(warehouse, name, holder, seconds, free_fence):
        return Lease(name, holder, free_fence + 1, dataset)
    if is_new or (not _take(warehouse, name, holder, seconds) and not _rows(warehouse, name)):
        _create(warehouse, name)
        if first := _first(warehouse, name, holder, seconds):
            return first
        _take(warehouse, name, holder, seconds)
    state = _read(warehouse, name)
    if state["holder"] != holder:
        return None
    return Lease(name, holder, int(state["fence"]), dataset)


def _first(warehouse: Warehouse, name: str, holder: str, seconds: int) -> Lease | None:
    """The lease, if nobody has ever held it: only who holds it sets when it lapses."""
    state = _read(warehouse, name)
    fence = int(state["fence"])
    if state["expires_at"] is not None or not _take(warehouse, name, holder, seconds, fence):
        return None
    return Lease(name, holder, fence + 1, warehouse.settings.dataset, is_first=True)


def _take(
    warehouse: Warehouse, name: str, holder: str, seconds: int, free_fence: int | None = None
) -> bool:
    free = Parameter("INT64", free_fence)
    bound = {"name": name, "holder": holder, "seconds": seconds, "free_fence": free}
    take = with_parameters(_sql("take", warehouse, name), **bound)
    return bool(warehouse.execute(take).affected_rows)


def table_of(name: str) -> str:
    """The table in which the lease of this name stands. BigQuery lets a table queue 20 changes and
    begin 25 in ten seconds (cloud.google.com/bigquery/quotas), so many names need several."""
    tables = schemas.buckets("leases")
    return tables[zlib.crc32(name.encode()) % len(tables)]


@contextmanager
def kept(
    warehouse: Warehouse,
    lease: Lease,
    *,
    seconds: int = LEASE_SECONDS,
    every: float = BEAT_SECONDS,
) -> Iterator[None]:
    """Renew the lease from time to time while the work inside goes on.

    Whether it was lost all the same, the fence tells: every write checks that.
    """
    over = threading.Event()
    beats = threading.Thread(
        target=_beat, args=(warehouse, lease, seconds, every, over), daemon=True
    )
    beats.start()
    try:
        yield
    finally:
        over.set()
        # a renewal under way would hold up the release
        beats.join(every)


def renew(warehouse: Warehouse, lease: Lease, seconds: int = LEASE_SECONDS) -> bool:
    """Let the lease lapse so many seconds from now; False when it is somebody else's by now."""
    bound = {"name": lease.name, "fence": lease.fence, "holder": lease.holder, "seconds": seconds}
    renewed = warehouse.execute(with_parameters(_sql("keep", warehouse, lease.name), **bound))
    return bool(renewed.affected_rows)


def _beat(
    warehouse: Warehouse, lease: Lease, seconds: int, every: float, over: threading.Event
) -> None:
    while not over.wait(every):
        try:
            if not renew(warehouse, lease, seconds):
                return
        except ProductError as error:
            # the next beat comes before the lease lapses
            log("lease_not_renewed", "WARNING", reason=error.code)


def is_held(warehouse: Warehouse, lease: Lease) -> bool:
    """Whether nobody has taken the lease over since."""
    return bool(_read(warehouse, lease.name)["fence"] == lease.fence)


def held(warehouse: Warehouse, lease: Lease) -> Sql:
    """The statement that fails once somebody has taken the lease over: first in a transaction, it
    lets nothing of that be done."""
    bound = {"lease": lease.name, "fence": lease.fence}
    return with_parameters(_sql("held", warehouse, lease.name), **bound)


def ask_again(warehouse: Warehouse, name: str, trigger: str) -> bool:
    """Ask the present holder to do the trigger too, which is one line of text.

    However often it is asked for, it is done once. False when nobody holds the lease by now.
    """
    done = warehouse.execute(
        with_parameters(_sql("ask", warehouse, name), name=name, trigger=trigger)
    )
    return bool(done.affected_rows)


def holder_of(warehouse: Warehouse, name: str) -> str:
    """Who holds the lease, or held it last without freeing it; empty when nobody does."""
    rows = _rows(warehouse, name)
    return str(rows[0]["holder"] or "") if rows else ""


def asked(warehouse: Warehouse, lease: Lease) -> list[str]:
    """The triggers that wait for this holder, in the order in which they came."""
    return _lines(_waiting(warehouse, lease))


def done(warehouse: Warehouse, lease: Lease, triggers: Sequence[str]) -> None:
    """Forget triggers that the holder has taken on; those that came meanwhile stay."""
    while seen := _waiting(warehouse, lease):
        left = LINE.join(each for each in _lines(seen) if each not in triggers)
        bound = {"name": lease.name, "fence": lease.fence, "seen": seen, "left": left}
        forget = with_parameters(_sql("forget", warehouse, lease.name), **bound)
        if warehouse.execute(forget).affected_rows:
            return


def release(
    warehouse: Warehouse, lease: Lease, pass_on: Callable[[list[str]], object] = lambda asked: None
) -> None:
    """Free the lease; triggers that wait are passed on first, each once."""
    seen = ""
    while not _freed(warehouse, "free", seen, name=lease.name, fence=lease.fence):
        if not is_held(warehouse, lease):
            return
        seen = _waiting(warehouse, lease)
        pass_on(_lines(seen))


def leave(
    warehouse: Warehouse, name: str, holder: str, pass_on: Callable[[list[str]], object]
) -> None:
    """Free what this holder held when it died after its work; what waits for it is passed on."""
    while True:
        state = next(iter(_rows(warehouse, name)), None)
        if state is None or state["holder"] != holder:
            return
        seen = state["pending"] or ""
        pass_on(_lines(seen))
        if _freed(warehouse, "leave", seen, name=name, holder=holder):
            return


def _freed(warehouse: Warehouse, verb: str, seen: str, *, name: str, **bound: Any) -> bool:
    statement = with_parameters(_sql(verb, warehouse, name), name=name, seen=seen, **bound)
    return bool(warehouse.execute(statement).affected_rows)


def _waiting(warehouse: Warehouse, lease: Lease) -> str:
    state = _read(warehouse, lease.name)
    return state["pending"] or "" if state["fence"] == lease.fence else ""


def _lines(pending: str) -> list[str]:
    return [line for line in pending.split(LINE) if line]


def _create(warehouse: Warehouse, name: str) -> None:
    # a job id runs once, so two first users of a name cannot both insert its row
    created = warehouse.client.get_table(warehouse.path(table_of(name))).created
    # ids are taken for ever, so a table that was made anew needs others
    stamp = int(created.timestamp() * 1000) if created else 0
    key = _key(warehouse.settings.dataset, name)
    insert = with_parameters(_sql("create", warehouse, name), name=name)
    try:
        warehouse.execute(insert, job_id=f"lease_{key}_{stamp}")
    except ConflictError:
        # another function's account was first, and its job cannot be read: its row may still come
        for pause in (0.5, 1.0, 2.0, 4.0):
            if _rows(warehouse, name):
                return
            time.sleep(pause)
        raise RetryableError(f"The lease {name} is being made.", code="lease_busy") from None


def _read(warehouse: Warehouse, name: str) -> JsonObject:
    return _rows(warehouse, name)[0]


def _rows(warehouse: Warehouse, name: str) -> list[JsonObject]:
    return list(
        warehouse.rows(
            with_parameters(_sql("read", warehouse, name), name=Parameter("STRING", name))
        )
    )


def _key(dataset: str, name: str) -> str:
    # ids of conversions and names of datasets have no hyphen: export-google is not export_google,
    # and purchase in shop_eu not eu_purchase in shop
    plain = "".join(letter if letter.isalnum() or letter == "_" else "-" for letter in name)
    return f"{dataset}-{plain}"


def _sql(verb: str, warehouse: Warehouse, name: str) -> Sql:
    return template(__file__, f"lease_{verb}", leases=warehouse.table(table_of(name)))
