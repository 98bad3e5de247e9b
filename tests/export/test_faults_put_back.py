"""The ten faults of the issue that asked for them, put back, each found within 300 seeds.

Faults of deliveries are wrong protocols of the simulation; faults of rows are old functions put
back into the product, judged seed after seed by what nobody here wrote: libphonenumber's own
examples, vendors' vectors, the table of consents, a platform's key. `python -m
tests.export.test_faults_put_back` prints after how many seeds each was found.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import phonenumbers
import pytest

from functions.export.contract.base import Built
from functions.export.destinations import microsoft_ads
from functions.export.payload import countries, identifiers, phones, rows
from functions.export.payload.rows import ConversionRow, columns, conversion_row
from functions.export.reconcile.eligibility import Wanted, judge
from tests.destinations.harness import NOW, plain, prepare, sample_row
from tests.export.test_simulation import WRONG, WRONG_IS_CAUGHT_WITHIN, caught_at
from tests.export.test_vendor_vectors import FIELDS, VECTORS

DELIVERIES = {
    1: ("one word for no",),
    2: ("the account's fault is the rows'", "who is refused alone is at fault"),
    3: ("outcomes before requests", "write down only afterwards", "mark before sending"),
    4: ("a failed change is an absence",),
    5: ("the first reason counts", "an old address stays"),
    6: ("who is gone is forgotten", "who leaves is what the row says", "erased before taken back"),
    7: ("garbage is a refusal", "answers are as documented", "silence is success"),
    8: ("no refusal comes later", "parked for ever", "what was on its way is left"),
    10: ("any click is sent", "any age is taken", "the future is sent"),
}
"""Wrong protocols of the simulation by the fault that each puts back."""

CONFIG = plain("google_ads")[0].config


def read(seed: int, **said: Any) -> ConversionRow:
    """A row of the warehouse that says this, parameters included."""
    record: dict[str, Any] = dict.fromkeys(columns()) | {"id": "1", "created": NOW, "params": []}
    return conversion_row(record | said)


def sent_without_consent(seed: int) -> bool:
    said = random.Random(seed).choice(("undefined", "n/a", "-", "?", "maybe", "granted"))
    row = read(seed, consent_ad_user_data=said, is_qualified=True, country="US")
    return isinstance(judge(row, CONFIG, "EUR"), Wanted) and said != "granted"


def example(chance: random.Random) -> tuple[str, str]:
    """A country and a valid mobile number there, by the library's own word."""
    region = chance.choice(sorted(phonenumbers.SUPPORTED_REGIONS))
    mobile = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    number = mobile or phonenumbers.example_number(region)
    assert number is not None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return region, written


def somebody_elses_phone(seed: int) -> bool:
    """The number of a person of that country, without its plus, is read as another one."""
    region, true = example(random.Random(seed))
    hashed = identifiers.phone(true[1:], region)
    return hashed not in (None, identifiers.sha256(true))


def phone_of_the_visit(seed: int) -> bool:
    """A national number is completed by the country where somebody browsed."""
    chance = random.Random(seed)
    (_, true), (elsewhere, _) = example(chance), example(chance)
    parsed = phonenumbers.parse(true)
    national = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    row = read(seed, phone=national, params=[{"key": "country", "value": elsewhere}])
    hashed = identifiers.phone(row.phone, row.phone_country(None))
    return hashed not in (None, identifiers.sha256(true))


def vector_read_otherwise(seed: int) -> bool:
    found = [each for name in sorted(VECTORS) for each in VECTORS[name] if each["field"] in FIELDS]
    vector = random.Random(seed).choice(found)
    shown = FIELDS[vector["field"]](vector["raw"], vector.get("country"))
    return shown != (vector["ours"] and identifiers.sha256(vector["ours"]))


def click_with_percent_signs(seed: int) -> bool:
    chance = random.Random(seed)
    click = "Cj0" + "".join(chance.choice("aB9-_") for _ in range(20))
    row = read(seed, gclid=click.replace("-", "%2D").replace("_", "%5F"))
    return row.gclid != click


def one_key_of_two(seed: int) -> bool:
    """Two conversions of one click in one second are the same to Microsoft."""
    destination, conversion = plain("microsoft_ads")
    moment = NOW - timedelta(seconds=seed)
    texts = set()
    for number in range(2):
        row = sample_row(id=f"o{seed}-{number}", created=moment, email=None, phone=None)
        made = prepare(destination, conversion, row)
        assert isinstance(made, Built)
        texts.add(made.payload)
    return len(texts) < 2


def possible(raw: str, country: str | None) -> str | None:
    """What has the length of a number is one, as it was."""
    try:
        number = phonenumbers.parse(raw, country)
    except phonenumbers.NumberParseException:
        return None
    return f"+{number.country_code}{phonenumbers.national_significant_number(number)}"


def whole_seconds(moment: datetime, key: str) -> str:
    return microsoft_ads.utc_seconds(moment)


@dataclass(frozen=True)
class PutBack:
    """A function of the product as it was, and how a seed is judged."""

    fault: int
    name: str
    of: Any
    function: str
    old: Callable[..., Any]
    is_wrong: Callable[[int], bool]

    def found_at(self) -> int | None:
        """After how many seeds the fault shows; None when it does not soon enough."""
        with patch.object(self.of, self.function, self.old):
            # what was read before may be remembered
            for each in (identifiers.name, identifiers.google_name, identifiers.place):
                each.cache_clear()
            seeds = range(WRONG_IS_CAUGHT_WITHIN)
            found = next((seed + 1 for seed in seeds if self.is_wrong(seed)), None)
        for each in (identifiers.name, identifiers.google_name, identifiers.place):
            each.cache_clear()
        return found


def nothing_or(name: str, value: Any) -> Any:
    """None of a consent that stands for nothing, as of any other text."""
    nothing = isinstance(value, str) and identifiers.stands_for_nothing(value)
    return None if nothing else value


def of_anywhere(row: ConversionRow, default: str | None) -> str | None:
    return countries.code(row.country) or default


ROWS = [
    PutBack(1, "a consent of n/a is open", rows, "_said", nothing_or, sent_without_consent),
    PutBack(9, "possible numbers", phones, "e164", possible, somebody_elses_phone),
    PutBack(
        9, "the visit's country", ConversionRow, "phone_country", of_anywhere, phone_of_the_visit
    ),
    PutBack(9, "states by name", countries, "us_state", lambda raw: None, vector_read_otherwise),
    PutBack(9, "percent signs", identifiers, "click_id", lambda raw: raw, click_with_percent_signs),
    PutBack(10, "one second", microsoft_ads, "distinct_time", whole_seconds, one_key_of_two),
]


@pytest.mark.parametrize("put_back", ROWS, ids=lambda each: each.name)
def test_a_fault_of_rows_is_found_when_it_is_put_back(put_back: PutBack) -> None:
    assert not any(map(put_back.is_wrong, range(WRONG_IS_CAUGHT_WITHIN)))
    assert put_back.found_at() is not None


def test_each_of_the_ten_faults_is_put_back() -> None:
    # the simulation's are tried one by one in test_simulation.py
    assert {*DELIVERIES, *(each.fault for each in ROWS)} == set(range(1, 11))
    assert {name for names in DELIVERIES.values() for name in names} <= set(WRONG)


def main() -> None:
    """Print each fault, what puts it back, and after how many seeds it was found."""
    found = [(each.fault, each.name, each.found_at()) for each in ROWS]
    found += [
        (fault, name, caught_at(name)) for fault, names in DELIVERIES.items() for name in names
    ]
    for fault, name, seeds in sorted(found):
        print(f"{fault:>3}  {name:36}{seeds or 'not found':>10}")


if __name__ == "__main__":
    main()
