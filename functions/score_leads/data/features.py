"""Leads as arrays: every used attribute becomes numbers, codes or hashed words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer

from functions.score_leads.data.attributes import ABSENT, Attribute, Codes, codes
from functions.score_leads.data.values import Floats, Raw, clean, moments, numbers

DAY = 86_400.0
PART = " / "
"""Joins an attribute and the part of it that one feature holds."""

WORDS = 1024
"""Buckets that the words of one free text are hashed into."""

CREATION = "created"
"""Name of the features of a lead's own creation."""

FEW_DAYS, SELDOM = 56, 1 / 3
"""Days with new leads: fewer than eight of each weekday, on less than a third of all days."""

Index = NDArray[np.int64] | NDArray[np.bool_]


@dataclass(frozen=True)
class Features:
    """Features by name, each with one entry a lead; names are attributes, or attribute / part."""

    count: int
    numbers: Mapping[str, Floats] = field(default_factory=dict)
    codes: Mapping[str, Codes] = field(default_factory=dict)
    words: Mapping[str, sparse.csr_matrix] = field(default_factory=dict)
    created: Floats | None = None
    """Seconds since 1970: no feature, but what a lead is known by again; None when not known."""

    def take(self, leads: Index) -> Features:
        """The features of some of the leads."""
        return Features(
            len(np.arange(self.count)[leads]),
            {name: values[leads] for name, values in self.numbers.items()},
            {name: values[leads] for name, values in self.codes.items()},
            {name: values[leads] for name, values in self.words.items()},
            None if self.created is None else self.created[leads],
        )


def attribute_of(feature: str) -> str:
    """The attribute that a feature was made from."""
    return feature.rsplit(PART, 1)[0]


def read(
    attributes: Sequence[Attribute], columns: Mapping[str, Raw], created: Floats | None, count: int
) -> Features:
    """The used attributes of `count` leads as features.

    `created` holds seconds since 1970, or None when only the order of the leads is known. A column
    that is absent reads as missing for every lead.
    """
    absent: Raw = [None] * count
    parts = [
        _READERS[attribute.kind](attribute, columns.get(attribute.name, absent), created)
        for attribute in attributes
        if not attribute.refused
    ]
    if created is not None:
        parts.append(_clock(CREATION, created))
    return Features(
        count,
        {name: values for part in parts for name, values in part.numbers.items()},
        {name: values for part in parts for name, values in part.codes.items()},
        {name: values for part in parts for name, values in part.words.items()},
        created,
    )


def without_batches(features: Features) -> Features:
    """The features of training leads, without the clock of their creation if they came in batches.

    Where a whole list comes on a few days, its weekday only says which list it was, and a coming
    list would be taken for the old one of its weekday.
    """
    if features.created is None or not features.count:
        return features
    day = np.unique(np.floor(features.created / DAY))
    if len(day) >= FEW_DAYS or len(day) >= SELDOM * (day[-1] - day[0] + 1):
        return features
    own = {f"{CREATION}{PART}hour", f"{CREATION}{PART}weekday"}
    return replace(
        features,
        numbers={name: each for name, each in features.numbers.items() if name not in own},
        codes={name: each for name, each in features.codes.items() if name not in own},
    )


def _number(attribute: Attribute, values: Raw, _: Floats | None) -> Features:
    return Features(len(values), numbers={attribute.name: numbers(values)})


def _category(attribute: Attribute, values: Raw, _: Floats | None) -> Features:
    return Features(len(values), codes={attribute.name: codes(values, attribute.levels)})


def _moment(attribute: Attribute, values: Raw, created: Floats | None) -> Features:
    # never the date itself: it would tie the model to the past
    at = moments(values, attribute.day_first)
    clock = _clock(attribute.name, at)
    if created is None:
        return clock
    before = {f"{attribute.name}{PART}days before creation": (created - at) / DAY}
    return Features(len(values), {**clock.numbers, **before}, clock.codes)


def _clock(name: str, at: Floats) -> Features:
    there = ~np.isnan(at)
    # 1970-01-01 was a Thursday; Monday is 0
    weekday = (np.floor(np.where(there, at, 0) / DAY) + 3) % 7
    return Features(
        len(at),
        {f"{name}{PART}hour": at % DAY / 3600},
        {f"{name}{PART}weekday": np.where(there, weekday + 2, ABSENT).astype(np.int32)},
    )


def _text(attribute: Attribute, values: Raw, _: Floats | None) -> Features:
    texts = [str(clean(value) or "") for value in values]
    return Features(
        len(texts),
        numbers={
            f"{attribute.name}{PART}{trait}": np.array([float(measure(text)) for text in texts])
            for trait, measure in _TRAITS.items()
        },
        words={f"{attribute.name}{PART}words": _HASHER.transform(texts)},
    )


_HASHER = HashingVectorizer(n_features=WORDS, alternate_sign=False)

_LINK = re.compile(r"https?://|www\.|\S@\S")

_TRAITS: dict[str, Callable[[str], float]] = {
    "length": len,
    "digits": lambda text: sum(map(str.isdigit, text)),
    "link or address": lambda text: bool(_LINK.search(text)),
}

_READERS: dict[str, Callable[[Attribute, Raw, Floats | None], Features]] = {
    "number": _number,
    "category": _category,
    "moment": _moment,
    "text": _text,
}
