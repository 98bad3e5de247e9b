"""What to do about one conversion at one destination: desired state against what was acknowledged.

Pure: the same row, delivery state and time give the same decision, so a dry run shows what a run
does.

| platform is known to hold | the row now                | decision                               |
|---------------------------|----------------------------|----------------------------------------|
| nothing                   | wanted, young enough       | create                                 |
| nothing                   | wanted, too old            | expired, once                          |
| the same                  | unchanged                  | nothing                                |
| another value             | changed inside the window  | restate under the same key             |
| another value             | platform adjusts nothing   | unsupported change, once               |
| a conversion              | gone or no longer wanted   | retract, or unsupported change         |
| what was taken back       | wanted again               | restate to its value                   |
| nobody knows              | whatever                   | same key again inside the platform's   |
|                           |                            | memory, a person's review outside it   |
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from common.untyped import JsonObject
from functions.export.contract.base import Built, Destination, Intent, Op, Rejected
from functions.export.contract.config import DestinationConfig
from functions.export.payload.money import Money, zero
from functions.export.payload.rows import ConversionRow
from functions.export.reconcile.delivery_state import (
    OPEN,
    Candidate,
    DeliveryState,
    Sent,
    State,
    as_sent,
    consent_sent,
    dedup_key,
)
from functions.export.reconcile.eligibility import Unwanted, Wanted, consent_of, judge
from functions.export.reconcile.membership import identifiers_claimed

TRUSTED = 0.8
"""Share of its promised memory for which a platform is trusted to know a key: clocks differ."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for a whole run."""

    conversion: str
    version: int
    currency: str
    now: datetime


class Deliver(NamedTuple):
    """Send this. `row_hash` is the row's when the payload says what the row says, else None, so
    that the row is looked at again."""

    intent: Intent
    built: Built
    row: ConversionRow
    row_hash: int | None = None
    before: Built | None = None
    """What must be taken out of an audience first: identifiers that the person no longer has."""
    dropped: tuple[str, ...] = ()
    """Those identifiers."""


@dataclass(frozen=True, slots=True)
class Note:
    """Send nothing and write down why, once."""

    state: State
    reason: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing to send and nothing to write."""

    reason: str


Decision = Deliver | Note | Nothing


def reconcile(candidate: Candidate, destination: Destination[Any], terms: Terms) -> Decision:
    """The decision of the table above for one conversion."""
    decision = _decide(candidate, destination, terms)
    if isinstance(decision, Deliver):
        return decision
    open = candidate.delivery_state.state in OPEN or candidate.delivery_state.state == "parked"
    if open and decision == Nothing("unchanged"):
        # an open entry needs a closing one, or each run looks at the row again
        decision = Note("skipped", "unchanged")
    return decision if _is_news(decision, candidate, terms) else Nothing("known")


def _decide(candidate: Candidate, destination: Destination[Any], terms: Terms) -> Decision:
    if candidate.row is None:
        return _gone(candidate, destination, terms)
    row, delivery_state = candidate.row, candidate.delivery_state
    if row.is_preliminary:
        # the daily table may still change or drop it, and platforms forget nothing
        return Nothing("preliminary")
    audience = destination.capabilities.audience
    wanted = judge(row, destination.config, terms.currency, audience=audience)
    if isinstance(wanted, Unwanted):
        return _unwanted(candidate, row, wanted, destination, terms)
    if delivery_state.in_doubt and not (
        delivery_state.held and not destination.capabilities.adjusts
    ):
        return _resolve(candidate, row, delivery_state.in_doubt, wanted, destination, terms)
    if delivery_state.held and delivery_state.holding:
        return _adjust(candidate, row, delivery_state.held, wanted, destination, terms)
    if delivery_state.held:
        return _restore(candidate, row, delivery_state.held, wanted, destination, terms)
    return _create(row, wanted, destination, terms)


def _create(
    row: ConversionRow, wanted: Wanted, destination: Destination[Any], terms: Terms
) -> Decision:
    if row.created > terms.now + destination.capabilities.future_skew:
        return Nothing("not_yet")
    # before the click: an old row is refused whatever it is known by
    if _expired(row, destination, terms):
        return Note("expired", "too_old")
    if fault := destination.click_fault(row, terms.now):
        # the platform refuses the click; who converted may be enough without it
        no_click: JsonObject = dict.fromkeys(destination.clicks)
        unclicked = replace(row, **no_click)
        late = _deliver("create", unclicked, wanted, wanted.money, row.created, destination, terms)
        return late if isinstance(late, Deliver) else Note("expired", fault)
    return _deliver("create", row, wanted, wanted.money, row.created, destination, terms)


def _resolve(
    candidate: Candidate,
    row: ConversionRow,
    in_doubt: Sent,
    wanted: Wanted,
    destination: Destination[Any],
    terms: Terms,
) -> Decision:
    """Send what is in doubt once more under its key, while the platform would notice."""
    delivery_state = candidate.delivery_state
    if _refused_in_doubt(row, delivery_state, terms):
        return Note("ambiguous", "refused_later_in_doubt")
    if not _remembered(in_doubt, destination, terms):
        return Note("ambiguous", "dedup_window_passed")
    if delivery_state.held and not delivery_state.holding and not destination.capabilities.restores:
        return Note("unsupported_change", "taken_back_for_good")
    if (
        delivery_state.held is None
        and delivery_state.in_doubt_gone
        and not destination.capabilities.restores
    ):
        # what was taken back stays away, and the platform would still accept its key
        return Note("ambiguous", "taken_back_in_doubt")
    if delivery_state.held is None and _expired(row, destination, terms):
        return Note("ambiguous", "too_old_in_doubt")
    # a conversion that is held, or was, is adjusted: a second create would count it again
    op: Op = "restate" if delivery_state.held or in_doubt.op != "create" else "create"
    money, occurred = wanted.money, (delivery_state.held or in_doubt).occurred
    if op == "create" and destination.capabilities.repeats != "replaces":
        # the platform may have kept the first one, so the second must say the same
        money = in_doubt.money
    # by another click id the platform would take it for another conversion
    known = as_sent(row, in_doubt, destination.clicks)
    if op == "create" and destination.click_fault(known, terms.now) == "click_too_old":
        # refused by now, which says nothing of the first copy
        return Note("ambiguous", "click_too_old_in_doubt")
    decision = _deliver(op, known, wanted, money, occurred, destination, terms, candidate.members)
    if isinstance(decision, Deliver) and money != wanted.money:
        return decision._replace(row_hash=None)
    return decision


def _adjust(
    candidate: Candidate,
    row: ConversionRow,
    held: Sent,
    wanted: Wanted,
    destination: Destination[Any],
    terms: Terms,
) -> Decision:
    can, delivery_state = destination.capabilities, candidate.delivery_state
    again = delivery_state.state == "requested" or _ends_soon(held, destination, terms)
    # where the first event wins or each counts, sending it again changes nothing or counts twice
    if again and can.repeats != "replaces":
        return Note("skipped", "already_accepted")
    worth = held.money if _unmoved(row, held.money, wanted.money, destination) else wanted.money
    if worth == held.money and can.repeats != "replaces":
        return Nothing("unchanged")
    # an audience is told of people and not of values
    if worth is None and held.money is not None and not can.audience:
        return Note("unsupported_change", "value_removed")
    if "restate" not in can.adjusts:
        return Note("unsupported_change", "value_changed")
    same = as_sent(row, held, destination.clicks)
    decision = _deliver(
        "restate", same, wanted, worth, held.occurred, destination, terms, candidate.members
    )
    if (
        isinstance(decision, Deliver)
        and not again
        and not _outdated(decision, candidate, destination)
        and _same(decision, held, delivery_state, destination)
    ):
        return Nothing("unchanged")
    if not _adjustable(held, destination, terms):
        return Note("unsupported_change", "adjustment_window_passed")
    return decision


def _restore(
    candidate: Candidate,
    row: ConversionRow,
    held: Sent,
    wanted: Wanted,
    destination: Destination[Any],
    terms: Terms,
) -> Decision:
    if not destination.capabilities.restores:
        return Note("unsupported_change", "taken_back_for_good")
    if not _adjustable(held, destination, terms):
        return Note("unsupported_change", "adjustment_window_passed")
    same = as_sent(row, held, destination.clicks)
    money, members = wanted.money, candidate.members
    return _deliver("restate", same, wanted, money, held.occurred, destination, terms, members)


def _unwanted(
    candidate: Candidate,
    row: ConversionRow,
    unwanted: Unwanted,
    destination: Destination[Any],
    terms: Terms,
) -> Decision:
    delivery_state = candidate.delivery_state
    if not (delivery_state.holding or delivery_state.in_doubt):
        return Note("skipped", unwanted.reason)
    if not unwanted.undo:
        return Nothing(unwanted.reason)
    return _retract(candidate, row, unwanted.reason, destination, terms)


def _gone(candidate: Candidate, destination: Destination[Any], terms: Terms) -> Decision:
    """A row that is missing counts as gone only when a run of its table proves it."""
    delivery_state = candidate.delivery_state
    sent = delivery_state.held or delivery_state.in_doubt
    if sent is None or not (delivery_state.holding or delivery_state.in_doubt):
        return Note("skipped", "gone")
    if candidate.gone_at is None:
        return Nothing("unproved")
    row = ConversionRow(
        candidate.conversion_id, sent.occurred, sent.occurred.date(), updated_at=candidate.gone_at
    )
    return _retract(candidate, row, "gone", destination, terms)


def _retract(
    candidate: Candidate,
    row: ConversionRow,
    reason: str,
    destination: Destination[Any],
    terms: Terms,
) -> Decision:
    delivery_state = candidate.delivery_state
    sent = delivery_state.held or delivery_state.in_doubt
    assert sent is not None
    in_doubt = delivery_state.held is None
    if "retract" not in destination.capabilities.adjusts:
        return Note("ambiguous" if in_doubt else "unsupported_change", reason)
    if _refused_in_doubt(row, delivery_state, terms):
        return Note("ambiguous", "refused_later_in_doubt")
    if delivery_state.in_doubt and not _remembered(delivery_state.in_doubt, destination, terms):
        return Note("ambiguous", "dedup_window_passed")
    if not _adjustable(sent, destination, terms):
        return Note("unsupported_change", "adjustment_window_passed")
    nothing = zero(sent.money.currency) if sent.money else None
    person = may_name(row, destination)
    wanted = Wanted(nothing, consent_sent(sent), with_person=person)
    known = as_sent(row, sent, destination.clicks)
    decision = _deliver(
        "retract",
        known,
        wanted,
        nothing,
        sent.occurred,
        destination,
        terms,
        candidate.members,
        identifiers_claimed(candidate),
    )
    if isinstance(decision, Note):
        return Note("unsupported_change", decision.reason)
    return decision


def _deliver(
    op: Op,
    row: ConversionRow,
    wanted: Wanted,
    money: Money | None,
    occurred: datetime,
    destination: Destination[Any],
    terms: Terms,
    members: tuple[str, ...] = (),
    claimed: frozenset[str] = frozenset(),
) -> Deliver | Note:
    # by position: names cost as much again, for each row
    intent = Intent(
        op,
        dedup_key(terms.conversion, row.id),
        money,
        occurred,
        row.updated_at or row.created,
        wanted.consent,
        wanted.with_person,
        members,
        claimed,
    )
    built = destination.build(terms.conversion, row, intent)
    if isinstance(built, Rejected):
        state: State = "skipped" if built.reason == "no_identifier" else "rejected"
        return Note(state, f"{built.reason}:{built.field}" if built.field else built.reason)
    return Deliver(intent, built, row, row.row_hash)


def may_name(row: ConversionRow, destination: Destination[Any]) -> bool:
    """Whether taking back may point at the person; leaving an audience has to."""
    config: DestinationConfig = destination.config
    consent = consent_of(row, config)
    return destination.capabilities.audience or (consent.user_data and config.send_user_data)


def _unmoved(
    row: ConversionRow, old: Money | None, new: Money | None, destination: Destination[Any]
) -> bool:
    """Whether a prediction moved too little to be worth a restatement."""
    if row.value_kind != "predicted" or not (old and new) or old.currency != new.currency:
        return False
    config: DestinationConfig = destination.config
    change = abs(float(new) - float(old))
    return change < config.restate_min_amount or change < config.restate_min_share * float(old)


def _same(
    decision: Deliver, held: Sent, delivery_state: DeliveryState, destination: Destination[Any]
) -> bool:
    """Whether the platform holds this payload already. A new mapping of an unchanged row is no
    change, unless the destination asks for it."""
    if decision.built.fingerprint == held.fingerprint:
        return True
    if destination.config.restate_on_version_change or decision.intent.money != held.money:
        return False
    return decision.row_hash is not None and decision.row_hash == delivery_state.row_hash


def _outdated(decision: Deliver, candidate: Candidate, destination: Destination[Any]) -> bool:
    """Whether an audience knows the person by something that they no longer have."""
    audience = destination.capabilities.audience
    return audience and not set(candidate.members) <= set(decision.built.members)


def _ends_soon(held: Sent, destination: Destination[Any], terms: Terms) -> bool:
    """Whether a membership has to be renewed."""
    within = destination.joins_again_after(terms.conversion)
    return within is not None and terms.now - held.at > within


def _expired(row: ConversionRow, destination: Destination[Any], terms: Terms) -> bool:
    limit = destination.age_limit(row)
    return limit is not None and terms.now - row.created > limit


def _adjustable(sent: Sent, destination: Destination[Any], terms: Terms) -> bool:
    within = destination.adjusts_within
    return within is None or terms.now - sent.occurred <= within


def _refused_in_doubt(row: ConversionRow, delivery_state: DeliveryState, terms: Terms) -> bool:
    """Whether only a person can end the doubt: what this row comes to was refused for good, and of
    another payload sent before it nobody knows. A saved destination is a reason to try again."""
    unchanged = (row.row_hash, terms.version) == (delivery_state.row_hash, delivery_state.version)
    return delivery_state.refused_in_doubt and unchanged


def _remembered(in_doubt: Sent, destination: Destination[Any], terms: Terms) -> bool:
    """Whether the platform would still recognize the key of that attempt."""
    window = destination.capabilities.dedup_window
    return window is None or (bool(window) and terms.now - in_doubt.at < window * TRUSTED)


def _is_news(decision: Decision, candidate: Candidate, terms: Terms) -> bool:
    if not isinstance(decision, Note):
        return True
    delivery_state = candidate.delivery_state
    row_hash = candidate.row.row_hash if candidate.row else None
    return (decision.state, decision.reason, row_hash, terms.version) != (
        delivery_state.state,
        delivery_state.reason,
        delivery_state.row_hash,
        delivery_state.version,
    )
