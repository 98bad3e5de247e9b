"""What of a row is shown, and what is hidden."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.validate_sql.profile.privacy import HIDDEN, masked, shown, without_values


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
    ],
)
def test_addresses_and_telephone_numbers_are_hidden(text: str) -> None:
    hidden = masked(text)
    assert HIDDEN in hidden
    for secret in ("lee", "7946", "0958", "555", "example."):
        assert secret not in hidden


@pytest.mark.parametrize(
    "text",
    ["1834567890.1763550000", "T-1042", "2026-11-20 10:15:00", "0012345678", "12.50", "@ann"],
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


@given(st.emails())
def test_no_address_survives_masking(address: str) -> None:
    local, _, _ = address.partition("@")
    if local.isascii() and "!" not in local and not set(local) & set("#$&*/=?^`{|}~"):
        assert address not in masked(f"x {address} y")


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("Bad double value: ann@example.com", "Bad double"),
        ("Invalid timestamp: '2020-99-99'", "Invalid timestamp"),
        ("Query execution failed: Conversion Error: Could not convert 'x'", "Conversion Error"),
        ("'secret'", "An error"),
    ],
)
def test_an_error_on_a_row_is_told_without_the_row(message: str, told: str) -> None:
    assert without_values(message) == told
