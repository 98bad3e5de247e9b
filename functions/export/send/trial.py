"""One made-up conversion, marked as a test: whether it arrives, before any real one leaves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from common.errors import UserError
from functions.export.contract.base import Built, Intent, Rejected, Trial
from functions.export.payload.rows import ConversionRow
from functions.export.reconcile.delivery_state import dedup_key
from functions.export.reconcile.eligibility import Unwanted, judge
from functions.export.services import Connection
from functions.export.transport.calls import Request
from functions.export.transport.results import WORDS, Accepted, Result, Word


@dataclass(frozen=True)
class Tried:
    """What was sent and what the platform said of it."""

    trial: Trial
    request: Request
    result: Result

    @property
    def verdict(self) -> Word:
        """The result in a word; an acceptance that names the row as bad is a refusal."""
        bad = isinstance(self.result, Accepted) and bool(self.result.failures)
        return "refused" if bad else WORDS[type(self.result)]

    @property
    def reason(self) -> str:
        """The platform's own code; empty when it was accepted."""
        if isinstance(self.result, Accepted):
            return next(iter(self.result.failures.values()), "")
        return self.result.reason


def try_out(found: Connection, conversion: str, code: str) -> Tried:
    """Send one made-up conversion as a test; nothing is written into the ledger.

    Raises UserError where the platform knows no test conversions, where it needs a code, or where
    the destination is set so that it would not send this conversion either.
    """
    services, destination = found.services, found.destination
    found.scope(conversion, "test", 0)
    trial = _allowed(found, code)
    now = services.clock.now()
    row = sample(f"test-{services.new_id()}", now, found)
    built = _built(found, conversion, row)
    request = destination.trial_request(conversion, built, code)
    reply = destination.send(request, services.wire)
    return Tried(trial, request, destination.trial_verdict(reply, built, now))


def sample(id: str, now: datetime, found: Connection) -> ConversionRow:
    """A conversion of nobody: addresses and numbers that are reserved for examples (RFC 2606, RFC
    5737), worth 1 or the least that the destination sends."""
    # no platform takes an event of the future, and clocks differ
    created = now - timedelta(minutes=1)
    return ConversionRow(
        id=id,
        created=created,
        date=created.date(),
        client_id="1000000000.1700000000",
        value=max(1.0, found.destination.config.minimum_value or 0.0),
        value_kind="predicted" if found.destination.config.value == "predicted" else "actual",
        currency=found.services.settings.currency,
        is_qualified=True,
        updated_at=created,
        page_location="https://example.com/test",
        user_agent="Mozilla/5.0 (test conversion)",
        ip_address="192.0.2.1",
        email="test.conversion@example.com",
        order_id=id,
        consent_ad_user_data="granted",
        consent_ad_personalization="granted",
    )


def _allowed(found: Connection, code: str) -> Trial:
    trial = found.destination.capabilities.trial
    if trial is None:
        raise UserError(
            "This platform knows no test conversions.",
            code="no_test_conversions",
            fix="Look at the dry run, and check the destination.",
        )
    if trial.needs_code and not code:
        raise UserError(
            "This platform shows test conversions only to whoever gives their code.",
            code="test_event_code_required",
            fix="Copy the code from the platform's page for test events.",
            field="test_event_code",
        )
    return trial


def _built(found: Connection, conversion: str, row: ConversionRow) -> Built:
    destination = found.destination
    audience = destination.capabilities.audience
    currency = found.services.settings.currency
    wanted = judge(row, destination.config, currency, audience=audience)
    if isinstance(wanted, Unwanted):
        raise _not_sent(wanted.reason)
    intent = Intent(
        "create",
        dedup_key(conversion, row.id),
        wanted.money,
        row.created,
        row.created,
        wanted.consent,
        wanted.with_person,
    )
    built = destination.build(conversion, row, intent)
    if isinstance(built, Rejected):
        raise _not_sent(built.reason)
    return built


def _not_sent(reason: str) -> UserError:
    return UserError(
        f"This destination would not send the test conversion either: {reason}.",
        code="test_not_sent",
        fix="It has e-mail address, browser and page of an example and everybody's consent; see "
        "which setting leaves nothing of that.",
    )
