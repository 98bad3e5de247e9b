"""How a column's values may be meant: the expression for each reading, and which texts fit it.

`{}` stands for the column. A reading is taken only when every value fits it and no other reading
fits as well, so that "1,234" alone decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from common.model import placeholders
from common.model.contract import Column
from common.model.currency import DECIMALS
from functions.validate_sql.profile.data_quality import literal
from functions.validate_sql.profile.profile import Profile


@dataclass(frozen=True)
class Candidate:
    """One reading: the expression that makes the wanted value, and the condition of fitting it."""

    expression: str
    fits: str = "TRUE"
    excused: str = "FALSE"
    """Which values may become NULL, as they stand for nobody."""
    family: str = ""
    """Readings of one family agree on every value that fits both; the first of them is taken."""
    is_sure: bool = False
    """Whether it is taken before all others that fit as well."""
    keeps_apart: bool = False
    """Whether values that differ must still differ afterwards."""
    keeps_sum: bool = False
    """Whether the values are numbers already, whose sum must stay what it is."""

    def of(self, text: str) -> str:
        """The expression for a column that is written so."""
        return self.expression.replace("{}", text)


def of_type(wanted: Column, source: str, timezone: str, currency: str) -> list[Candidate]:
    """Readings of a column of GoogleSQL type `source` that make the wanted type.

    Of amounts with a sign only those in `currency`, the project's, are read: without their sign
    they would be taken for it.
    """
    if wanted.mode == "REPEATED":
        return []
    match wanted.type:
        case "FLOAT":
            return _apart(_numbers(source, currency))
        case "BOOLEAN":
            return _truths(source)
        case "TIMESTAMP":
            return _apart(_moments(source, timezone))
        case "STRING":
            return _apart(_texts(source))
    return []


def _apart(listed: Iterable[Candidate]) -> list[Candidate]:
    return [replace(candidate, keeps_apart=True) for candidate in listed]


def of_currency(profile: Profile, currency: str) -> list[Candidate]:
    """Symbols as codes; none when one of the values is neither a code nor a symbol of only one.

    A symbol that several currencies share is the project's `currency`, if that is among them and no
    value is the code or the symbol of another of them.
    """
    unknown = [code for code in profile.currencies if code.strip().upper() not in DECIMALS]
    meant = {code: _meant(code.strip(), profile.currencies, currency) for code in unknown}
    if not unknown or not all(meant.values()):
        return []
    whens = " ".join(f"WHEN {literal(code)} THEN '{meant[code]}'" for code in unknown)
    others = [code for code in profile.currencies if code not in unknown]
    kept = "{}" if all(code == code.strip().upper() for code in others) else "UPPER(TRIM({}))"
    return [Candidate(f"CASE {{}} {whens} ELSE {kept} END")]


def of_case() -> list[Candidate]:
    """Codes in capitals."""
    return [Candidate("UPPER(TRIM({}))")]


def of_client_id(profile: Profile) -> list[Candidate]:
    """The client id out of a cookie, and nobody for what stands for nobody; others stay."""
    clients = profile.clients
    # an address is nobody's client id, and lost digits come back by no expression
    if clients is None or clients.addresses or clients.scientific:
        return []
    text = "{}"
    if clients.with_cookie_prefix:
        text = f"COALESCE(REGEXP_EXTRACT({text}, r'^GA[0-9]+\\.[0-9]+\\.([0-9]+\\.[0-9]+)$'), {{}})"
    excused = "FALSE"
    if clients.placeholders:
        listed = ", ".join(literal(word) for word in sorted(placeholders.NOBODY))
        excused = f"LOWER(TRIM({{}})) IN ({listed})"
        text = f"IF({excused}, NULL, {text})"
    return [] if text == "{}" else [Candidate(text, excused=excused)]


def of_status(profile: Profile) -> list[Candidate]:
    """The statuses of the CRM as won, lost and open; none when one of them is not understood."""
    meant = {status: _status(status) for status in profile.statuses}
    if not all(meant.values()):
        return []
    whens = " ".join(f"WHEN {literal(said)} THEN '{mean}'" for said, mean in meant.items())
    return [Candidate(f"CASE {{}} {whens} END")]


def of_address() -> list[Candidate]:
    """A hash in place of an address."""
    return [Candidate("TO_HEX(SHA256(LOWER(TRIM({}))))")]


_SYMBOLS: Mapping[str, str] = {
    "€": "EUR",
    "US$": "USD",
    "CA$": "CAD",
    "A$": "AUD",
    "AU$": "AUD",
    "NZ$": "NZD",
    "HK$": "HKD",
    "R$": "BRL",
    "CN¥": "CNY",
    "₹": "INR",
    "₪": "ILS",
    "₩": "KRW",
    "zł": "PLN",
    "Kč": "CZK",
}
_SHARED: Mapping[str, frozenset[str]] = {
    "$": frozenset(
        """ARS AUD BBD BMD BND BSD BZD CAD CLP COP DOP FJD GYD HKD JMD KYD LRD MXN NAD NZD SBD SGD
        SRD TTD TWD USD UYU XCD""".split()
    ),
    "£": frozenset("EGP FKP GBP GIP LBP SDG SHP SSP SYP".split()),
    "¥": frozenset({"CNY", "JPY"}),
    "kr": frozenset({"DKK", "ISK", "NOK", "SEK"}),
}
"""Symbols that alone do not tell the currency."""
_WON = ("won", "closedwon", "closed won", "gewonnen", "paid", "converted")
_LOST = ("lost", "closedlost", "closed lost", "verloren", "rejected", "cancelled", "canceled")
_OPEN = ("open", "new", "in progress", "pending", "qualified", "negotiation", "proposal")
_YES = ("yes", "y", "true", "t", "1")
_NO = ("no", "n", "false", "f", "0")


def _meant(symbol: str, values: Iterable[str], currency: str) -> str:
    """The code that the symbol stands for, "" where it may be another's."""
    shared = _SHARED.get(symbol)
    if shared is None:
        return _SYMBOLS.get(symbol, "")
    # with CAD among the values, "$" beside it may be either
    codes = {_SYMBOLS.get(value.strip(), value.strip().upper()) for value in values}
    return currency if currency in shared and codes & shared <= {currency} else ""


def _status(text: str) -> str:
    # closed_won and closed-won are one status in different exports
    plain = text.strip().lower().replace("_", " ").replace("-", " ")
    by_word = {"won": _WON, "lost": _LOST, "open": _OPEN}
    return next((meant for meant, words in by_word.items() if plain in words), "")


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _matches(pattern: str) -> str:
    return f"REGEXP_CONTAINS(TRIM({{}}), r'^(?:{pattern})$')"


_SIGN = r"[-+]?"
_WHOLE = rf"{_SIGN}[0-9]+"
_PLAIN = rf"{_SIGN}[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?"
# no group of thousands begins with 0, so that 0.250 is a quarter to everybody
_ENGLISH = rf"{_SIGN}[1-9][0-9]{{0,2}}(?:,[0-9]{{3}})+(?:\.[0-9]+)?|{_SIGN}[0-9]+(?:\.[0-9]+)?"
_CONTINENTAL = rf"{_SIGN}[1-9][0-9]{{0,2}}(?:\.[0-9]{{3}})+(?:,[0-9]+)?|{_SIGN}[0-9]+(?:,[0-9]+)?"


def _numbers(source: str, currency: str) -> list[Candidate]:
    if source in ("INT64", "NUMERIC", "BIGNUMERIC"):
        return [Candidate("CAST({} AS FLOAT64)", keeps_sum=True)]
    if source == "BOOL":
        # FLOAT64 takes no BOOL in a CAST
        return [Candidate("IF({}, 1.0, 0.0)")]
    if source != "STRING":
        return []
    bare = "REGEXP_REPLACE({}, r'[^0-9.,+-]', '')"
    plain = "SAFE_CAST({} AS FLOAT64)"
    english = "SAFE_CAST(REPLACE({}, ',', '') AS FLOAT64)"
    continental = "SAFE_CAST(REPLACE(REPLACE({}, '.', ''), ',', '.') AS FLOAT64)"
    return [
        Candidate(plain, _matches(_WHOLE), is_sure=True),
        # 1.234 alone is one and a bit in English and a thousand on the continent
        Candidate(plain, _matches(_PLAIN), family="english"),
        Candidate(english, _matches(_ENGLISH), family="english"),
        Candidate(continental, _matches(_CONTINENTAL), family="continental"),
        Candidate(
            english.replace("{}", bare), _matches(_money(_ENGLISH, currency)), family="english"
        ),
        Candidate(
            continental.replace("{}", bare),
            _matches(_money(_CONTINENTAL, currency)),
            family="continental",
        ),
    ]


def _money(number: str, currency: str) -> str:
    """The pattern of a number with the code or a sign of this currency before or behind it."""
    signs = [sign for sign, code in _SYMBOLS.items() if code == currency]
    signs += [sign for sign, codes in _SHARED.items() if currency in codes]
    sign = "|".join([currency, *map(re.escape, signs)])
    return rf"(?:{sign})?\s*(?:{number})\s*(?:{sign})?"


def _truths(source: str) -> list[Candidate]:
    if source in ("INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC"):
        return [Candidate("{} != 0", "{} IN (0, 1)")]
    if source != "STRING":
        return []
    # an empty text says neither yes nor no
    plain = "NULLIF(LOWER(TRIM({})), '')"
    return [Candidate(f"{plain} IN ({_listed(_YES)})", f"{plain} IN ({_listed(_YES + _NO)})")]


_DAY, _MONTH, _YEAR = "(?:0?[1-9]|[12][0-9]|3[01])", "(?:0?[1-9]|1[0-2])", "[0-9]{4}"
_TIME = "[0-9]{1,2}:[0-9]{2}:[0-9]{2}"
_ISO = "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"


def _moments(source: str, timezone: str) -> list[Candidate]:
    if source in ("DATE", "DATETIME"):
        return [Candidate(f"TIMESTAMP({{}}, '{timezone}')")]
    if source in ("INT64", "FLOAT64", "NUMERIC"):
        # TIMESTAMP_SECONDS takes INT64 alone
        number = "{}" if source == "INT64" else "CAST({} AS INT64)"
        return [_epoch(number, unit, scale) for unit, scale in _UNITS]
    if source != "STRING":
        return []
    return [
        Candidate("TIMESTAMP({})", _matches(rf"{_ISO}[T ]{_TIME}(?:\.[0-9]+)?(?:Z|[+-][0-9:]+)")),
        Candidate(
            f"TIMESTAMP({{}}, '{timezone}')", _matches(rf"{_ISO}(?:[T ]{_TIME}(?:\.[0-9]+)?)?")
        ),
        # %d/%m and %m/%d both fit a day up to 12: then two families hold, and none is taken
        *(
            Candidate(f"PARSE_TIMESTAMP('{style}', TRIM({{}}), '{timezone}')", _matches(pattern))
            for style, pattern in _STYLES
        ),
        *(
            Candidate(_epoch("CAST({} AS INT64)", unit, scale).expression, _matches(digits))
            for (unit, scale), digits in zip(
                _UNITS, ("[0-9]{10}", "[0-9]{13}", "[0-9]{16}"), strict=True
            )
        ),
    ]


_UNITS = (("SECONDS", 1), ("MILLIS", 1_000), ("MICROS", 1_000_000))
_STYLES = (
    ("%Y%m%d", "(?:19|20)[0-9]{6}"),
    ("%d.%m.%Y", rf"{_DAY}\.{_MONTH}\.{_YEAR}"),
    ("%d.%m.%Y %H:%M:%S", rf"{_DAY}\.{_MONTH}\.{_YEAR} {_TIME}"),
    ("%d/%m/%Y", f"{_DAY}/{_MONTH}/{_YEAR}"),
    ("%m/%d/%Y", f"{_MONTH}/{_DAY}/{_YEAR}"),
    ("%d/%m/%Y %H:%M:%S", f"{_DAY}/{_MONTH}/{_YEAR} {_TIME}"),
    ("%m/%d/%Y %H:%M:%S", f"{_MONTH}/{_DAY}/{_YEAR} {_TIME}"),
)


def _epoch(number: str, unit: str, scale: int) -> Candidate:
    """Seconds since 1970 or a part of them: times from the year 2000 to 2100."""
    first, last = 946_684_800 * scale, 4_102_444_800 * scale
    return Candidate(f"TIMESTAMP_{unit}({number})", f"{{}} BETWEEN {first} AND {last}")


def _texts(source: str) -> list[Candidate]:
    if source == "FLOAT64":
        # digits beyond 2^53 are gone already, and CAST would write 1.76e+15
        whole = "{} = TRUNC({}) AND ABS({}) < 9007199254740992"
        return [Candidate("CAST(CAST({} AS INT64) AS STRING)", whole)]
    if source == "JSON":
        return [Candidate("JSON_VALUE({})")]
    if source == "BYTES":
        return [Candidate("TO_HEX({})")]
    return [] if source.startswith(("ARRAY", "STRUCT")) else [Candidate("CAST({} AS STRING)")]
