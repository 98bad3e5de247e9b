"""Which conversions a destination should hold, and with what consent and value. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from common.model import consent as spelled
from common.model import event_source
from functions.export.contract.base import Consent
from functions.export.contract.config import Choice, DestinationConfig
from functions.export.payload import countries, identifiers
from functions.export.payload.money import Money, is_currency, money
from functions.export.payload.rows import ConversionRow

VALUE_KINDS = frozenset("actual manual predicted normalized none".split())

LARGEST = 1e15
"""Above this a float has no cents; no conversion is worth it."""


class Wanted(NamedTuple):
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
    row: ConversionRow, config: DestinationConfig, project_currency: str, *, audience: bool = False
) -> Wanted | Unwanted:
    """Whether the destination should hold this row. Age is not judged here: it depends on what
    was sent before. An audience is for personalized ads, and nobody stays in it against consent."""
    if config.qualified_only and not row.is_qualified:
        # not yet known is no reason to take back what was sent
        return Unwanted("not_qualified", undo=row.is_qualified is False)
    if event_source.read(row.event_source) == "unknown":
        # the destination's own source would be a guess
        return Unwanted("unknown_event_source")
    consent = consent_of(row, config)
    if audience and not (consent.user_data and consent.personalization):
        return Unwanted("no_consent", undo=True)
    if not consent.user_data and config.when_denied == "skip":
        # consent that is withdrawn covers what comes; nothing more about the person is sent
        return Unwanted("no_consent")
    worth = worth_of(row, config, project_currency)
    if isinstance(worth, Unwanted):
        if not audience or config.minimum_value is not None:
            return worth
        # an audience is sent no value, so a bad one keeps nobody out
        worth = None
    if config.minimum_value is not None and (worth is None or float(worth) < config.minimum_value):
        return Unwanted("below_minimum_value", undo=True)
    return Wanted(worth, consent, consent.user_data and config.send_user_data)


def consent_of(row: ConversionRow, config: DestinationConfig) -> Consent:
    """The row's own consent, or the destination's default for where the person is."""
    # the law of a US state outweighs whatever a banner said
    if row.opted_out:
        return Consent(user_data=False, personalization=False)
    denied, granted = _consents(row.consent_ad_user_data, row.consent_ad_personalization)
    # the two differ where something is left unsaid
    return denied if denied is granted or _default(row, config) == "denied" else granted


def unknown_values(row: ConversionRow) -> list[str]:
    """Columns of the row that hold a word of no list; each counts as the strictest one."""
    unknown = [name for name in spelled.COLUMNS if _consent_in(getattr(row, name)) == "unknown"]
    if event_source.read(row.event_source) == "unknown":
        unknown.append("event_source")
    if row.value_kind is not None and row.value_kind not in VALUE_KINDS:
        unknown.append("value_kind")
    return unknown


def worth_of(
    row: ConversionRow, config: DestinationConfig, project_currency: str
) -> Money | Unwanted | None:
    """The value to send, None for no value, or why the value forbids sending."""
    if row.value is None or not _sends(config, row.value_kind):
        return None
    currency = (row.currency or project_currency).strip().upper()
    value: float | None = row.value
    elsewhere = config.value_currency == "project" and currency != project_currency
    if elsewhere and is_currency(currency):
        value, currency = row.value_project, project_currency
    return Unwanted("no_exchange_rate") if value is None else _amount(value, currency)


@lru_cache(maxsize=4096)
def _amount(value: float, currency: str) -> Money | Unwanted:
    """The amount, which many rows share, or what is wrong with it."""
    if not is_currency(currency):
        return Unwanted("unknown_currency")
    if not math.isfinite(value) or value > LARGEST:
        return Unwanted("invalid_value")
    if value < 0:
        return Unwanted("negative_value")
    return money(value, currency)


def _default(row: ConversionRow, config: DestinationConfig) -> Choice:
    """The consent to assume; a country that nobody knows may lie in the EEA."""
    country = countries.code(row.country)
    if country is None and not identifiers.stands_for_nothing(row.country):
        both = (config.default_consent, config.eea_default_consent)
        return "denied" if "denied" in both else "granted"
    eea = country in countries.EEA_LIKE
    return config.eea_default_consent if eea else config.default_consent


@lru_cache(maxsize=256)
def _consent_in(text: str | None) -> spelled.Consent:
    """What the text says; the same few words come with every row."""
    return spelled.read(text)


@lru_cache(maxsize=1024)
def _consents(user_data: str | None, personalization: str | None) -> tuple[Consent, Consent]:
    """What the two texts say where the default is a denial, and where it is none; one and the same
    where both are said. A person's two words are among few pairs."""
    read = (_consent_in(user_data), _consent_in(personalization))
    denied = Consent(*(_granted(each, "denied") for each in read))
    granted = Consent(*(_granted(each, "granted") for each in read))
    return denied, denied if denied == granted else granted


def _granted(read: spelled.Consent, default: Choice) -> bool:
    """Whether what was read grants; a spelling that nobody listed is a denial."""
    return read == "granted" or (read == "unset" and default == "granted")


def _sends(config: DestinationConfig, value_kind: str | None) -> bool:
    match config.value:
        case "any":
            return True
        case "none":
            return False
        case "actual":
            return value_kind in ("actual", "manual", "normalized")
        case "predicted":
            return value_kind == "predicted"
