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
