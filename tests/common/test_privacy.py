"""What of a row is shown, and what is hidden."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.local.limits.figures import Figures
from common.local.limits.limits import Limits, Refused
from common.privacy import HIDDEN, UNKNOWN, masked, shown, without_values

TOKENS = (
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl",
    "sk_live_51Hq0canary00000",
    "ghp_canary0000000000000000000000000000",
    "Bearer 0canary0canary0",
)
VALUES = ("jane.doe@example.com", "+44 7946 095812", TOKENS[1], "Jane Doe of Baker Street")
# as GoogleSQL and the embedded engine word the faults of a row
TEMPLATES = (
    "Bad double value: {}",
    "Bad bool value: {}",
    "Invalid timestamp: '{}'",
    "Invalid date: '{}'",
    'Failed to parse input string "{}"',
    "Mismatch between format character '%Y' and string character '{}'",
    'Could not cast literal "{}" to type DATE at [1:8]',
    "Query execution failed: Could not convert string '{}' to DOUBLE",
    "Conversion Error: Could not convert string '{}' to INT64 when casting from source column {}",
    'Invalid Input Error: Failed to parse "{}" according to format specifier "%Y"',
    "Cannot parse regular expression: missing ]: {}",
    "Invalid input to JSON_VALUE: {}",
    "{}",
    "Unrecognized name: {}",
    "Not found: {}",
    "Error while reading data, error message: JSON parsing error in row: {}",
    "Resources exceeded during query execution: {}",
)


@pytest.mark.parametrize(
    "text",
    [
        "ann.lee@example.com",
        "to: ann.lee+shop@mail.example.co.uk, soon",
        "+44 20 7946 0958",
        "call +442079460958 now",
        "020 7946 0958",
        "(020) 7946-0958",
        "+1 (415) 555-0132",
        "(415) 555-0132",
        "415-555-0132 or 415.555.0132",
        "call +44 20 7946 0958.",
        "Tel.+44 20 7946 0958",
        "lee@müller.example",
        "jürgen.lee@example.com",
        "https://shop.test/?e=ann.lee%40example.com&x=1",
        "x%40lee@example.com",
    ],
)
def test_addresses_and_telephone_numbers_are_hidden(text: str) -> None:
    hidden = masked(text)
    assert HIDDEN in hidden
    for secret in ("lee", "7946", "0958", "555", "0132", "example.", "müller", "jürgen"):
        assert secret not in hidden


@pytest.mark.parametrize(
    "text",
    [
        "1834567890.1763550000",
        "T-1042",
        "2026-11-20 10:15:00",
        "0012345678",
        "12.50",
        "@ann",
        "114-1234567-1234567",
        "123-456-7890",
        "100%40off",
    ],
)
def test_ids_dates_and_amounts_are_shown(text: str) -> None:
    assert masked(text) == text


def test_a_column_or_parameter_named_for_personal_data_is_hidden_whatever_it_holds() -> None:
    row = {
        "email": "Ann",
        "phone_number": 442079460958,
        "params": [{"key": "last_name", "value": "Lee"}, {"key": "city", "value": "London"}],
        "at": datetime(2026, 1, 1, tzinfo=UTC),
        "value": 1.5,
        "paid": None,
    }
    assert shown(row) == {
        "email": HIDDEN,
        "phone_number": HIDDEN,
        "params": [{"key": "last_name", "value": HIDDEN}, {"key": "city", "value": "London"}],
        "at": "2026-01-01T00:00:00+00:00",
        "value": 1.5,
        "paid": None,
    }


def test_what_stands_below_a_private_name_is_hidden_too() -> None:
    params = [
        {"key": "first_name", "value": {"string_value": "Ann", "int_value": None}},
        {"key": "city", "value": {"string_value": "London", "int_value": None}},
    ]
    assert shown({"event_params": params, "phone": {"home": {"digits": 2079460958}}}) == {
        "event_params": [
            {"key": "first_name", "value": {"string_value": HIDDEN, "int_value": None}},
            {"key": "city", "value": {"string_value": "London", "int_value": None}},
        ],
        "phone": {"home": {"digits": HIDDEN}},
    }


def test_the_keys_of_a_json_value_are_masked_as_values_are() -> None:
    assert shown({"scores": {"ann.lee@example.com": 3}}) == {
        "scores": {masked("ann.lee@example.com"): 3}
    }


def test_a_whole_number_that_a_browser_would_round_is_a_text() -> None:
    assert shown({"order": 9007199254740993, "items": 3}) == {
        "order": "9007199254740993",
        "items": 3,
    }


@pytest.mark.parametrize("text", ["a" * 300_000, "a." * 150_000, "0" * 300_000, "a@" * 150_000])
def test_a_long_text_is_masked_in_time_that_grows_with_its_length(text: str) -> None:
    # in the square of it, these would take minutes
    assert len(masked(text)) <= len(text)


@given(st.emails())
def test_no_address_survives_masking(address: str) -> None:
    local, _, _ = address.partition("@")
    if local.isascii() and "!" not in local and not set(local) & set("#$&*/=?^`{|}~"):
        assert address not in masked(f"x {address} y")


@pytest.mark.parametrize("token", TOKENS)
def test_a_token_is_hidden_wherever_it_stands(token: str) -> None:
    assert masked(f"note: {token}, end") == f"note: {HIDDEN}, end"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("Bad double value: ann@example.com", f"Bad double value {HIDDEN}"),
        ("Invalid timestamp: '2020-99-99'", f"Invalid timestamp {HIDDEN}"),
        (
            "Query execution failed: Conversion Error: Could not convert string 'x' to DOUBLE",
            f"Could not convert {HIDDEN} to DOUBLE",
        ),
        ("400 division by zero: 12 / 0", "division by zero"),
        ("int64 overflow: 9223372036854775807 + 42", "int64 overflow"),
        ("rows without person_key at [3:14]", "rows without person_key"),
        ("Unrecognized name: totl at [1:8]", "Unrecognized name: totl at [1:8]"),
        ("Not found: Table p:d.t was not found in location EU", "Not found: Table p:d.t"),
        ("'secret'", UNKNOWN),
        ("4111111111111111 out of range", UNKNOWN),
        ("numeric overflow: 9 * 9", "numeric overflow"),
        ("Could not convert string 'x' to smith\nLane' to INT64", f"Could not convert {HIDDEN}"),
        ("Ann Lee bought a house", UNKNOWN),
    ],
)
def test_an_error_on_a_row_is_reported_without_the_row(message: str, words: str) -> None:
    assert without_values(message) == words


SMALL = Figures(
    modifications_a_day=0,
    dml=0,
    mutating_running=0,
    mutating_queued=0,
    parameters=0,
    query_characters=5,
    view_characters=5,
    partitions_a_job=0,
    partitions_a_day=0,
    bytes_a_day=0,
)
BEYOND: tuple[Callable[[Limits], object], ...] = (
    lambda limits: limits.write_table("p.d.t", is_partitioned=False),
    lambda limits: limits.change_rows("p.d.t", is_insert=True).__enter__(),
    lambda limits: limits.change_rows("p.d.t", is_insert=False).__enter__(),
    lambda limits: limits.read_tables({"p.d.t": 1}, 0),
    lambda limits: limits.read_tables({"p.d.t": 1}, 1),
    lambda limits: limits.check_text("", 1, ""),
    lambda limits: limits.check_text("SELECT 1", 0, ""),
    lambda limits: limits.check_text("", 0, "SELECT 1"),
    lambda limits: limits.check_partitions(1),
    lambda limits: limits.modify_partitions("p.d.t", 1),
)


@pytest.mark.parametrize("call", BEYOND)
def test_what_a_limit_refuses_is_said(call: Callable[[Limits], object]) -> None:
    with pytest.raises(Refused) as refused:
        call(Limits(SMALL, lambda: 0.0))
    said = without_values(refused.value.message)
    assert said != UNKNOWN
    assert refused.value.message.startswith(said)


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("value", VALUES)
def test_no_value_survives_in_a_message(template: str, value: str) -> None:
    answered = without_values(template.replace("{}", value))
    assert not [word for word in value.split() if len(word) > 3 and word in answered]
