"""Country names as GA4, CRMs and people write them, as ISO 3166 alpha-2 codes."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

# European Economic Area, and the two whose consent rules Google's EU user consent policy joins to
# it: https://www.google.com/about/company/user-consent-policy/
EEA_LIKE = frozenset(
    """AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE
    IS LI NO GB CH""".split()
)


def code(country: str | None) -> str | None:
    """The alpha-2 code of a country's code or name, or None when it is not known."""
    return _codes().get(country.strip().casefold()) if country else None


@cache
def _codes() -> dict[str, str]:
    names: dict[str, list[str]] = json.loads(
        Path(__file__).with_suffix(".json").read_text(encoding="utf-8")
    )
    return {name.casefold(): code for code, known in names.items() for name in (code, *known)}
