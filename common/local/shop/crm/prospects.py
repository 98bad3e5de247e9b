"""What makes a lead good: the true chance of a deal and the true size of one.

The product's models see the attributes only; the tests compare what they learn with this.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from common.local.shop.dice import Weighted, dice, poisson

AGAIN = 0.12
"""Chance that a lead is soon followed by another of the same deal, which then gets the credit."""
REVOKED = 0.02
"""Chance that a won deal is taken back later."""
DISCOUNTED, DISCOUNT = 0.06, 0.15
"""Chance that a won deal's amount is cut afterwards, and by which share on average."""
DELAY_SPREAD = 0.8
AMOUNT_SPREAD = 0.9
LANDINGS = 180

INDUSTRY = {
    # name: weight, effect on the chance, effect on the amount
    "Architecture": (12, 0.9, 0.3),
    "Hospitality": (10, 0.6, 0.7),
    "Real estate": (9, 0.4, 0.6),
    "Technology": (14, 0.3, 0.2),
    "Retail": (10, 0.0, 0.0),
    "Health care": (7, 0.1, 0.3),
    "Legal services": (6, 0.2, 0.1),
    "Education": (8, -0.7, -0.2),
    "Public sector": (5, -0.3, 0.5),
    "Media": (6, -0.2, -0.1),
    "Non-profit": (5, -0.9, -0.5),
    "Manufacturing": (8, -0.1, 0.4),
}
FORM = {
    # id: title, weight, effect on the chance, effect on the amount
    "quote": ("Request an offer", 34, 0.9, 0.0),
    "fitout": ("Office fit-out", 16, 0.5, 1.1),
    "sample": ("Order samples", 18, -0.1, -0.4),
    "catalogue": ("Catalogue download", 24, -1.1, -0.3),
    "partner": ("Become a partner", 8, -1.6, 0.2),
}
SENIORITY = {
    "Owner": (10, 0.8, 0.2),
    "Head of": (14, 0.7, 0.4),
    "Manager": (26, 0.2, 0.1),
    "Assistant": (22, -0.3, -0.1),
    "Student": (6, -2.2, -0.8),
    "": (22, -0.2, 0.0),
}
FIELD = ("Facilities", "Procurement", "Design", "Operations", "Finance", "Marketing", "People")
GROUP = {
    "Paid Social": -0.7,
    "Display": -1.0,
    "Paid Search": 0.2,
    "Organic Search": 0.3,
    "Referral": 0.5,
    "Email": 0.1,
    "Direct": 0.0,
}
NOTE = {
    # what people write: weight, effect on the chance
    "We need this urgently for our new office": (10, 0.8),
    "Please send a binding offer for the attached list": (12, 0.9),
    "Could you tell me more about delivery times": (20, 0.1),
    "Is there a showroom near us": (14, 0.0),
    "I am writing my thesis about sustainable furniture": (5, -2.0),
    "We offer link building and search engine services": (6, -2.8),
    "": (33, -0.1),
}


@dataclass(frozen=True, slots=True)
class Company:
    """What is known of the sender; None where the form was left empty."""

    industry: str
    employees: int
    revenue: float
    seniority: str
    field: str
    shows_employees: bool
    shows_revenue: bool

    @property
    def job_title(self) -> str | None:
        """Free enough to have many spellings; None when nothing was written."""
        return f"{self.seniority} {self.field}".strip() if self.seniority else None


@dataclass(frozen=True, slots=True)
class Enquiry:
    """What was asked, where, and after how many pages; known the moment it is sent."""

    form: str
    group: str
    landing: int
    note: str
    views: int


@dataclass(frozen=True, slots=True)
class Prospect:
    """True figures of a lead: chance of a deal that stands, its size, and the usual delay."""

    chance: float
    amount: float
    median_days: float

    def chance_within(self, days: float) -> float:
        """Chance that the deal is won within so many days: log-normal delay."""
        return self.chance * _normal(math.log(days / self.median_days) / DELAY_SPREAD)


def company(draw: Random) -> Company:
    """A sender's company."""
    employees = max(1, round(math.exp(draw.gauss(3.1, 1.6))))
    seniority = _SENIORITY(draw)
    return Company(
        industry=_INDUSTRY(draw),
        employees=employees,
        revenue=round(employees * 90_000 * math.exp(draw.gauss(0, 0.5)), -3),
        seniority=seniority,
        field=draw.choice(FIELD),
        shows_employees=draw.random() < 0.72,
        shows_revenue=draw.random() < 0.45,
    )


def enquiry(draw: Random, group: str) -> Enquiry:
    """What a sender who came through the channel group asks.

    Few landing pages are visited often, many hardly ever.
    """
    landing = min(LANDINGS - 1, int(draw.paretovariate(0.7)) - 1)
    return Enquiry(_FORM(draw), group, landing, _NOTE(draw), poisson(draw, 4))


def prospect(seed: int, firm: Company, asked: Enquiry) -> Prospect:
    """The lead's true figures."""
    won = 1 / (1 + math.exp(-_logit(seed, firm, asked)))
    # from one to thousands: only the order of magnitude acts
    size = math.log10(firm.employees)
    amount = 6.9 + 0.55 * size + INDUSTRY[firm.industry][2] + FORM[asked.form][3]
    amount += SENIORITY[firm.seniority][2]
    return Prospect(
        chance=won * (1 - AGAIN) * (1 - REVOKED),
        # the mean of a log-normal lies so far above its median
        amount=math.exp(amount + AMOUNT_SPREAD**2 / 2) * (1 - DISCOUNTED * DISCOUNT),
        median_days=12 * 1.25**size,
    )


def raw_amount(true: Prospect, draw: Random) -> float:
    """The size of one deal, before any later discount: log-normal, heavy-tailed."""
    center = true.amount / (1 - DISCOUNTED * DISCOUNT) / math.exp(AMOUNT_SPREAD**2 / 2)
    return round(center * math.exp(draw.gauss(0, AMOUNT_SPREAD)), 2)


def _logit(seed: int, firm: Company, asked: Enquiry) -> float:
    size = math.log10(firm.employees)
    return (
        -1.9
        + INDUSTRY[firm.industry][1]
        + FORM[asked.form][2]
        + SENIORITY[firm.seniority][1]
        + GROUP[asked.group]
        + NOTE[asked.note][1]
        - 0.7 * (size - 1.8) ** 2  # neither the smallest nor the largest buy
        + (0.7 if asked.form == "fitout" and firm.employees > 50 else 0.0)
        + 0.12 * min(asked.views, 10)
        + dice(seed, "landing", asked.landing).gauss(0, 0.35)
    )


def _normal(deviation: float) -> float:
    return (1 + math.erf(deviation / math.sqrt(2))) / 2


_INDUSTRY = Weighted({name: weight for name, (weight, _, _) in INDUSTRY.items()})
_FORM = Weighted({name: weight for name, (_, weight, _, _) in FORM.items()})
_SENIORITY = Weighted({name: weight for name, (weight, _, _) in SENIORITY.items()})
_NOTE = Weighted({name: weight for name, (weight, _) in NOTE.items()})
