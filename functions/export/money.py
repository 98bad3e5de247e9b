"""Money as platforms take it: rounded to what its currency has, never converted."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

# ISO 4217 list one (active codes); the few without two decimals stand apart.
# Source: https://www.six-group.com/en/products-services/financial-information/data-standards.html
_ZERO = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split())
_THREE = frozenset("BHD IQD JOD KWD LYD OMR TND".split())
_TWO = frozenset(
    """AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD
    CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD
    HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD
    MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON
    RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD
    TZS UAH USD UYU UZS VES WST XCD XCG YER ZAR ZMW ZWG""".split()
)
_STEP = {
    **dict.fromkeys(_ZERO, Decimal("1")),
    **dict.fromkeys(_TWO, Decimal("0.01")),
    **dict.fromkeys(_THREE, Decimal("0.001")),
}


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in the smallest steps of its ISO 4217 currency; 0 is an amount, None is none."""

    amount: Decimal
    currency: str

    def __float__(self) -> float:
        return float(self.amount)


def is_currency(code: str) -> bool:
    """Whether ISO 4217 lists the code as active."""
    return code in _STEP


def money(value: float, currency: str) -> Money:
    """The value rounded half up to the currency's decimals; raises KeyError if it is unknown.

    The shortest decimal of the float is rounded, so 2.675 becomes 2.68 as people expect.
    """
    amount = Decimal(repr(value)).quantize(_STEP[currency], ROUND_HALF_UP)
    return Money(amount, currency)


def zero(currency: str) -> Money:
    """Nothing, in that currency."""
    return money(0.0, currency)
