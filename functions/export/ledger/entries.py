"""Entries of the delivery ledger, as data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from common.untyped import JsonObject, Row
from functions.export.contract.base import Destination
from functions.export.ledger.outcomes import Exchange, Outcome
from functions.export.payload.money import Money
from functions.export.reconcile.delivery_state import Candidate, Sent, State, dedup_key, identity_of
from functions.export.reconcile.reconcile import Deliver, Note

FIRST_POLL = timedelta(minutes=30)
"""Google's statuses are worth asking for after this.
Source: developers.google.com/data-manager/api/devguides/diagnostics."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One ledger: a conversion at an account of a destination, in one run."""

    destination: str
    account: str
    conversion: str
    version: int
    payload_version: int
    run_id: str
    fence: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened to one conversion."""

    conversion_id: str
    conversion_date: date | None
    state: State
    reason: str
    row_hash: int | None
    sent: Sent | None
    seq: int
    at: datetime
    request_id: str = ""

    def record(self, scope: Scope) -> JsonObject:
        """The entry as a row of export_attempts, without the server's own time."""
        sent = self.sent
        money: Money | None = sent.money if sent else None
        return {
            "date": self.at.astimezone(UTC).date().isoformat(),
            "happened_at": self.at.isoformat(),
            "destination": scope.destination,
            "account": scope.account,
            "conversion": scope.conversion,
            "conversion_id": self.conversion_id,
            "conversion_date": self.conversion_date and self.conversion_date.isoformat(),
            "dedup_key": dedup_key(scope.conversion, self.conversion_id),
            "run_id": scope.run_id,
            "fence": scope.fence,
            "seq": self.seq,
            "op": sent and sent.op,
            "state": self.state,
            "reason": self.reason or None,
            # as text, so that no JSON reader rounds it
            "row_hash": None if self.row_hash is None else str(self.row_hash),
            "destination_version": scope.version,
            "payload_version": scope.payload_version,
            "fingerprint": sent and sent.fingerprint,
            "value": float(money) if money else None,
            "currency": money.currency if money else None,
            "event_time": sent and sent.occurred.isoformat(),
            "identity": sent and json.dumps(dict(sent.identity), sort_keys=True),
            "request_id": self.request_id or None,
        }


class Scribe:
    """Numbers the entries of one run in the order in which they happened.

    `retraction` is the reason beside what was taken back as far as the platform allows it.
    """

    def __init__(self, retraction: str = "") -> None:
        self._seq = 0
        self._retraction = retraction

    def sending(
        self, candidate: Candidate, order: Deliver, kept: tuple[str, ...], at: datetime
    ) -> Entry:
        """The entry that is written before anything leaves."""
        intent = order.intent
        sent = Sent(
            op=intent.op,
            money=intent.money,
            occurred=intent.occurred,
            fingerprint=order.built.fingerprint,
            identity=identity_of(order.row, intent, kept),
            at=at,
        )
        return self._entry(candidate, "sending", "", order.row_hash, sent, at)

    def noted(self, candidate: Candidate, note: Note, at: datetime) -> Entry:
        """The entry for a decision not to send."""
        row_hash = candidate.row.row_hash if candidate.row else None
        return self._entry(candidate, note.state, note.reason, row_hash, None, at)

    def outcomes(
        self, sending: Entry, outcome: Outcome, at: datetime, *, later: bool
    ) -> list[Entry]:
        """What became of what was about to leave. With `later`, where the platform may still refuse
        what it accepted, an earlier copy in doubt comes first: its fate is another one."""
        doubts = [Outcome("unknown", outcome.doubt)] if later and outcome.doubt else []
        return [self.outcome(sending, each, at) for each in (*doubts, outcome)]

    def outcome(self, sending: Entry, outcome: Outcome, at: datetime) -> Entry:
        """What became of what was about to leave."""
        self._seq += 1
        sent = sending.sent
        taken_back = outcome.state == "accepted" and sent is not None and sent.op == "retract"
        return Entry(
            conversion_id=sending.conversion_id,
            conversion_date=sending.conversion_date,
            state=outcome.state,
            reason=outcome.reason or (self._retraction if taken_back else ""),
            row_hash=sending.row_hash,
            sent=sent,
            seq=self._seq,
            at=at,
            request_id=outcome.request_id,
        )

    def _entry(
        self,
        candidate: Candidate,
        state: State,
        reason: str,
        row_hash: int | None,
        sent: Sent | None,
        at: datetime,
    ) -> Entry:
        self._seq += 1
        row = candidate.row
        return Entry(
            conversion_id=candidate.conversion_id,
            # a row that is gone keeps the day on which runs can prove that it is
            conversion_date=row.date if row else candidate.date,
            state=state,
            reason=reason,
            row_hash=row_hash,
            sent=sent,
            seq=self._seq,
            at=at,
        )


def request_record(
    exchange: Exchange, scope: Scope, destination: Destination[Any], now: datetime
) -> Row:
    """The request as a row of export_requests; asynchronous platforms are asked again later."""
    later = exchange.state == "accepted" and destination.capabilities.asynchronous
    return {
        "date": exchange.sent_at.astimezone(UTC).date(),
        "recorded_at": now,
        "destination": scope.destination,
        "account": scope.account,
        "conversion": scope.conversion,
        "request_id": exchange.request_id,
        "run_id": scope.run_id,
        "row_count": exchange.rows,
        "body_sha256": exchange.sha256,
        "sent_at": exchange.sent_at,
        "state": exchange.state,
        "reason": exchange.reason or None,
        "polls": 0,
        "next_poll_at": exchange.sent_at + FIRST_POLL if later else None,
        "counts": None,
    }
