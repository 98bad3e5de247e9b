"""Where a conversion happened, in every spelling that a query may bring."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from common.model.consent import word

EventSource = Literal["web", "app", "store", "phone", "crm", "other", "unset", "unknown"]

SPELLINGS: dict[EventSource, frozenset[str]] = {
    "web": frozenset("web website online site browser shop web_shop webshop".split()),
    "app": frozenset("app mobile mobile_app mobile-app ios android in_app in-app".split()),
    "store": frozenset(
        "store in_store in-store physical_store offline pos retail branch shop_floor".split()
    ),
    "phone": frozenset("phone call phone_call phone-call telephone".split()),
    "crm": frozenset("crm system system_generated backoffice back_office erp".split()),
    "other": frozenset({"other"}),
    "unset": frozenset({"", "unset", "unspecified", "null", "none", "(not_set)", "not_set"}),
}


# a handful of spellings a shop, read for each row; the bound is for a column that holds anything
@lru_cache(maxsize=256)
def read(value: str | None) -> EventSource:
    """The source that the text names; `unknown` is a spelling that nobody listed."""
    return _BY_SPELLING.get(word(value), "unknown")


_BY_SPELLING: dict[str, EventSource] = {
    spelling: source for source, spellings in SPELLINGS.items() for spelling in spellings
}
