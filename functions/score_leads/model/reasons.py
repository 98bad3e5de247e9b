"""Why a lead scored as it did: an additive stand-in for the model, in points of probability."""

from __future__ import annotations

import math
import re
from calendar import day_name
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import Ridge

from functions.score_leads.data.features import Features, attribute_of
from functions.score_leads.data.values import Floats, Raw, clean
from functions.score_leads.model.encoding import Design, Encoded, Encoder
from functions.score_leads.numeric.log_odds import probability

Predict = Callable[[Encoded], Floats]
"""Log-odds of encoded leads."""

ROWS = 25_000
MOST = 5
AT_ONCE = 1000
"""Leads whose reasons stay in the processor's cache until somebody has read them."""
MOST_SHORT = 1e6
"""Amounts from here on are written out, with commas."""
LEAST_POINTS = 0.1
"""A reason smaller than a tenth of a percentage point tells nobody anything."""


SPOKEN = {
    "analytics_first_url": "First page seen",
    "analytics_num_page_views": "Pages seen",
    "analytics_num_visits": "Visits",
    "analytics_source": "Original source",
    "created": "Time of the request",
    "form_page": "Page of the form",
    "annualrevenue": "Annual revenue",
    "companyname": "Company name",
    "industrycode": "Industry",
    "jobtitle": "Job title",
    "leadsourcecode": "Lead source",
    "numberofemployees": "Number of employees",
    "numemployees": "Number of employees",
}
"""Names that CRMs write without a gap, or that nobody in sales would say."""

_CONSTANT = re.compile(r"[A-Z]+(_[A-Z]+)+")
"""How CRMs write a choice inside: PAID_SEARCH is shown as Paid search."""


NOT_GIVEN = "not given"


class Reason(TypedDict):
    """One attribute's part in a lead's score, as a row of lead_scores holds it."""

    attribute: str
    value: str
    points: float
    """Percentage points of probability, against the average lead."""


@dataclass(frozen=True)
class Surrogate:
    """A linear model of the model's log-odds, whose parts add up attribute by attribute."""

    weights: Floats
    attributes: tuple[str, ...]
    owner: NDArray[np.int64]
    """Index of the attribute behind each entry of a design row, then behind each free text."""
    average: Floats
    """Each attribute's mean part over the training leads."""
    centre: float
    """The average lead's log-odds."""
    agreement: float
    """Share of the variance of the model's log-odds that the surrogate follows."""

    def parts(self, design: Design) -> Floats:
        """Log-odds that each attribute adds to each lead, against the average lead."""
        return _summed(design, self.weights, self.owner, len(self.attributes)) - self.average

    def points(self, design: Design, logits: Floats, shift: float) -> Floats:
        """The same in percentage points of probability; `shift` moved everybody's log-odds.

        Log-odds become points along the line from the average lead to this one, so that a lead's
        points add up to how far its probability is from the average lead's.
        """
        return 100 * self.parts(design) * _slope(logits, self.centre + shift)[:, None]


def fit(encoder: Encoder, features: Features, predict: Predict, seed: int) -> Surrogate:
    """The surrogate of a model that gives log-odds to encoded leads.

    It learns from leads as they are and from leads put together of several: where attributes go
    together, only the latter show which of them the model listens to.
    """
    draw = np.random.default_rng(seed)
    kept = np.sort(draw.permutation(features.count)[:ROWS])
    some = features.take(kept)
    real, mixed = encoder.encode(some), encoder.encode(_mixed(some, draw))
    # against Shapley values of 40 permutations: rank correlation .91 to .95, always the same sign,
    # at a thousandth of the time
    logits = predict(real)
    ridge = Ridge(alpha=1.0, solver="sparse_cg").fit(
        sparse.vstack([real.matrix, mixed.matrix]), np.concatenate([logits, predict(mixed)])
    )
    attributes = tuple(dict.fromkeys(encoder.owners))
    owner = np.array([attributes.index(name) for name in encoder.owners])
    raw = _summed(real.design, ridge.coef_, owner, len(attributes))
    return Surrogate(
        weights=ridge.coef_,
        attributes=attributes,
        owner=owner,
        average=raw.mean(axis=0),
        centre=float(logits.mean()),
        agreement=float(ridge.score(real.matrix, logits)),
    )


def _mixed(features: Features, draw: np.random.Generator) -> Features:
    """Leads that have each attribute, with all its parts, from another lead."""
    names = [*features.numbers, *features.codes, *features.words]
    order = {
        attribute: draw.permutation(features.count)
        for attribute in dict.fromkeys(map(attribute_of, names))
    }
    return Features(
        features.count,
        {name: values[order[attribute_of(name)]] for name, values in features.numbers.items()},
        {name: values[order[attribute_of(name)]] for name, values in features.codes.items()},
        {name: values[order[attribute_of(name)]] for name, values in features.words.items()},
    )


def _summed(design: Design, weights: Floats, owner: NDArray[np.int64], attributes: int) -> Floats:
    entries = weights[design.places] * design.amounts
    slots = entries.shape[1]
    belongs = np.zeros((slots, attributes))
    belongs[np.arange(slots), owner[:slots]] = 1
    parts: Floats = entries @ belongs
    if design.words is not None:
        texts = len(owner) - slots
        width = design.words.shape[1] // texts
        for text in range(texts):
            block = slice(text * width, (text + 1) * width)
            spoken = design.words[:, block] @ weights[design.width :][block]
            parts[:, owner[slots + text]] += spoken
    return parts


def _slope(logits: Floats, centre: float) -> Floats:
    """Rise of the probability per log-odds between the average lead and each lead."""
    way = logits - centre
    near = np.abs(way) < 1e-6
    average = probability(np.array([centre]))[0]
    rise = probability(logits) - average
    slope: Floats = np.where(near, average * (1 - average), rise / np.where(near, 1, way))
    return slope


def strongest(
    points: Floats, attributes: Sequence[str], columns: Mapping[str, Raw]
) -> Iterator[list[Reason]]:
    """For each lead up to MOST reasons for and MOST against, the strongest first."""
    labels = [in_words(name) for name in attributes]
    values = [columns.get(name) for name in attributes]
    for first in range(0, len(points), AT_ONCE):
        yield from _reasons(points[first : first + AT_ONCE], first, labels, values)


def _reasons(
    points: Floats, first: int, labels: Sequence[str], columns: Sequence[Raw | None]
) -> Iterator[list[Reason]]:
    """Of these leads, which begin at the first of the columns' ones."""
    places = _most_telling(points)
    lead, slot = np.nonzero(places >= 0)
    place = places[lead, slot]
    values = _said(place, first + lead, columns)
    parts = points[lead, place].round(1).tolist()
    reasons: list[Reason] = [
        {"attribute": labels[of], "value": value, "points": part}
        for of, value, part in zip(place.tolist(), values, parts, strict=True)
    ]
    ends = np.cumsum((places >= 0).sum(axis=1)).tolist()
    for start, end in pairwise([0, *ends]):
        yield reasons[start:end]


def _said(
    place: NDArray[np.int64], lead: NDArray[np.int64], columns: Sequence[Raw | None]
) -> list[str]:
    """In words, what each of these leads has in the column of this place."""
    said = np.empty(len(place), dtype=object)
    # column by column: the values of one are alike
    order = np.argsort(place, kind="stable")
    ends = np.searchsorted(place[order], np.arange(len(columns) + 1))
    for column, (start, end) in zip(columns, pairwise(ends.tolist()), strict=True):
        mine = order[start:end]
        if column is None:
            said[mine] = NOT_GIVEN
        else:
            said[mine] = _in_words([column[row] for row in lead[mine].tolist()])
    words: list[str] = said.tolist()
    return words


def _most_telling(points: Floats) -> NDArray[np.int64]:
    """Places of each lead's MOST highest and MOST lowest points; -1 where they tell nothing."""
    most = min(MOST, points.shape[1])
    rising = np.argsort(points, axis=1, kind="stable")
    places = np.hstack([rising[:, ::-1][:, :most], rising[:, :most]])
    # the highest are for, the lowest against
    signed = np.take_along_axis(points, places, axis=1)
    signed[:, most:] *= -1
    return np.where(signed >= LEAST_POINTS, places, -1)


def length(text: object) -> str | None:
    """Free text as a reason shows it: by its length alone; None where there is none."""
    written = clean(text)
    return None if written is None else f"{len(str(written).split())} words"


def in_words(attribute: str) -> str:
    """The attribute's name as a person would write it: property_jobTitle is Job title."""
    plain = attribute.removeprefix("params.").removeprefix("property_").removeprefix("hs_")
    plain = plain.removesuffix("__c").removesuffix("_c")
    if plain in SPOKEN:
        return SPOKEN[plain]
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", plain)
    words = re.sub(r"[_\s]+", " ", parted).strip()
    return words[:1].upper() + (words[1:] if words.isupper() else words[1:].lower())


def _in_words(values: list[Any]) -> list[str]:
    kinds = set(map(type, values))
    if kinds == {float} and min(values) > -MOST_SHORT and max(values) < MOST_SHORT:
        written = "%.6g " * len(values) % tuple(values)
        # nan is neither small nor large
        if "n" not in written:
            return written.split()
    if len(kinds) == 1:
        return list(map(_SHOWN.get(kinds.pop(), _other), values))
    return [_SHOWN.get(type(value), _other)(value) for value in values]


def _amount(number: float) -> str:
    # first what nearly all are; a number that is none is nowhere
    if -MOST_SHORT < number < MOST_SHORT:
        return f"{number:.6g}"
    return f"{number:,.0f}" if math.isfinite(number) else NOT_GIVEN


def _moment(moment: datetime) -> str:
    # the model sees weekday and hour alone, so the reason shows no more
    return _hour(moment.weekday(), moment.hour)


@cache
def _hour(weekday: int, hour: int) -> str:
    return f"{day_name[weekday]}, {hour:02d}:00 UTC"


def _other(value: object) -> str:
    return NOT_GIVEN if value is None else _text(str(value))


@lru_cache(10_000)
def _text(text: str) -> str:
    """Levels repeat from lead to lead, so each is put into words once."""
    value = clean(text)
    if value is None:
        return NOT_GIVEN
    said = str(value)
    if _CONSTANT.fullmatch(said):
        said = said.replace("_", " ").capitalize()
    return said if len(said) <= 80 else f"{said[:79]}…"


_SHOWN: dict[type, Callable[[Any], str]] = {
    str: _text,
    float: _amount,
    bool: lambda answer: "yes" if answer else "no",
    datetime: _moment,
}
