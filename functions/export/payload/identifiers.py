"""Who converted, as each platform wants it: normalized first, hashed once, dropped when unusable.

Every function takes raw text (or an SHA-256 that somebody made before) and returns what may be
sent, or None when nothing usable is left. A platform names the profile that it wants, because one
hash does not fit all: Google and Meta disagree about gmail addresses and about the + of phones.

Sources, with the vectors that the tests hold literally:
https://developers.google.com/data-manager/api/devguides/concepts/formatting
https://developers.facebook.com/docs/marketing-api/conversions-api/parameters
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from functools import cache, lru_cache
from types import ModuleType
from typing import Literal
from urllib.parse import unquote

from functions.export.payload import countries

Profile = Literal["google", "plain", "microsoft"]

DIGITS = 64
"""Length of an SHA-256 in hex."""

_HASHED = re.compile(r"[0-9a-fA-F]+")
_FACEBOOK_COOKIE = re.compile(r"fb\.\d\.\d{10,13}\..+")
_TITLES = frozenset(
    "mr mrs ms miss mx dr prof sir madam jr sr ii iii iv phd md esq".split()
)  # Google: no prefix or suffix in names
_GMAIL = frozenset({"gmail.com", "googlemail.com"})


NOTHING = frozenset(
    """not_set (none) none null nil undefined unknown n/a #n/a n.a. nan - -- --- ? . xxx
    anonymous""".split()
) | {"", "(not set)", "not set", "(not provided)", "[object object]"}
"""Texts that stand for no value, as GA4, CRMs and forms write them."""

LONGEST_NOTHING = max(map(len, NOTHING))


def stands_for_nothing(text: str | None) -> bool:
    """Whether the text says only that there is none."""
    if text is None:
        return True
    word = text.strip()
    return len(word) <= LONGEST_NOTHING and word.casefold() in NOTHING


def sha256(text: str) -> str:
    """Lower case hex of the UTF-8 text."""
    return hashlib.sha256(text.encode()).hexdigest()


def hashed(raw: str | None, normalize: Callable[[str], str | None]) -> str | None:
    """SHA-256 of the normalized text; what is hashed already passes, so nothing is hashed twice."""
    if not raw:
        return None
    text = raw.strip()
    length = len(text)
    if length <= LONGEST_NOTHING and text.casefold() in NOTHING:
        return None
    if length == DIGITS and _HASHED.fullmatch(text):
        return text.lower()
    normalized = normalize(text)
    # as in sha256, whose call would cost a sixth of the hash
    return hashlib.sha256(normalized.encode()).hexdigest() if normalized else None


def email(raw: str | None, profile: Profile = "plain") -> str | None:
    """Hash of an e-mail address; None unless it has exactly one @ with text on both sides."""
    return hashed(raw, _EMAIL[profile])


def phone(raw: str | None, country: str | None, *, plus: bool = True) -> str | None:
    """Hash of a phone number in E.164, without its + for Meta; see `phones.e164`."""
    number = _phones().e164
    if plus:
        return hashed(raw, lambda text: number(text, country))
    return hashed(raw, lambda text: _without_plus(number(text, country)))


@cache
def _phones() -> ModuleType:
    # the library of all countries' numbers is slow to import, and rows with a click id need none;
    # to look for what is imported already costs as much as to hash
    from functions.export.payload import phones

    return phones


@lru_cache(maxsize=4096)
def google_name(raw: str | None) -> str | None:
    """Hash of a first or last name: no titles, punctuation or spaces."""
    return hashed(raw, _without_titles)


@lru_cache(maxsize=4096)
def name(raw: str | None) -> str | None:
    """Hash of a first or last name for Meta: no punctuation, single spaces."""
    return hashed(raw, _spaced)


@lru_cache(maxsize=4096)
def place(raw: str | None) -> str | None:
    """Hash of a city or region: letters and digits only."""
    return hashed(raw, _joined)


@lru_cache(maxsize=4096)
def postal_code(raw: str | None, country: str | None = None) -> str | None:
    """Hash of a postal code without spaces; of a US code the first five digits."""
    return hashed(raw, lambda text: plain_postal_code(text, country))


def plain_postal_code(raw: str, country: str | None) -> str:
    """A postal code in lower case without spaces and dashes; of US codes the first five digits."""
    text = _unspaced(raw).lower()
    # ZIP+4 has its own form, so the country need not be known
    us = country == "US" or (country is None and re.fullmatch(r"\d{5}-\d{4}", text))
    return text[:5] if us else text.replace("-", "")


def state(raw: str | None, country: str | None) -> str | None:
    """Hash of a region for Meta: of US states the two letters, elsewhere the name as in `place`.

    None where the country is unknown and the text is no code of a US state.
    Source: developers.facebook.com/docs/marketing-api/conversions-api/parameters/
    customer-information-parameters, of 2026-01-09.
    """
    if country is not None and country != "US":
        return place(raw)
    if raw and len(raw) == DIGITS and _HASHED.fullmatch(raw):
        return raw.lower()
    code = countries.us_state(raw)
    return sha256(code) if code else None


_CLICK_ID = re.compile(r"(?!__[A-Z_]+__\Z)[A-Za-z0-9._~+/:|-]+={0,2}")
"""What click ids are made of. An address that was cut wrongly has other signs, and so has the place
in an advert's link where the platform should have put one, such as {gclid} or __CLICKID__."""


def click_id(raw: str | None) -> str | None:
    """A click id as the platform gave it: without the percent signs of the address that brought it;
    None when the text stands for nothing, or can be no click id."""
    text = (raw or "").strip()
    # each redirect may have encoded it once more
    for _ in range(MOST_TIMES):
        if "%" not in text:
            break
        text = unquote(text)
    if not text.isascii():
        text = text.translate(_VISIBLE)
    return text if _CLICK_ID.fullmatch(text) and not stands_for_nothing(text) else None


MOST_TIMES = 3
"""How often an address is encoded on its way through redirects."""


@lru_cache(maxsize=4096)
def ip_address(raw: str | None) -> str | None:
    """The address of the browser, which is the first public one where proxies have added theirs;
    None when there is none: some platforms refuse a whole request for what is no address, and by
    one of a house's own network everybody would be somebody else."""
    found = (_public(each.strip()) for each in (raw or "").split(","))
    return next((each for each in found if each), None)


_WITH_PORT = re.compile(r"\[(.+)\](?::\d+)?|([0-9.]+):\d+")


def _public(text: str) -> str | None:
    """The address without a port, unless it is none that a browser on the internet has."""
    if parted := _WITH_PORT.fullmatch(text):
        text = parted[1] or parted[2]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # fe80::1%eth0 tells an interface of the machine that saw it
    own = getattr(address, "ipv4_mapped", None) or address
    return None if "%" in text or any(own in network for network in _NOT_PUBLIC) else text


# addresses for examples (RFC 5737, 3849) are nobody's: they harm nobody, and tests are full of them
_NOT_PUBLIC = [
    ipaddress.ip_network(network)
    for network in """0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12
    192.168.0.0/16 224.0.0.0/3 ::/127 fc00::/7 fe80::/10 ff00::/8""".split()
]
"""Networks of one house, one machine, or many (IANA's registries of special-purpose addresses)."""


@lru_cache(maxsize=512)
def country_code(code: str | None) -> str | None:
    """Hash of an ISO 3166 alpha-2 code in lower case."""
    return hashed(code, str.lower)


def birth_date(raw: str | None) -> str | None:
    """Hash of a date of birth as YYYYMMDD; reads 1997-02-16, 19970216 and 2/16/1997."""
    return hashed(raw, _birth_date)


def external_id(raw: str | None) -> str | None:
    """Hash of the advertiser's own id of a person, such as the user id."""
    return hashed(raw, str.strip)


def facebook_click(fbc: str | None, fbclid: str | None, clicked: datetime | None) -> str | None:
    """The _fbc cookie's value, or the same made of the bare click id and when it was first seen."""
    cookie = facebook_cookie(fbc)
    if cookie or not (fbclid and clicked):
        return cookie
    # the moment of the click, never of the event (Meta, "fbp and fbc parameters")
    return f"fb.1.{int(clicked.timestamp() * 1000)}.{fbclid}"


def facebook_cookie(value: str | None) -> str | None:
    """The value of an _fbc or _fbp cookie; a malformed one would have the event refused."""
    return value if value and _FACEBOOK_COOKIE.fullmatch(value) else None


def _without_titles(raw: str) -> str:
    return "".join(_words(raw, _TITLES))


def _spaced(raw: str) -> str:
    return " ".join(_words(raw))


def _joined(raw: str) -> str:
    return "".join(_words(raw))


def _unspaced(raw: str) -> str:
    return "".join(raw.split())


def _address_of(raw: str) -> tuple[str, str] | None:
    """Mailbox and domain, compact and in small letters."""
    text = "".join(raw.split())
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.translate(_VISIBLE))
    text = text.lower()
    local, _, domain = text.partition("@")
    # a cheap look, because nearly all are bare
    bare = domain and text[0].isalnum() and text[-1].isalnum()
    if not bare or local.startswith(MAILTO):
        local, _, domain = _address_in(text).partition("@")
    # without an @ there is no domain
    if not (local and domain) or "@" in domain:
        return None
    # such as none@none.com, which many rows share: they would all become one person
    nobody = local in NOTHING and domain.partition(".")[0] in NOTHING
    return None if nobody else (local, domain)


def _address_in(text: str) -> str:
    """The address as links, forms, mail programs and people write it: mailto:mary@example.com?cc=x,
    mary%40example.com, Mary <mary@example.com>, 'mary@example.com';"""
    if text.startswith(MAILTO):
        text = text.removeprefix(MAILTO).partition("?")[0]
    if "@" not in text:
        text = unquote(text)
    return text.rpartition("<")[2].strip(_AROUND_ADDRESSES)


MAILTO = "mailto:"


def _plain_email(raw: str) -> str | None:
    address = _address_of(raw)
    return "@".join(address) if address else None


def _google_email(raw: str) -> str | None:
    address = _address_of(raw)
    # dots and +suffix mean nothing at these two domains only (Google's formatting page)
    if address and address[1] in _GMAIL:
        return _without_suffix(*address)
    return "@".join(address) if address else None


def _microsoft_email(raw: str) -> str | None:
    address = _address_of(raw)
    return _without_suffix(*address) if address else None


def _without_suffix(local: str, domain: str) -> str | None:
    """The address without dots and +suffix in its mailbox."""
    mailbox = local.partition("+")[0].replace(".", "")
    return f"{mailbox}@{domain}" if mailbox else None


_AROUND_ADDRESSES = "<>()[]{}'\"`,;:.\x00\u2018\u2019\u201c\u201d\u00ab\u00bb"


_EMAIL: dict[Profile, Callable[[str], str | None]] = {
    "google": _google_email,
    "plain": _plain_email,
    "microsoft": _microsoft_email,
}


def _without_plus(number: str | None) -> str | None:
    return number and number[1:]


def _words(raw: str, without: frozenset[str] = frozenset()) -> list[str]:
    text = raw.lower()
    if text.isascii() and text.isalnum():
        return [] if text in without else [text]
    if not (text.isascii() and text.replace(" ", "").isalnum()):
        # one letter, two spellings, two hashes: Meta's own vector of "Valéry" is NFC
        text = unicodedata.normalize("NFC", raw).lower().translate(_WITHOUT_MARKS)
    return [word for word in text.split() if word not in without]


class _Without(dict[int, str | None]):
    """A table for str.translate that takes letters of these categories out; it learns in use."""

    def __init__(self, *categories: str) -> None:
        self._categories = categories

    def __missing__(self, code: int) -> str | None:
        letter = chr(code)
        out = unicodedata.category(letter).startswith(self._categories)
        self[code] = None if out else letter
        return self[code]


_WITHOUT_MARKS = _Without("P", "S")
"""Takes punctuation and symbols out."""

_VISIBLE = _Without("Cc", "Cf")
"""Takes out what nobody sees, such as a blank of no width or a byte order mark."""


OLDEST_BIRTH = 1900
"""Years before this are slips, or lack their century."""


def _birth_date(raw: str) -> str | None:
    # no part of a date is longer; larger numbers raise what would cost the whole batch
    if re.search(r"\d{9}", raw):
        return None
    parts = [int(part) for part in re.findall(r"\d+", raw)]
    if len(parts) == 1 and len(raw.strip()) == 8:
        parts = [parts[0] // 10000, parts[0] // 100 % 100, parts[0] % 100]
    try:
        # no day is above 31; else the American order of Meta's own vector, 2/16/1997
        year, month, day = parts if parts[0] > 31 else (parts[2], parts[0], parts[1])
        # of two digits nobody knows the century
        return date(year, month, day).strftime("%Y%m%d") if year >= OLDEST_BIRTH else None
    except (IndexError, ValueError):
        return None
