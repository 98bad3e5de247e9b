"""Phone numbers: the quick way answers as the library does, for every country that it knows."""

from __future__ import annotations

import random
from collections.abc import Callable

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.export.payload import phones

CODES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
SEPARATORS = ["", "", "", "", " ", "-", ".", "(", ")", ") ", " -", "  "]


def written_out(chance: random.Random) -> str:
    """A number with its country code, of any length, parted in any way."""
    digits = "".join(chance.choice("0123456789") for _ in range(chance.randrange(4, 16)))
    parted = "".join(chance.choice(SEPARATORS) + digit for digit in digits)
    trunk = chance.choice(["", "", "", " (0) ", "0", "1", "9", "15"])
    return f"+{chance.choice(CODES)}{trunk}{parted}"


def test_a_quick_answer_is_the_librarys() -> None:
    quick = 0
    for number in range(5_000):
        chance = random.Random(number)
        raw, country = written_out(chance), chance.choice([None, *REGIONS])
        answer = phones.in_full(raw)
        quick += answer is not None
        assert answer in (None, phones.parsed(raw, country)), raw
    assert quick > 500


@pytest.mark.parametrize(
    "style",
    [phonenumbers.PhoneNumberFormat.E164, phonenumbers.PhoneNumberFormat.INTERNATIONAL],
    ids=["e164", "international"],
)
def test_the_example_numbers_of_every_country_are_read_alike(style: int) -> None:
    quick = 0
    for region, number in examples():
        raw = phonenumbers.format_number(number, style)
        answer = phones.in_full(raw)
        quick += answer is not None
        assert answer in (None, phones.parsed(raw, region))
    # or the quick way would be none
    assert quick > 0.95 * len(examples())


def examples() -> list[tuple[str, phonenumbers.PhoneNumber]]:
    """The library's own example of each type of number of each country."""
    example: Callable[[str, int], phonenumbers.PhoneNumber | None]
    example = phonenumbers.example_number_for_type
    kinds = phonenumbers.PhoneNumberType.values()
    found = [(region, example(region, kind)) for region in REGIONS for kind in kinds]
    return [(region, number) for region, number in found if number is not None]


@pytest.mark.parametrize(
    "raw",
    [
        "+",
        "++49 30 123456",
        "+49 30 123456 ext. 7",
        "+49 (0)30 123456",
        "+1 800 FLOWERS",
        "+4930¹²³",
    ],
)
def test_what_is_not_plain_is_left_to_the_library(raw: str) -> None:
    assert phones.in_full(raw) is None


def test_the_country_completes_a_national_number_by_its_own_trunk_rules() -> None:
    assert phones.e164("030 123456", "DE") == "+4930123456"
    assert phones.e164("06 1234567", "IT") == "+39061234567"
    assert phones.e164("8 (912) 345-67-89", "RU") == "+79123456789"


@given(st.text(max_size=60), st.sampled_from([None, "US", "DE", "IT", "RU"]))
def test_a_phone_number_is_e164_or_nothing(raw: str, country: str | None) -> None:
    number = phones.e164(raw, country)
    assert number is None or (number[0] == "+" and number[1:].isdigit() and 6 <= len(number) <= 18)
