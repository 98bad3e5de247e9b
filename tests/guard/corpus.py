"""The queries of good.sql and hostile.sql: `=== heading` begins one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from common.guard.names.scope import Scope

SCOPE = Scope(
    project="shop",
    datasets=frozenset(
        {"shop.crm", "shop.hubspot", "shop.analytics_123", "shop.hits", "my-shop-1.crm"}
    ),
    own=frozenset({"shop.conversions", "shop.conversions_staging"}),
)


class Case(NamedTuple):
    """A heading and the text under it."""

    title: str
    sql: str


def cases(name: str) -> list[Case]:
    """The cases of one corpus file."""
    text = (Path(__file__).parent / f"{name}.sql").read_text(encoding="utf-8")
    parts = re.split(r"^=== (.*)\n", text, flags=re.MULTILINE)[1:]
    return [
        Case(title, sql.removesuffix("\n"))
        for title, sql in zip(parts[::2], parts[1::2], strict=True)
    ]
