"""The documents that the page's types are generated from."""

from __future__ import annotations

import re
from functools import reduce
from typing import Any

import pytest

from common.http.openapi import document
from tests.console.documents import INTERFACES


@pytest.mark.parametrize("name", INTERFACES)
def test_every_reference_leads_somewhere(name: str) -> None:
    given: dict[str, Any] = document(INTERFACES[name])
    for reference in set(re.findall(r"'\$ref': '([^']+)'", str(given))):
        where = reference.removeprefix("#/").split("/")
        assert reduce(lambda at, part: at.get(part, {}), where, given), reference


@pytest.mark.parametrize("name", INTERFACES)
def test_every_schema_has_a_name_of_its_own(name: str) -> None:
    """Two of one name get their modules' names before it, which breaks every typed client."""
    assert [one for one in document(INTERFACES[name])["components"]["schemas"] if "__" in one] == []
