"""Seeded dice: every draw has an address, so that one part can change and the rest stays."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Mapping
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")


def dice(seed: int, *address: object) -> Random:
    """A generator of its own for the address; the same on every machine and in every process."""
    # Random takes a text by its SHA-512; a tuple's hash differs from process to process
    return Random("/".join(str(part) for part in (seed, *address)))


class Weighted(Generic[T]):
    """A choice between things by weight: `Weighted({"a": 3, "b": 1})(generator)`."""

    def __init__(self, weights: Mapping[T, float]) -> None:
        self._things = list(weights)
        self._bounds = list(accumulate(weights.values()))

    def __call__(self, generator: Random) -> T:
        """One of the things."""
        return self._things[bisect(self._bounds, generator.random() * self._bounds[-1])]


def poisson(generator: Random, mean: float) -> int:
    """A Poisson count, by multiplication of uniforms (Knuth); meant for means below 500."""
    # beyond a mean of 745 the limit is 0 to a float, and the loop would not end
    limit, product, count = math.exp(-mean), generator.random(), 0
    while product > limit:
        product *= generator.random()
        count += 1
    return count
