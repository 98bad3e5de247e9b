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
    assert quick > 100


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
        assert answer == phones.parsed(raw, region) or answer is None
    # or the quick way would be none
    assert quick > 0.9 * len(examples())


def examples() -> list[tuple[str, phonenumbers.PhoneNumber]]:
    """The library's own example of each type of number of each country."""
    example: Callable[[str, int], phonenumbers.PhoneNumber | None]
    example = phonenumbers.example_number_for_type
    kinds = phonenumbers.PhoneNumberType.values()
    found = [(region, example(region, kind)) for region in REGIONS for kind in kinds]
    return [(region, number) for region, number in found if number is not None]


def dialled(chance: random.Random) -> str:
    """Digits as people dial them at home, of any length, parted in any way."""
    prefix = chance.choice(["", "", "0", "0", "00", "1", "8", "9", "011", "0011", "06"])
    digits = prefix + "".join(chance.choice("0123456789") for _ in range(chance.randrange(3, 14)))
    return "".join(chance.choice(SEPARATORS) + digit for digit in digits)


def test_a_quick_answer_at_home_is_the_librarys() -> None:
    quick = 0
    for number in range(8_000):
        chance = random.Random(number)
        raw, country = dialled(chance).strip(), chance.choice(REGIONS)
        answer = phones.in_country(raw, country)
        quick += answer is not None
        assert answer in (None, phones.parsed(raw, country)), (raw, country)
    assert quick > 100


def test_the_example_numbers_of_every_country_are_read_alike_at_home() -> None:
    quick = 0
    for region, number in examples():
        raw = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
        answer = phones.in_country(raw, region)
        quick += answer is not None
        assert answer in (None, phones.parsed(raw, region)), (raw, region)
    # or the quick way would be none
    assert quick > 0.7 * len(examples())


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


WRITINGS = ("+{cc} {n}", "00{cc}{n}", "+{cc} (0){n}", "{cc}{n}", "{cc}0{n}")


def test_of_every_countrys_writings_none_becomes_another_number() -> None:
    """The measurement of platforms.md section 6 in small: examples of every country, five ways."""
    shown = {"right": 0, "wrong": 0, "dropped": 0}
    kinds = (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE)
    for region in REGIONS:
        for kind in kinds:
            number = phonenumbers.example_number_for_type(region, kind)
            if number is None:
                continue
            true = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            national = phonenumbers.national_significant_number(number)
            for writing in WRITINGS[:2] + WRITINGS[3:4]:
                raw = writing.format(cc=number.country_code, n=national)
                read = phones.e164(raw, region)
                shown["dropped" if read is None else "right" if read == true else "wrong"] += 1
    assert shown["wrong"] == 0
    assert shown["right"] > 0.95 * sum(shown.values())


@pytest.mark.parametrize(
    ("raw", "country", "number"),
    [
        # both +49 151 23456789 and +49 4915 123456789 are valid numbers
        ("4915123456789", "DE", None),
        ("447911123456", "GB", "+447911123456"),
        ("015123456789", "DE", "+4915123456789"),
        ("030 123456", None, None),
        ("4915123456789", None, None),
        ("(650) 253-0000", "US", "+16502530000"),
        ("030 123456", "US", None),
        ("+49 30 1", "DE", None),
    ],
)
def test_exactly_one_valid_reading_is_sent(
    raw: str, country: str | None, number: str | None
) -> None:
    assert phones.e164(raw, country) == number


@given(st.text(max_size=60), st.sampled_from([None, "US", "DE", "IT", "RU"]))
def test_a_phone_number_is_e164_or_nothing(raw: str, country: str | None) -> None:
    number = phones.e164(raw, country)
    assert number is None or (number[0] == "+" and number[1:].isdigit() and 6 <= len(number) <= 18)
