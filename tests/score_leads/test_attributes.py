"""What an attribute holds is judged by its values, and some are refused with the reason."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from functions.score_leads.data.attributes import ABSENT, RARE, codes, is_personal_name, profile

PLACED = np.arange(400.0)
DRAW = np.random.default_rng(0)
WORDS = "please send an offer for our new office in town with delivery and set up".split()


def spread(values: Sequence[object]) -> list[object]:
    """The values in random order, 400 of them."""
    return [values[place] for place in DRAW.integers(len(values), size=400).tolist()]


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("employees", spread(range(1000)), "number"),
        ("revenue", spread(["$1,200", "3,400.50", "", "12"]), "number"),
        ("urgent", spread([True, False, None]), "number"),
        ("channel", spread(["search", "social", None]), "category"),
        ("zip_code", spread([10115, 20095, 80331]), "category"),
        ("first_visit_at", spread(["2024-01-02 10:00:00", "2024-02-03 11:30:00"]), "moment"),
        ("last_order", spread(["01/02/2024", "23/02/2024", "05/07/2024"]), "moment"),
        ("message", [" ".join(DRAW.choice(WORDS, 9)) for _ in range(400)], "text"),
    ],
)
def test_the_kind_is_reported_by_the_values(name: str, values: list[object], kind: str) -> None:
    found = profile(name, values, PLACED)
    assert (found.kind, found.refused) == (kind, "")


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("empty", [None, "", "(not set)", math.nan] * 100, "it is always empty"),
        ("constant", ["web"] * 400, "it is always the same"),
        ("infinite", [math.inf, None] * 200, "it is always empty"),
        ("account", [f"a-{row}" for row in range(400)], "it is an identifier"),
        ("row_number", list(range(400)), "it is an identifier"),
        ("exchange_rate", [1 + row / 7 for row in range(400)], "it only counts time up"),
        ("Gender", spread(["f", "m", None]), "it is personal data"),
        ("contact_gender__c", spread(["f", "m", None]), "it is personal data"),
        ("params.gender", spread(["f", "m", None]), "it is personal data"),
        ("params.date_of_birth", spread(["1980-01-02", "1990-03-04"]), "it is personal data"),
        ("firstName", [f"name {row}" for row in range(400)], "it is personal data"),
        ("contact", spread([f"p{row}@firm.example" for row in range(9)]), "it is personal data"),
        ("callback", spread([f"+49 30 {row}123456" for row in range(9)]), "it is personal data"),
    ],
)
def test_what_says_nothing_or_too_much_is_refused(
    name: str, values: list[object], reason: str
) -> None:
    assert profile(name, values, PLACED).refused.startswith(reason)


def test_a_yes_or_no_to_an_e_mail_is_not_personal() -> None:
    assert profile("email", spread(["yes", "no"]), PLACED).refused == ""
    assert is_personal_name("property_firstname")
    assert not is_personal_name("company_size")


def test_unseen_and_missing_levels_have_codes_of_their_own() -> None:
    levels = profile("channel", ["search"] * 20 + ["social"] * 10 + [None], PLACED[:31]).levels
    read = codes(["social", "search", "podcast", None, "", " search "], levels)
    assert read.tolist() == [3, 2, RARE, ABSENT, ABSENT, 2]


def test_a_level_is_the_same_as_number_and_as_text() -> None:
    levels = profile("plan_id", [1, 1, 2, 2] * 10, PLACED[:40]).levels
    assert codes([1, "1", 1.0], levels).tolist() == [levels["1"]] * 3
