"""Products of an order, as the parameter `items` of a conversion tells them. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from common.untyped import Row
from functions.export.payload.identifiers import stands_for_nothing
from functions.export.transport import foreign

PARAMETER = "items"
"""Simple conversions with `items` write it, and so may a query: a JSON list of objects with
item_id, price and quantity, as GA4 names them."""


@dataclass(frozen=True, slots=True)
class Product:
    """One line of an order; the price is that of one, in the order's currency."""

    id: str
    quantity: int
    price: float | None


def products(text: str | None) -> list[Product]:
    """The lines that name their product, in order; none where the text is no such list."""
    try:
        lines = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return []
    return list(_read(lines))


def _read(lines: object) -> Iterator[Product]:
    for line in foreign.objects(lines):
        id = foreign.text(line.get("item_id")).strip()
        quantity = _quantity(line)
        if not stands_for_nothing(id) and quantity:
            yield Product(id, quantity, _price(line))


def _quantity(line: Row) -> int:
    """How many; GA4 counts one where nothing is said. 0 for what is no number of things."""
    said = line.get("quantity")
    if said is None:
        return 1
    number = foreign.number(said)
    whole = number is not None and 1 <= number < LARGEST and number == int(number)
    return int(number) if number is not None and whole else 0


def _price(line: Row) -> float | None:
    number = foreign.number(line.get("price"))
    return number if number is not None and SMALLEST <= number < LARGEST else None


SMALLEST = 0.01
LARGEST = 1e15
"""Above this a float has no cents."""
