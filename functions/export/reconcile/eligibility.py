"""Which conversions a destination should hold, and with what consent and value. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from functions.export.contract.base import Consent
from functions.export.contract.config import Choice, DestinationConfig
from functions.export.payload import countries
from functions.export.payload.money import Money, is_currency, money
from functions.export.payload.rows import ConversionRow

LARGEST = 1e15
"""Above this a float has no cents; no conversion is worth it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The platform should hold the conversion, with this money and consent."""

    money: Money | None
    consent: Consent
    with_person: bool


@dataclass(frozen=True, slots=True)
class Unwanted:
    """It should not, or may not. `undo` says whether to take it back where it was sent."""

    reason: str
    undo: bool = False


def judge(
    row: ConversionRow, target: DestinationConfig, project_currency: str, *, audience: bool = False
) -> Wanted | Unwanted:
    """Whether the destination should hold this row. Age is not judged here: it depends on what
    was sent before. An audience is for personalized ads, and nobody stays in it against consent."""
    if target.qualified_only and not row.is_qualified:
        # not yet known is no reason to take back what was sent
        return Unwanted("not_qualified", undo=row.is_qualified is False)
    consent = consent_of(row, target)
    if audience and not (consent.user_data and consent.personalization):
        return Unwanted("no_consent", undo=True)
    if not consent.user_data and target.when_denied == "skip":
        # consent that is withdrawn covers what comes; nothing more about the person is sent
        return Unwanted("no_consent")
    worth = worth_of(row, target, project_currency)
    if isinstance(worth, Unwanted):
        if not audience or target.minimum_value is not None:
            return worth
        # an audience is sent no value, so a bad one keeps nobody out
        worth = None
    if target.minimum_value is not None and (worth is None or float(worth) < target.minimum_value):
        return Unwanted("below_minimum_value", undo=True)
    return Wanted(worth, consent, consent.user_data and target.send_user_data)


def consent_of(row: ConversionRow, target: DestinationConfig) -> Consent:
    """The row's own consent, or the destination's default for where the person is."""
    eea = countries.code(row.country) in countries.EEA_LIKE
    default = target.eea_default_consent if eea else target.default_consent
    return Consent(
        user_data=_granted(row.consent_ad_user_data, default),
        personalization=_granted(row.consent_ad_personalization, default),
    )


def worth_of(
    row: ConversionRow, target: DestinationConfig, project_currency: str
) -> Money | Unwanted | None:
    """The value to send, None for no value, or why the value forbids sending."""
    if row.value is None or not _sends(target, row.value_kind):
        return None
    currency = (row.currency or project_currency).upper()
    if not is_currency(currency):
        return Unwanted("unknown_currency")
    if not math.isfinite(row.value) or row.value > LARGEST:
        return Unwanted("invalid_value")
    if row.value < 0:
        return Unwanted("negative_value")
    return money(row.value, currency)


def _granted(given: str | None, default: Choice) -> bool:
    return (given if given in ("granted", "denied") else default) == "granted"


def _sends(target: DestinationConfig, value_kind: str | None) -> bool:
    match target.value:
        case "any":
            return True
        case "none":
            return False
        case "actual":
            return value_kind in ("actual", "manual", "normalized")
        case "predicted":
            return value_kind == "predicted"
