"""What an attribute holds, a number, a category, a moment or free text, or why it is left out."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from functions.score_leads.data.values import (
    Floats,
    Raw,
    clean,
    day_comes_first,
    number,
    numbers,
    present,
    seconds,
)

Codes = NDArray[np.int32]
Kind = Literal["number", "category", "moment", "text"]

RARE, ABSENT = 0, 1
"""Codes of rare or unseen levels, and of missing values; known levels follow."""

MAX_LEVELS = 5000
"""Levels of one attribute that are told apart while reading; the model keeps fewer."""

# refused however few values there are: a model may not judge people by gender or age
_ALWAYS_PERSONAL = re.compile(r"gender|sex|salutation|birth_?date|birthday|date_of_birth|dob")
_PERSONAL = re.compile(
    r"e_?mail|e_?mail_address|phone|phone_number|mobile|mobile_phone|telephone|fax|name|full_name"
    r"|first_?name|last_?name|middle_?name|surname|family_name|given_name|contact_name|ssn"
    r"|passport|ip|ip_address|street|(street_|home_|postal_)?address(_1|_2)?"
)
# Fivetran puts property_ in front, Salesforce __c behind, which snake case leaves as _c
_DECORATION = re.compile(r"^((property|params|contact|customer|lead|person|user)_)+(?!$)|_c$")
# whole numbers that are no amounts; where the name says nothing, model/whole_numbers.py decides
_CODED = re.compile(r"(.*_)?(id|key|code|zip|zipcode|postcode|guid|uuid)")
_DATED = re.compile(r".*(date|time|stamp).*|.*_(at|on)")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-zA-Z]{2,}")
# only with a plus, 00 or bracket in front: bare digits may be an amount as well
_PHONE = re.compile(r"(\+|00|\()[\d\s()./-]{7,20}")


@dataclass(frozen=True)
class Attribute:
    """One column of the leads as the model reads it."""

    name: str
    kind: Kind
    refused: str = ""
    """Why the model does not use it; empty when it does."""
    levels: Mapping[str, int] = field(default_factory=dict)
    """Category: the code of each level, from 2 on, frequent ones first."""
    day_first: bool = True
    """Moment: whether 03/04/2024 is the third of April."""


def profile(name: str, values: Raw, placed: Floats) -> Attribute:
    """What the attribute holds, judged by the values of the training leads alone.

    `placed` is each lead's place in time. It finds numbers that only count time up, such as row
    numbers; they would tie the model to the past.
    """
    there = present(values)
    distinct = len(set(map(str, there)))
    if not there:
        return Attribute(name, "category", refused="it is always empty")
    # one value beside missing ones is kept: that it is filled may tell
    if distinct == 1 and len(there) == len(values):
        return Attribute(name, "category", refused="it is always the same")
    if _is_personal(name, there, distinct):
        return Attribute(name, "category", refused="it is personal data")
    kind = _kind(name, there)
    match kind:
        case "number":
            return Attribute(name, kind, refused=_number_refusal(values, placed))
        case "moment":
            return Attribute(name, kind, day_first=day_comes_first(there))
        # of few values most differ by chance, of many only an identifier's do
        case "category" if len(there) >= 50 and distinct > 0.95 * len(there):
            return Attribute(name, kind, refused="it is an identifier, different for every lead")
        case "category":
            return Attribute(name, kind, levels=_levels(there))
    return Attribute(name, kind)


def as_category(attribute: Attribute, values: Raw) -> Attribute:
    """The number read as a category: its values are codes, not amounts."""
    return replace(attribute, kind="category", levels=_levels(present(values)))


def codes(values: Raw, levels: Mapping[str, int]) -> Codes:
    """Each value's code: RARE when it is not among the levels, ABSENT when missing."""
    known: dict[object, int] = {None: ABSENT}
    known.update(levels)
    if not set(map(type, values)) <= {str, type(None)}:
        values = [level(value) for value in values]
    read = np.fromiter(map(known.get, values, repeat(-1)), np.int32, len(values))
    for unread in np.flatnonzero(read < 0).tolist():
        read[unread] = known.get(level(values[unread]), RARE)
    return read


def level(value: object) -> str | None:
    """The value as the text that stands for it among the levels; None when missing."""
    value = clean(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value is None else str(value)


def rank_correlation(first: Floats, second: Floats) -> float:
    """Spearman's correlation from -1 to 1; 0 when one side is constant."""
    a, b = average_ranks(first), average_ranks(second)
    if a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def average_ranks(values: Floats) -> Floats:
    """Ranks from 1, equal values sharing the average of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(count) - (count - 1) / 2)[place]
    return ranks


def _levels(there: list[object]) -> dict[str, int]:
    only_texts = set(map(type, there)) == {str}
    counts = Counter(map(str, there if only_texts else map(level, there)))
    # equal counts are ordered by name, so that the same data gives the same codes
    ordered = sorted(counts, key=lambda name: (-counts[name], name))
    return {name: code for code, name in enumerate(ordered[:MAX_LEVELS], start=2)}


def _kind(name: str, there: list[object]) -> Kind:
    sample = there if len(there) <= 5000 else there[:: len(there) // 5000]
    dated = bool(_DATED.fullmatch(snake(name)))
    # before numbers are tried: 1714557600 in created_at is a moment, and an amount elsewhere
    if dated and _share(sample, lambda value: not math.isnan(seconds(value))) >= 0.95:
        return "moment"
    if _share(sample, lambda value: not math.isnan(number(value))) >= 0.99:
        return "category" if _is_coded(name, sample) else "number"
    if _share(sample, lambda value: not math.isnan(seconds(value))) >= 0.95:
        return "moment"
    # more than three words a value, most values different: sentences, no levels
    words = sum(len(str(value).split()) for value in sample) / len(sample)
    varied = len(set(map(str, sample))) > 0.5 * len(sample)
    return "text" if words > 3 and varied else "category"


def _share(values: Sequence[object], holds: Callable[[object], bool]) -> float:
    return sum(map(holds, values)) / len(values)


def _is_coded(name: str, sample: list[object]) -> bool:
    whole = all(number(value).is_integer() for value in sample)
    return whole and bool(_CODED.fullmatch(snake(name)))


def _number_refusal(values: Raw, placed: Floats) -> str:
    read = numbers(values)
    there = ~np.isnan(read)
    known = read[there]
    distinct = len(np.unique(known))
    # few values run in step with time by chance
    if len(known) < 50 or distinct < 20:
        return ""
    in_step = abs(rank_correlation(known, placed[there]))
    if distinct > 0.95 * len(known) and in_step > 0.9 and bool(np.all(known % 1 == 0)):
        return "it is an identifier, different for every lead"
    # measured: a row number among the attributes moved the predicted total by 5 to 45 %
    return "it only counts time up" if in_step > 0.98 else ""


def is_personal_name(name: str) -> bool:
    """Whether a column of this name holds a person's own data, such as a name or an address."""
    plain = _plain(name)
    return bool(_ALWAYS_PERSONAL.fullmatch(plain) or _PERSONAL.fullmatch(plain))


def _plain(name: str) -> str:
    """The name without what CRMs and queries put around it: Contact_Gender__c is gender."""
    return _DECORATION.sub("", snake(name))


def _is_personal(name: str, there: list[object], distinct: int) -> bool:
    plain = _plain(name)
    if _ALWAYS_PERSONAL.fullmatch(plain):
        return True
    # a yes or no to an e-mail is no address: only varied values are a person's own
    if _PERSONAL.fullmatch(plain) and distinct > max(20, 0.2 * len(there)):
        return True
    texts = [value for value in there[:1000] if isinstance(value, str)]
    alike = max(_matching(_EMAIL, texts), _matching(_PHONE, texts))
    return bool(texts) and alike > 0.5 * len(texts)


def _matching(pattern: re.Pattern[str], texts: list[str]) -> int:
    return sum(bool(pattern.fullmatch(text)) for text in texts)


def snake(name: str) -> str:
    """The name in small letters and underscores, whatever its spelling."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")
