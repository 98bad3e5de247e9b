"""What the ledger knows of a conversion at a destination."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from common.untyped import JsonObject, Row
from functions.export.contract.base import Consent, Intent, Op
from functions.export.payload.money import Money
from functions.export.payload.rows import ConversionRow

State = Literal[
    "sending",
    "accepted",
    "retry",
    "unknown",
    "rejected",
    "parked",
    "failed",
    "expired",
    "skipped",
    "ambiguous",
    "unsupported_change",
    "requested",
    "absent",
    "erased",
]
"""`sending`: about to leave. `accepted`: positive proof. `retry`: surely not taken. `unknown`: may
have been taken. `rejected`: refused for good. `parked`: refused, and nobody knows yet whether the
row or the account is at fault; tried again each day and when the destination is saved. `failed`:
accepted, then refused. `ambiguous`: a person decides. `requested`: a replay asks for it. `absent`:
a person says it is not there. `erased`: its person is to be forgotten, which proves that it is
gone."""

OPEN: frozenset[State] = frozenset({"sending", "unknown", "retry", "requested", "absent", "erased"})
"""States that call for another look at every run."""

PARKED_FOR = timedelta(days=1)
"""After this a parked row is tried again."""

PROVED_AFTER = 3
"""After so many refusals, a day apart, a parked row that a table lists as bad is refused for good
when others were taken since the first one: an account may be wrong twice, and not each time."""

PARKED_AT_MOST = timedelta(days=14)
"""After this a row that a table lists as bad is refused for good, though nothing else was taken
that would show that the account is sound."""

A_SECOND = timedelta(seconds=1)
"""As near as the times of two changes are told apart."""

CONSENTS = ("consent_ad_user_data", "consent_ad_personalization")


@dataclass(frozen=True, slots=True)
class Sent:
    """What one attempt sent, as far as the ledger keeps it."""

    op: Op
    money: Money | None
    occurred: datetime
    fingerprint: str
    identity: Row
    """The destination's `kept` columns, and the consent that was sent along."""
    at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """What the ledger knows of a conversion. `held`: the newest proof that still counts;
    `in_doubt`: the first attempt since then of which nobody knows what became; `in_doubt_gone`:
    whether one of those attempts took the conversion back."""

    state: State | None = None
    reason: str | None = None
    row_hash: int | None = None
    version: int | None = None
    held: Sent | None = None
    in_doubt: Sent | None = None
    in_doubt_gone: bool = False
    refused_in_doubt: bool = False
    """Whether another payload than one in doubt was accepted since, and refused later."""
    parked_since: datetime | None = None
    """Since when the platform has refused it as it is, if it is parked."""
    parked_times: int = 0
    """How often it did so since then."""

    @property
    def suspect(self) -> bool:
        """Whether the platform refused it before, so that it is sent apart from all others."""
        return self.state == "parked" or bool(self.reason and self.reason.startswith("refused:"))

    @property
    def holding(self) -> bool:
        """Whether the platform is known to count the conversion."""
        return self.held is not None and self.held.op != "retract"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A conversion that may need something. `row` is None when the table no longer has it;
    `gone_at` is then when that was proved."""

    conversion_id: str
    delivery_state: DeliveryState
    row: ConversionRow | None = None
    gone_at: datetime | None = None
    date: date | None = None
    """Day of the conversion as the ledger has it, for rows that are gone."""
    members: tuple[str, ...] = ()
    """What the platform knows its person by, the latest first; see `Built.members`."""
    claims: tuple[str, ...] = ()
    """Which of those identifiers another conversion holds in the same list, and which one: both in
    one text, parted by \\x1f. Only what is still claimed is put in before a decision."""


def dedup_key(conversion: str, conversion_id: str) -> str:
    """The key that a conversion has at every platform for ever: 32 characters, never all digits."""
    # the letter in front: Google refuses ids of digits only, live though not when validating
    text = f"{conversion}\x1f{conversion_id}"
    return f"c{hashlib.sha256(text.encode()).hexdigest()[:31]}"


def as_sent(row: ConversionRow, sent: Sent, clicks: Iterable[str]) -> ConversionRow:
    """The row with the click id that was sent, or with none where none was, as of a click that the
    platform refuses: it finds the conversion by what it was sent. The row counts as changed after
    that, also where not the row is another but what the config wants of it: of two changes a
    platform heeds the later one."""
    known = {name: value for name, value in sent.identity.items() if name not in CONSENTS}
    kept: JsonObject = dict.fromkeys(clicks) | known
    return replace(row, **kept, updated_at=max(row.updated_at or row.created, sent.at + A_SECOND))


def consent_sent(sent: Sent) -> Consent:
    """The consent under which the delivery went out."""
    return Consent(*(sent.identity.get(name) != "denied" for name in CONSENTS))


def identity_of(row: ConversionRow, intent: Intent, kept: tuple[str, ...]) -> JsonObject:
    """What the ledger keeps of a delivery, so that it can be adjusted when its row is gone."""
    consent = (intent.consent.user_data, intent.consent.personalization)
    return {name: value for name in kept if (value := getattr(row, name))} | {
        name: "granted" if given else "denied"
        for name, given in zip(CONSENTS, consent, strict=True)
    }
