"""Who visits the site: people with one or more browsers, some with an account."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from common.local.shop.dice import Weighted, dice
from common.local.shop.moments import SECOND
from common.local.shop.world import DEVICE, PLACE, Device, Place

NOBODY = Weighted({"undefined": 4, "null": 4, "0": 4, "store-terminal": 20})
"""User ids that stand for no single person: template faults, and a till that hundreds use."""


@dataclass(frozen=True)
class Browser:
    """One device's cookie; `client_id` is GA4's user_pseudo_id."""

    client_id: str
    device: Device


@dataclass(frozen=True)
class Person:
    """Somebody who visits the shop, with one or two browsers."""

    number: int
    place: Place
    browsers: tuple[Browser, ...]
    account: str | None
    """Customer id, sent to GA4 as user id while signed in."""


def person(seed: int, number: int, met: int, neighbour: Person | None) -> Person:
    """The person who first came at the moment `met`.

    Every fiftieth shares a browser with the neighbour, so that one client id has two accounts.
    """
    draw = dice(seed, "person", number)
    browsers = tuple(browser(draw, met) for _ in range(2 if draw.random() < 0.3 else 1))
    account = f"C-{10_000 + number}" if draw.random() < 0.45 else None
    # a household at one computer: two accounts on one client id join nobody
    if neighbour and neighbour.account and number % 50 < 2:
        browsers, account = neighbour.browsers[:1], f"C-{10_000 + number}"
    return Person(number, PLACE(draw), browsers, account)


def browser(draw: Random, met: int) -> Browser:
    """A browser whose cookie was set at the moment `met`."""
    return Browser(f"{draw.randrange(10**8, 2 * 10**9)}.{met // SECOND}", DEVICE(draw))
