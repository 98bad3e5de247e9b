"""One writer at a time: a lease with a fencing number, compare-and-set on the server's clock.

The fence only grows, the same holder may re-enter at once, and a lease lapses by
itself when its holder died (Kleppmann, "How to do distributed locking", 2016).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from common.bigquery.sql import Parameter, Sql, template, with_parameters
from common.bigquery.warehouse import Warehouse

LEASE_SECONDS = 30 * 60


@dataclass(frozen=True)
class Lease:
    """Proof of being the newest writer of `name`; `fence` goes into every write."""

    name: str
    holder: str
    fence: int
    dataset: str

    @property
    def key(self) -> str:
        """The name in letters, digits and _, unique in the project: the stem of job ids."""
        return _plain(f"{self.dataset}_{self.name}")


def acquire(
    warehouse: Warehouse, name: str, holder: str, seconds: int = LEASE_SECONDS
) -> Lease | None:
    """The lease, or None while somebody else holds it."""
    bound = {"name": name, "holder": holder, "seconds": seconds}
    take = with_parameters(_sql("take", warehouse), **bound)
    if not warehouse.execute(take).affected_rows and not _rows(warehouse, name):
        _create(warehouse, name)
        warehouse.execute(take)
    state = _read(warehouse, name)
    if state["holder"] != holder:
        return None
    return Lease(name, holder, int(state["fence"]), warehouse.settings.dataset)


def is_held(warehouse: Warehouse, lease: Lease) -> bool:
    """Whether nobody has taken the lease over since."""
    return bool(_read(warehouse, lease.name)["fence"] == lease.fence)


def ask_again(warehouse: Warehouse, name: str, trigger: str) -> bool:
    """Ask the present holder to run once more.

    False when nobody holds the lease by now, or when another trigger waits there already.
    """
    done = warehouse.execute(with_parameters(_sql("ask", warehouse), name=name, trigger=trigger))
    return bool(done.affected_rows)


def release(warehouse: Warehouse, lease: Lease) -> str | None:
    """Free the lease; the trigger that arrived meanwhile, if any, must be run by the caller."""
    bound = {"name": lease.name, "fence": lease.fence}
    if warehouse.execute(with_parameters(_sql("free_unasked", warehouse), **bound)).affected_rows:
        return None
    warehouse.execute(with_parameters(_sql("free", warehouse), **bound))
    state = _read(warehouse, lease.name)
    mine = state["fence"] == lease.fence and state["holder"] is None
    pending: str | None = state["pending"] if mine else None
    return pending


def leave(warehouse: Warehouse, name: str, holder: str) -> str | None:
    """Free what this holder held when it died after its work; the trigger that waits for it."""
    bound = {"name": name, "holder": holder}
    left = warehouse.execute(with_parameters(_sql("leave", warehouse), **bound))
    pending: str | None = _read(warehouse, name)["pending"] if left.affected_rows else None
    return pending


def _create(warehouse: Warehouse, name: str) -> None:
    # a job id runs once, so two first users of a name cannot both insert its row
    created = warehouse.client.get_table(warehouse.path("leases")).created
    stamp = int(created.timestamp() * 1000) if created else 0
    key = _plain(f"{warehouse.settings.dataset}_{name}")
    insert = with_parameters(_sql("create", warehouse), name=name)
    warehouse.execute(insert, job_id=f"lease_{key}_{stamp}")


def _read(warehouse: Warehouse, name: str) -> dict[str, Any]:
    return _rows(warehouse, name)[0]


def _rows(warehouse: Warehouse, name: str) -> list[dict[str, Any]]:
    return list(
        warehouse.rows(with_parameters(_sql("read", warehouse), name=Parameter("STRING", name)))
    )


def _plain(text: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in text)


def _sql(verb: str, warehouse: Warehouse) -> Sql:
    return template(__file__, f"lease_{verb}", leases=warehouse.table("leases"))
