"""Phone numbers as people write them, as E.164 (ITU-T): +<country code><number>.

Google's libphonenumber decides. A number that is written out in full needs only two of its facts
about the country, so that the library's long way is taken for the others alone; the tests hold both
ways against each other for every country that it knows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import phonenumbers

_SEPARATORS = str.maketrans("", "", " -.()")
_CODES = frozenset(str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE)


def e164(raw: str, country: str | None) -> str | None:
    """The number as +<country code><number>, or None when it cannot be a phone number.

    `country` (ISO 3166 alpha-2) completes national numbers; without it they are dropped, because
    a guessed country would be the hash of somebody else's phone.
    """
    text = raw.strip()
    if text.startswith("00"):
        text = f"+{text[2:]}"
    return in_full(text) or parsed(text, country)


def parsed(text: str, country: str | None) -> str | None:
    """What libphonenumber answers, the long way."""
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return f"+{number.country_code}{phonenumbers.national_significant_number(number)}"


def in_full(text: str) -> str | None:
    """The same answer for + and digits, however parted; None when only the library knows."""
    digits = text[1:].translate(_SEPARATORS)
    if not (text[:1] == "+" and digits.isascii() and digits.isdigit()):
        return None
    if not (text[1].isdigit() and text[-1].isdigit()):
        return None
    for length in (1, 2, 3):
        code, national = digits[:length], digits[length:]
        if code in _CODES:
            return f"+{digits}" if _numbering(code).leaves(national) else None
    return None


@dataclass(frozen=True, slots=True)
class _Numbering:
    """What decides about a number that comes with its country code."""

    lengths: frozenset[int]
    trunk: re.Pattern[str] | None
    """What stands before a number that is dialled inside the country, with or without carrier."""

    def leaves(self, national: str) -> bool:
        """Whether the number is of a possible length and has nothing to be taken off."""
        return len(national) in self.lengths and not (self.trunk and self.trunk.match(national))


@cache
def _numbering(code: str) -> _Numbering:
    region = phonenumbers.region_code_for_country_code(int(code))
    known = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(int(code), region)
    numbers = known.general_desc if known else None
    if known is None or numbers is None:
        return _Numbering(frozenset(), None)
    trunk = known.national_prefix_for_parsing
    return _Numbering(
        frozenset((*numbers.possible_length, *numbers.possible_length_local_only)),
        re.compile(trunk) if trunk else None,
    )
