"""What a text of consent means: one table of known spellings, for checks and for export alike.

Sources of the spellings: Data Manager's ConsentStatus, GA4's privacy_info, Microsoft's UET (G, D),
and what consent banners and CRMs write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Literal

Consent = Literal["granted", "denied", "unset", "unknown"]

COLUMNS = ("consent_ad_user_data", "consent_ad_personalization")
"""Columns that hold a consent."""

OPT_OUT_COLUMNS = ("opt_out", "gpc", "do_not_sell")
"""Columns of the laws of US states, where yes means no."""

GPP_COLUMNS = ("sale_opt_out", "sharing_opt_out", "targeted_advertising_opt_out")
"""Fields of a US section of the Global Privacy Platform: 1 opted out, 2 not, 0 not applicable.
Source: github.com/InteractiveAdvertisingBureau/Global-Privacy-Platform, Sections/US-National."""

GRANTED = frozenset(
    """granted consent_granted grant true 1 yes y allow allowed accept accepted opt_in opt-in optin
    on given g""".split()
)
DENIED = frozenset(
    """denied consent_denied deny false 0 no n disallow rejected reject declined decline refused
    opt_out opt-out optout off withdrawn revoked d""".split()
)
PLAIN_NO = frozenset("false 0 no n off".split())
"""No to whatever was asked, where a denial says what is denied."""
UNSET = frozenset(
    """unset unspecified unknown consent_status_unspecified default null none not_set
    (not_set)""".split()
) | {"", "(not set)"}


def read(value: Any) -> Consent:
    """What the value says; booleans and numbers count as their text, None is unset.

    `unknown` is a spelling that nobody listed: whoever asks must treat it as a denial.
    """
    text = word(value)
    if text in GRANTED:
        return "granted"
    if text in DENIED:
        return "denied"
    return "unset" if text in UNSET else "unknown"


def strictest(values: Iterable[Any]) -> Any:
    """The value that allows the least of those that were said of one consent: a no in one place is
    a no, whatever another one says, and so is a spelling that nobody listed."""
    return max(values, key=lambda value: STRICTNESS.index(read(value)))


STRICTNESS: tuple[Consent, ...] = ("unset", "granted", "unknown", "denied")


def opted_out(value: Any) -> bool:
    """Whether a column where yes means no says yes; only a plain no, or nothing, says that it does
    not.
    """
    # "denied" or "withdrawn" may answer the question of consent as well as that of the column
    return read(value) != "unset" and word(value) not in PLAIN_NO


def opts_out(name: str, value: Any) -> bool:
    """Whether a column or parameter is one of those laws', however its name is written, and says
    that the person opted out."""
    letters = letters_of(name)
    if letters == "usprivacy":
        return us_privacy_opted_out(value)
    if letters in map(letters_of, GPP_COLUMNS):
        return word(value) != "2" and opted_out(value)
    return letters in map(letters_of, OPT_OUT_COLUMNS) and opted_out(value)


@lru_cache(maxsize=1024)
def letters_of(name: str) -> str:
    """A name without what writers of names differ in: SaleOptOut is sale_opt_out."""
    return name.casefold().replace("_", "").replace("-", "")


def us_privacy_opted_out(value: str | None) -> bool:
    """Whether a US Privacy string, such as 1YYN, says that the sale of data is opted out of; a text
    that is no such string says so too, unless it stands for none.

    Source: github.com/InteractiveAdvertisingBureau/USPrivacy, CCPA/US Privacy String.md.
    """
    text = word(value)
    if text in UNSET:
        return False
    # version, notice, opt-out of sale, agreement: the third letter is the choice
    return text[2] == "y" if US_PRIVACY.fullmatch(text) else True


US_PRIVACY = re.compile(r"1[yn-]{3}")
AROUND = " \t\r\n\"'\u00a0\u200b\u2018\u2019\u201c\u201d\ufeff"
"""Quotes and blanks, seen and unseen, that come around a word."""


def word(value: Any) -> str:
    """The word in small letters without what is around it; its parts are parted by _."""
    return "" if value is None else "_".join(str(value).strip(AROUND).casefold().split())
