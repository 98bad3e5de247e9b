"""One table says what a text of consent means, and what nobody knows is a denial."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.model import consent, event_source


@pytest.mark.parametrize(
    "value",
    [
        "granted",
        "GRANTED",
        " Granted ",
        '"yes"',
        True,
        1,
        "opt-in",
        "Opt in",
        "\u201cyes\u201d",
        "granted\u200b",
    ],
)
def test_a_grant_is_read_in_every_known_spelling(value: Any) -> None:
    assert consent.read(value) == "granted"


@pytest.mark.parametrize(
    "value",
    [
        "denied",
        "DENIED",
        "Denied",
        "no",
        "false",
        "0",
        "declined",
        "denied ",
        False,
        0,
        "'d'",
        "opt out",
    ],
)
def test_a_denial_is_read_in_every_known_spelling(value: Any) -> None:
    assert consent.read(value) == "denied"


@pytest.mark.parametrize("value", [None, "", "  ", "Unset", "(not set)", "null", "NONE"])
def test_nothing_said_is_unset(value: Any) -> None:
    assert consent.read(value) == "unset"


@given(st.text())
def test_what_is_in_no_list_is_unknown_and_never_a_grant(text: str) -> None:
    known = consent.GRANTED | consent.DENIED | consent.UNSET
    word = re.sub(r"[^\w()-]+", "_", text.casefold()).strip("_")
    if word not in known:
        assert consent.read(text) == "unknown"


def test_no_spelling_means_two_things() -> None:
    assert not consent.GRANTED & consent.DENIED
    assert not consent.UNSET & (consent.GRANTED | consent.DENIED)


@pytest.mark.parametrize(
    ("value", "out"),
    [
        (True, True),
        ("0", False),
        (None, False),
        ("?", True),
        ("Opt out", True),
        ("No", False),
        # whether consent was denied or the opting out, nobody knows
        ("denied", True),
        ("Withdrawn", True),
        ("rejected", True),
    ],
)
def test_a_column_where_yes_means_no_is_read_inverted(value: Any, out: bool) -> None:
    assert consent.opted_out(value) is out


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ("1YYN", True),
        ("1YNN", False),
        ("1---", False),
        ("", False),
        ("null", False),
        ("yes", True),
        ("2YNN", True),
        ("1Y", True),
    ],
)
def test_a_us_privacy_string_says_it_in_its_third_letter(text: str, out: bool) -> None:
    assert consent.us_privacy_opted_out(text) is out


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("In store", "store"),
        (" Physical  Store ", "store"),
        ('"phone call"', "phone"),
        ("Web Shop", "web"),
        ("(not set)", "unset"),
        (None, "unset"),
        ("shop floor\u200b", "store"),
        ("carrier pigeon", "unknown"),
    ],
)
def test_a_source_is_read_in_the_spellings_that_a_consent_is(text: str | None, source: str) -> None:
    assert event_source.read(text) == source


def test_each_spelling_that_is_listed_is_found() -> None:
    listed = [(one, source) for source, many in event_source.SPELLINGS.items() for one in many]
    assert [(one, event_source.read(one)) for one, _ in listed] == listed
