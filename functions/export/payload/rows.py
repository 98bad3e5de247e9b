"""A conversion as export reads it: the warehouse's row with the names that platforms need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from functools import cache
from typing import Any

from common.model import consent
from common.untyped import Row
from functions.export.payload import countries, identifiers


@dataclass(frozen=True, slots=True)
class ConversionRow:
    """One row of a conversion table; `created` is aware, money is in `currency` or unknown.

    Personal data lives here and nowhere else: in memory, while a payload is built, and as long as
    the process remembers whose name or place has which hash.
    """

    id: str
    created: datetime
    date: date
    client_id: str | None = None
    value: float | None = None
    currency: str | None = None
    value_project: float | None = None
    """The value in the project's currency; None where no rate is known."""
    is_qualified: bool | None = None
    user_id: str | None = None
    lead_id: str | None = None
    row_hash: int | None = None
    value_kind: str | None = None
    first_seen_at: datetime | None = None
    updated_at: datetime | None = None
    gclid: str | None = None
    gbraid: str | None = None
    wbraid: str | None = None
    dclid: str | None = None
    fbc: str | None = None
    fbclid: str | None = None
    fbp: str | None = None
    msclkid: str | None = None
    ttclid: str | None = None
    ttp: str | None = None
    li_fat_id: str | None = None
    click_at: datetime | None = None
    google_click_at: datetime | None = None
    meta_click_at: datetime | None = None
    microsoft_click_at: datetime | None = None
    session_id: str | None = None
    page_location: str | None = None
    user_agent: str | None = None
    ip_address: str | None = None
    country: str | None = None
    region: str | None = None
    city: str | None = None
    postal_code: str | None = None
    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    order_id: str | None = None
    event_source: str | None = None
    consent_ad_user_data: str | None = None
    consent_ad_personalization: str | None = None
    birth_date: str | None = None
    is_preliminary: bool | None = None
    """Whether GA4's daily table, which is still to come, may tell another story."""
    params: Mapping[str, str] | None = None
    """What the conversion's query tells beside its columns, as text."""
    opted_out: bool = False
    """Whether the person opted out under the law of a US state; see common.model.consent."""
    country_of_visit: bool = False
    """Whether `country` is a parameter, which may be where somebody browsed and not where they
    live."""

    def phone_country(self, default: str | None) -> str | None:
        """The country that completes a national phone number: the person's own, else the default;
        never that of a visit, which makes 17 % of such numbers somebody else's."""
        own = None if self.country_of_visit else countries.code(self.country)
        return own or default


CLICK_IDS = "gclid gbraid wbraid dclid fbclid msclkid ttclid ttp li_fat_id".split()


@cache
def columns() -> tuple[str, ...]:
    """The columns of a conversion table that export reads, besides params."""
    return tuple(field.name for field in fields(ConversionRow) if field.name not in _FROM_PARAMS)


def conversion_row(record: Row) -> ConversionRow:
    """The row of a query result; what a column leaves empty may stand in `params` instead.

    The SQL contract knows only a few columns, so a query can pass an e-mail address or a click id
    as a parameter of the same name.
    """
    values = {name: _said(name, record[name]) for name in columns()}
    texts = [*_texts(record.get("params") or ())]
    # of a name that comes twice the first one counts
    values["params"] = dict(reversed(texts)) or None
    for name, value in (values["params"] or {}).items():
        if name in _LIFTED and not values.get(name):
            values[name] = _said(name, value)
            if name == "country":
                values["country_of_visit"] = True
    # but a no is heard wherever it is said, and in whatever letters
    values["opted_out"] = any(consent.opts_out(*each) for each in texts)
    for name in consent.COLUMNS:
        also = [value for written, value in texts if _consent_named(written) == name]
        values[name] = consent.strictest([values[name], *also])
    for name in CLICK_IDS:
        values[name] = identifiers.click_id(values[name])
    values["ip_address"] = identifiers.ip_address(values["ip_address"])
    return ConversionRow(**values)


def _texts(params: Iterable[Row]) -> Iterable[tuple[str, str]]:
    return ((param["key"], param["value"]) for param in params if param["value"])


def _said(name: str, value: Any) -> Any:
    """The value, or None of a text that stands for nothing."""
    # which texts leave a consent open is for its own table to say: an unknown one is a denial
    if name in consent.COLUMNS or not isinstance(value, str):
        return value
    return None if identifiers.stands_for_nothing(value) else value


def _consent_named(written: str) -> str | None:
    """The consent of which a parameter of this name tells."""
    return _CONSENTS.get(consent.letters_of(written))


_CONSENTS = {
    consent.letters_of(written): name
    for name in consent.COLUMNS
    # Google's consent mode has the names without ours in front
    for written in (name, name.removeprefix("consent_"))
}
_FROM_PARAMS = frozenset({"birth_date", "opted_out", "country_of_visit", "params"})
_LIFTED = frozenset({"birth_date"}) | frozenset(
    """gclid gbraid wbraid dclid fbc fbclid fbp msclkid ttclid ttp li_fat_id page_location
    user_agent ip_address country region city postal_code email phone first_name last_name order_id
    event_source lead_id""".split()
)
