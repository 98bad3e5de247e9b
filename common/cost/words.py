"""Bytes and money for people."""

from __future__ import annotations

UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def money(usd: float) -> str:
    """Such as about 12.30."""
    return "less than 0.01" if 0 < usd < 0.01 else f"about {usd:,.2f}"


def size_in_words(bytes: int | None) -> str:
    """Such as 1.5 GiB."""
    if bytes is None:
        return "an unknown size"
    amount, unit = float(bytes), 0
    # by 1,024, as BigQuery bills
    while amount >= 1024 and unit < len(UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:,.0f} {UNITS[unit]}" if unit == 0 else f"{amount:,.1f} {UNITS[unit]}"
