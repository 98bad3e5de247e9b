"""Vendors' own normalizers as judges of ours; where they differ, who is right by which document.

`google`: all vectors of googleads/data-manager-python, tests/formatter_test.py (texts before they
are hashed). `facebook`: what serverside/normalize.py of facebook-python-business-sdk 26 makes of
each text, for every field that we send; its own tests hold only fields that we do not. `vendor` is
the vendor's answer (null: it raises), `ours` ours (null: the field is left out).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from functions.export.destinations import data_manager
from functions.export.payload import countries, identifiers
from tests.destinations.harness import sample_row

VECTORS: dict[str, list[dict[str, Any]]] = json.loads(
    Path(__file__).with_name("vendor_vectors.json").read_text(encoding="utf-8")
)
VERDICTS = ("ours: ", "vendor: ", "open: ", "same: ")

Normalize = Callable[[str, str | None], str | None]
FIELDS: dict[str, Normalize] = {
    "em": lambda raw, country: identifiers.email(raw),
    "ph": lambda raw, country: identifiers.phone(raw, country, plus=False),
    "ct": lambda raw, country: identifiers.place(raw),
    "zp": identifiers.postal_code,
    "st": identifiers.state,
    "country": lambda raw, country: identifiers.country_code(countries.code(raw)),
    "fn": lambda raw, country: identifiers.name(raw),
    "ln": lambda raw, country: identifiers.name(raw),
    "email": lambda raw, country: identifiers.email(raw, "google"),
    "phone": identifiers.phone,
    "name": lambda raw, country: identifiers.google_name(raw),
}


@pytest.mark.parametrize("vendor", sorted(VECTORS))
def test_each_text_is_read_as_the_table_says(vendor: str) -> None:
    wrong = []
    for vector in VECTORS[vendor]:
        if vector["field"] in ("region_code", "postal_code"):
            continue
        shown = FIELDS[vector["field"]](vector["raw"], vector.get("country"))
        ours = vector["ours"]
        if shown != (ours and identifiers.sha256(ours)):
            wrong.append(vector)
    assert wrong == []


@pytest.mark.parametrize("vendor", sorted(VECTORS))
def test_every_difference_says_who_is_right(vendor: str) -> None:
    for vector in VECTORS[vendor]:
        differs = vector["vendor"] != vector["ours"]
        assert ("why" in vector) == differs, vector
        assert vector.get("why", "ours: ").startswith(VERDICTS), vector


def test_googles_plain_fields_are_written_as_its_formatter_writes_them() -> None:
    plain = [each for each in VECTORS["google"] if each["field"] in ("region_code", "postal_code")]
    for vector in plain:
        column = {"region_code": "country"}.get(vector["field"], "postal_code")
        row = sample_row(email=None, phone=None, **{column: vector["raw"]})
        [person] = data_manager.user_identifiers(row, None)
        name = {"region_code": "regionCode"}.get(vector["field"], "postalCode")
        assert person["address"][name] == vector["ours"]
