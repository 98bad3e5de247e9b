"""The delivery ledger in BigQuery: append-only entries; what counts is computed from them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from common.bigquery.leases.lease import table_of
from common.bigquery.sql import Parameter, Sql, identifier, join, template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.model.run_status import DONE, FINISHED
from common.untyped import Row
from functions.export.contract.base import Destination
from functions.export.ledger.entries import Entry, Scope, request_record
from functions.export.ledger.outcomes import Exchange
from functions.export.ledger.protocol import Census, Today
from functions.export.payload.money import Money, remembered
from functions.export.payload.rows import columns, conversion_row
from functions.export.reconcile.delivery_state import (
    PARKED_AT_MOST,
    PARKED_FOR,
    Candidate,
    DeliveryState,
    Sent,
)

KNOWN = (
    "state reason row_hash destination_version held_op held_value held_currency held_event_time "
    "held_fingerprint held_identity held_at in_doubt_op in_doubt_value in_doubt_currency "
    "in_doubt_event_time in_doubt_fingerprint in_doubt_identity in_doubt_at in_doubt_gone "
    "is_refused_in_doubt parked_since parked_times"
).split()


SURELY_LEFT = timedelta(days=3)
"""After this no platform refuses a removal any more that it accepted and answers later."""

ERASED_FOR = timedelta(days=30)
"""For so long identifiers of who is to be forgotten are kept, to take back what was sent."""

FOR_EVER = timedelta(days=3650)


class BigQueryLedger:
    """One run's view of the ledger of one destination, account and conversion."""

    def __init__(
        self,
        warehouse: Warehouse,
        scope: Scope,
        destination: Destination[Any],
        *,
        start_date: date,
        lease: str,
    ) -> None:
        self._warehouse = warehouse
        self._scope = scope
        self._destination = destination
        self._start_date = start_date
        self._lease = lease

    def census(self) -> Census:
        """Totals that the retraction limit needs."""
        sql = self._sql("census", delivery_state=self._delivery_state(), proof=self._proof())
        bound = {
            "qualified_only": self._destination.config.qualified_only,
            "start_date": self._start_date,
        }
        [row] = self._warehouse.rows(with_parameters(sql, **self._ids(), **bound))
        return Census(row["held"], row["leaving"], row["unproved"], row["early"])

    def today(self, since: datetime) -> Today:
        """What became of rows since then."""
        sql = template(__file__, "ledger_today", attempts=self._warehouse.table("export_attempts"))
        back_to = (since - PARKED_AT_MOST).astimezone(UTC).date()
        bound = {"since": since, "back_to": back_to}
        rows = list(self._warehouse.rows(with_parameters(sql, **self._ids(), **bound)))
        refused = {
            row["reason"] or "": frozenset(row["refused"] or ())
            for row in rows
            if not row["is_taken"]
        }
        taken = [row for row in rows if row["is_taken"]]
        newest = max((row["newest"] for row in taken), default=None)
        return Today(sum(row["conversions"] for row in taken), refused, newest)

    def park(self, reasons: Sequence[str], since: datetime, now: datetime) -> None:
        """Keep what was refused since then for one of these reasons to be tried again."""
        if not reasons:
            return
        sql = template(__file__, "ledger_park", attempts=self._warehouse.table("export_attempts"))
        bound = {
            "now": now,
            "since_date": since.astimezone(UTC).date(),
            "run_id": self._scope.run_id,
            "fence": self._scope.fence,
            "reasons": Parameter("ARRAY<STRING>", sorted(reasons)),
        }
        self._warehouse.execute(with_parameters(sql, **self._ids(), **bound))

    def candidates(self, now: datetime, limit: int | None = None) -> Iterator[Candidate]:
        """Conversions that may need something, in a stable order."""
        sql = self._sql(
            "candidates",
            delivery_state=self._delivery_state(),
            proof=self._proof(),
            members=self._members(),
            columns=_selected(),
            known=_known(),
            limit=f"LIMIT {limit}" if limit else "",
        )
        again = self._destination.joins_again_after(self._scope.conversion)
        bound = {
            "start_date": self._start_date,
            "version": self._scope.version,
            "payload_version": self._scope.payload_version,
            "parked_before": now - PARKED_FOR,
            "joined_before": now - (again or FOR_EVER),
            "restate_all": self._destination.config.restate_on_version_change,
        }
        rows = self._warehouse.rows(with_parameters(sql, **self._ids(), **bound))
        return (candidate(row) for row in rows)

    def in_doubt(self) -> Iterator[Candidate]:
        """Conversions of which a person is to say whether the platform has them."""
        sql = template(
            __file__, "ledger_in_doubt", delivery_state=self._delivery_state(), known=_known()
        )
        rows = self._warehouse.rows(with_parameters(sql, **self._ids()))
        return (candidate(row) for row in rows)

    def append(self, entries: Sequence[Entry], *, only_as_holder: bool) -> bool:
        """Write entries down; False when another run holds the lease by now."""
        if not entries:
            return True
        sql = template(
            __file__,
            "ledger_append",
            attempts=self._warehouse.table("export_attempts"),
            leases=self._warehouse.table(table_of(self._lease)),
        )
        texts = [json.dumps(entry.record(self._scope)) for entry in entries]
        # INSERT and no load: loads end at 1,500 a day for each table (BigQuery quotas)
        done = self._warehouse.execute(
            with_parameters(
                sql,
                entries=Parameter("ARRAY<STRING>", texts),
                lease=self._lease if only_as_holder else "",
                fence=self._scope.fence,
            ),
            job_id=_job_id(self._scope.run_id, entries, only_as_holder),
        )
        return done.affected_rows != 0

    def append_requests(self, exchanges: Sequence[Exchange], now: datetime) -> None:
        """Write requests down."""
        self._warehouse.append(
            "export_requests",
            [request_record(each, self._scope, self._destination, now) for each in exchanges],
        )

    def append_members(self, members: Sequence[tuple[str, str]], now: datetime) -> None:
        """Write down what the platform will know people by: conversion id and identifier."""
        if members:
            common = {"date": now.astimezone(UTC).date(), "recorded_at": now, **self._ids()}
            self._warehouse.append(
                "audience_members",
                [
                    {**common, "conversion_id": id, "identifiers": identifiers}
                    for id, identifiers in members
                ],
            )

    def drop_members(self, members: Sequence[tuple[str, str, str]]) -> None:
        """Forget identifiers that the platform no longer knows these conversions by: conversion id,
        identifier, and the request that took it out, which the platform may still refuse. Nothing
        happens when another run holds the lease by now."""
        later = self._destination.capabilities.asynchronous
        departed = [each for each in members if later and each[2]]
        dropped = [each for each in members if not (later and each[2])]
        leases = self._warehouse.table(table_of(self._lease))
        gone = template(__file__, "ledger_gone", leases=leases)
        for name, each in (("drop", dropped), ("leave", departed)):
            if not each:
                continue
            known = self._warehouse.table("audience_members")
            sql = template(__file__, f"ledger_{name}", members=known, gone=gone)
            bound = {
                "gone": [json.dumps(member) for member in each],
                "lease": self._lease,
                "fence": self._scope.fence,
            }
            self._warehouse.execute(with_parameters(sql, **self._ids(), **bound))

    def rejoin(self, identifiers: Sequence[str], now: datetime) -> None:
        """Ask again for every conversion of the list that holds one of these identifiers."""
        if not identifiers:
            return
        attempts = self._warehouse.table("export_attempts")
        sql = template(__file__, "ledger_rejoin", attempts=attempts, members=self._members())
        bound = {
            "now": now,
            "run_id": self._scope.run_id,
            "fence": self._scope.fence,
            "removed": sorted(identifiers),
        }
        self._warehouse.execute(with_parameters(sql, **self._ids(), **bound))

    def forget_members(self, now: datetime) -> None:
        """Delete what the platform knew people by who surely have left, whom nothing can be taken
        back of any more, or who asked to be forgotten a month ago."""
        sql = template(
            __file__,
            "ledger_forget",
            members=self._warehouse.table("audience_members"),
            delivery_state=self._delivery_state(),
        )
        # an audience has no such window: its members are kept until they leave
        within = self._destination.adjusts_within or FOR_EVER
        asynchronous = self._destination.capabilities.asynchronous
        bound = {
            "left_before": now - SURELY_LEFT if asynchronous else now,
            "kept_since": now - within - SURELY_LEFT,
            "erased_before": now - ERASED_FOR,
        }
        self._warehouse.execute(with_parameters(sql, **self._ids(), **bound))

    def request_again(
        self, start_date: date, end_date: date, now: datetime, *, lost: bool
    ) -> int | None:
        """Ask for every conversion of these days again, once for this run; how many that are.

        `lost` says that the platform holds none of them any more.
        """
        sql = template(
            __file__,
            "ledger_replay",
            attempts=self._warehouse.table("export_attempts"),
            conversions=self._conversions(),
        )
        scope = self._scope
        bound = {
            "now": now,
            "run_id": scope.run_id,
            "fence": scope.fence,
            "state": "absent" if lost else "requested",
            "version": scope.version,
            "payload_version": scope.payload_version,
            "start_date": start_date,
            "end_date": end_date,
        }
        return self._warehouse.execute(with_parameters(sql, **self._ids(), **bound)).affected_rows

    def _delivery_state(self) -> Sql:
        attempts = self._warehouse.table("export_attempts")
        return template(__file__, "ledger_delivery_state", attempts=attempts)

    def _proof(self) -> Sql:
        proof = template(__file__, "ledger_proof", runs=self._warehouse.table("runs"))
        return with_parameters(proof, done=list(DONE), finished=list(FINISHED))

    def _members(self) -> Sql:
        return template(
            __file__,
            "ledger_members",
            members=self._warehouse.table("audience_members"),
            attempts=self._warehouse.table("export_attempts"),
        )

    def _sql(self, name: str, **slots: Sql | str) -> Sql:
        return template(__file__, f"ledger_{name}", conversions=self._conversions(), **slots)

    def _conversions(self) -> Sql:
        return self._warehouse.table(f"conversion_{self._scope.conversion}")

    def _ids(self) -> dict[str, str]:
        return {
            "destination": self._scope.destination,
            "account": self._scope.account,
            "conversion": self._scope.conversion,
        }


class LeavingLedger(BigQueryLedger):
    """The ledger of a list that a conversion fills no more: whoever it put there is to leave, or,
    unless `everybody`, whoever asked to be forgotten."""

    def __init__(
        self,
        warehouse: Warehouse,
        scope: Scope,
        destination: Destination[Any],
        *,
        lease: str,
        everybody: bool,
    ) -> None:
        super().__init__(warehouse, scope, destination, start_date=date.min, lease=lease)
        self._everybody = everybody

    def candidates(self, now: datetime, limit: int | None = None) -> Iterator[Candidate]:
        sql = template(
            __file__,
            "ledger_leaving",
            delivery_state=self._delivery_state(),
            members=self._members(),
            known=_known(),
            limit=f"LIMIT {limit}" if limit else "",
        )
        bound = {"now": now, "parked_before": now - PARKED_FOR, "everybody": self._everybody}
        rows = self._warehouse.rows(with_parameters(sql, **self._ids(), **bound))
        return (candidate(row) for row in rows)


def _job_id(run_id: str, entries: Sequence[Entry], only_as_holder: bool) -> str:
    """The same for the same write, so that a repeated one is not written twice."""
    mode = "held" if only_as_holder else "anyway"
    return f"export_{run_id}_{entries[0].seq}_{entries[-1].seq}_{mode}"


def candidate(record: Row) -> Candidate:
    """The candidate that one row of ledger_candidates.sql describes."""
    delivery_state = DeliveryState(
        state=record["known_state"],
        reason=record["known_reason"],
        row_hash=record["known_row_hash"],
        version=record["known_destination_version"],
        held=_sent(record, "held"),
        in_doubt=_sent(record, "in_doubt"),
        in_doubt_gone=bool(record["known_in_doubt_gone"]),
        refused_in_doubt=bool(record["known_is_refused_in_doubt"]),
        parked_since=record["known_parked_since"],
        parked_times=record["known_parked_times"] or 0,
    )
    members = tuple(record.get("known_members") or ())
    claims = tuple(record.get("known_claims") or ())
    if record["row_missing"]:
        gone_at, day = record["gone_at"], record["row_date"]
        return Candidate(record["row_id"], delivery_state, None, gone_at, day, members, claims)
    row = conversion_row({**record, "id": record["row_id"], "date": record["row_date"]})
    return Candidate(row.id, delivery_state, row, members=members, claims=claims)


def _sent(record: Row, which: str) -> Sent | None:
    part = {name: record[f"known_{which}_{name}"] for name in _PARTS}
    if part["op"] is None:
        return None
    return Sent(
        op=part["op"],
        money=_money(part["value"], part["currency"]),
        occurred=part["event_time"],
        fingerprint=part["fingerprint"],
        identity=json.loads(part["identity"] or "{}"),
        at=part["at"],
    )


_PARTS = ("op", "value", "currency", "event_time", "fingerprint", "identity", "at")


def _money(value: float | None, currency: str | None) -> Money | None:
    return None if value is None or currency is None else remembered(value, currency)


def _selected() -> Sql:
    names = [name for name in columns() if name not in ("id", "date", "is_qualified")]
    return join(",\n  ", [Sql(f"conversion.{identifier(name)}") for name in names])


def _known() -> Sql:
    return join(",\n  ", [Sql(f"delivery_state.{name} AS known_{name}") for name in KNOWN])
