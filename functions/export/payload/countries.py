"""Country names as GA4, CRMs and people write them, as ISO 3166 alpha-2 codes."""

from __future__ import annotations

import json
from functools import cache, lru_cache
from pathlib import Path

# European Economic Area, and the two whose consent rules Google's EU user consent policy joins to
# it: https://www.google.com/about/company/user-consent-policy/
EEA_LIKE = frozenset(
    """AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE
    IS LI NO GB CH""".split()
)


@lru_cache(maxsize=4096)
def code(country: str | None) -> str | None:
    """The alpha-2 code of a country's code or name, or None when it is not known."""
    text = country.strip().casefold() if country else ""
    return _codes().get(text) or _codes().get(text.replace(".", ""))


@cache
def _codes() -> dict[str, str]:
    names: dict[str, list[str]] = json.loads(
        Path(__file__).with_suffix(".json").read_text(encoding="utf-8")
    )
    return {name.casefold(): code for code, known in names.items() for name in (code, *known)}


def us_state(region: str | None) -> str | None:
    """The two letters of a US state or territory, in lower case, by its code, also as US-CA, or by
    its name, however punctuated; else None."""
    return _US_STATES.get(_letters(region).removeprefix("us-")) if region else None


def _letters(text: str) -> str:
    """The words in small letters, without points and commas."""
    return " ".join(text.casefold().replace(".", "").replace(",", " ").split())


_US_CODES = """AL=Alabama AK=Alaska AZ=Arizona AR=Arkansas CA=California CO=Colorado CT=Connecticut
DE=Delaware DC=District_of_Columbia FL=Florida GA=Georgia HI=Hawaii ID=Idaho IL=Illinois IN=Indiana
IA=Iowa KS=Kansas KY=Kentucky LA=Louisiana ME=Maine MD=Maryland MA=Massachusetts MI=Michigan
MN=Minnesota MS=Mississippi MO=Missouri MT=Montana NE=Nebraska NV=Nevada NH=New_Hampshire
NJ=New_Jersey NM=New_Mexico NY=New_York NC=North_Carolina ND=North_Dakota OH=Ohio OK=Oklahoma
OR=Oregon PA=Pennsylvania RI=Rhode_Island SC=South_Carolina SD=South_Dakota TN=Tennessee TX=Texas
UT=Utah VT=Vermont VA=Virginia WA=Washington WV=West_Virginia WI=Wisconsin WY=Wyoming
PR=Puerto_Rico GU=Guam VI=U.S._Virgin_Islands AS=American_Samoa MP=Northern_Mariana_Islands"""
"""Source: ISO 3166-2:US."""

_US_STATES = {
    _letters(name.replace("_", " ")): code.lower()
    for pair in _US_CODES.split()
    for code, _, full in [pair.partition("=")]
    for name in (code, full)
} | {"washington dc": "dc"}
