"""What visits of the site add to scores: the generated shop's leads with and without them.

python -m tests.bench._behaviour [--shops N]

HubSpot counts visits and sources itself, other CRMs do not: hence also without its own columns. As
generated, few leads have a visit before that of their form; in the last lines they saw on earlier
days the pages that their chance depends on.

Of shop 0 (2026-11-30) visits add nothing where HubSpot counts them itself (log loss .4039 without,
.4060 with; AUC .744 and .740) and little where nobody does (.4079, .4069; .735, .737) as generated;
with the pages on earlier days .4039 and .4053, and .4079 and .4072 (AUC .735 and .740).
In a department whose leads' chances hang on pages that the CRM knows nothing of, visits bring the
loss from .3948 to .3841 and the AUC from .812 to .825 (seed 0): they arrive, and help where there
is anything to know.
"""

from __future__ import annotations

import argparse
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import numpy as np
from sklearn.metrics import roc_auc_score

from common.local.shop.crm.leads import Lead
from common.local.shop.dice import dice
from common.local.shop.moments import DAY, Period
from common.local.shop.shop import Shop, generate
from functions.score_leads.data.values import Floats
from tests.bench._shop import MORNING, WINDOW, loaded, scored
from tests.score_leads.department import Department
from tests.score_leads.simulator import sales

SHOPS, DAYS = 2, 240
OF_HUBSPOT = (
    "property_hs_analytics_source", "property_hs_analytics_first_url",
    "property_hs_analytics_num_page_views",
)  # fmt: skip
OF_SITE = tuple(
    f"site_{name}"
    for name in "visits days_since_first_visit days_since_last_visit pages depth minutes sources"
    " first_source last_source last_channel".split()
)

STRENGTH = 2.0
"""What attributes say of a win where visits decide, against the usual department."""
UTC_DAYS = Period(date(2023, 11, 15), DAYS, ZoneInfo("UTC"), ZoneInfo("UTC"))

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Quality:
    """Under the leads' true chances."""

    loss: float
    auc: float


def lines(shops: int = SHOPS) -> Iterator[str]:
    """Log loss and AUC with and without visits, a line each way to know a lead."""
    yield f"{'':48}{'loss without':>14}{'with':>8}{'AUC without':>13}{'with':>8}"
    for title, excluded, are_spread in (
        ("HubSpot with its own counts", (), False),
        ("a CRM without any", OF_HUBSPOT, False),
        ("HubSpot, pages were seen on earlier days", (), True),
        ("a CRM without any, the same", OF_HUBSPOT, True),
    ):
        yield _line(title, [_with_and_without(seed, excluded, are_spread) for seed in range(shops)])
    title = "a department where visits decide"
    yield _line(title, [_decided_by_visits(seed) for seed in range(shops)])


def _line(title: str, found: Sequence[tuple[Quality, Quality]]) -> str:
    figures = [[each.loss for each in pair] + [each.auc for each in pair] for pair in found]
    loss, with_, auc, with_auc = np.array(figures).mean(axis=0)
    return f"{title:48}{loss:14.4f}{with_:8.4f}{auc:13.4f}{with_auc:8.4f}"


def _decided_by_visits(seed: int) -> tuple[Quality, Quality]:
    """Of a department that is told nothing of the pages which its leads' chances hang on."""
    drawn = sales(seed, days=DAYS, per_day=15, window=WINDOW, strength=STRENGTH)
    department = Department()
    department.load(drawn, DAYS)
    pages = cast(Sequence[int], drawn.leads.columns["pages"])
    visits = (
        each
        for row, seen in enumerate(pages)
        for each in _on_earlier_days(f"{row}.1", int(drawn.leads.placed[row] * 1e6), seen)
    )
    department.warehouse.append("ga4_visits", list(visits))
    chance = {f"lead-{row}": float(each) for row, each in enumerate(drawn.chance)}
    found = []
    for id, others in (("without", OF_SITE), ("with", ())):
        excluded = ["pages", "contract", *others]
        department.define(id, conversion_window_days=WINDOW, excluded_attributes=excluded)
        with redirect_stdout(io.StringIO()):
            department.score(DAYS, id)
        promised = {lead: (row["probability"], 0.0) for lead, row in department.newest(id).items()}
        found.append(_quality(promised, chance))
    department.warehouse.connection.close()
    return found[0], found[1]


def _on_earlier_days(client: str, asked: int, seen: int) -> Iterator[Row]:
    """Three pages a visit, on days before the lead came."""
    draw = dice(0, "earlier", client)
    for first in range(0, seen, 3):
        began = asked - draw.randrange(3 * DAY, 30 * DAY)
        pages = [f"/p/{first + place}" for place in range(min(3, seen - first))]
        yield _row(UTC_DAYS, client, began, began + 60_000_000, pages, ("google", "organic", ""))


def _with_and_without(
    seed: int, excluded: tuple[str, ...], are_spread: bool
) -> tuple[Quality, Quality]:
    start = MORNING - timedelta(days=DAYS)
    shop = generate(seed, start, days=DAYS, visits_per_day=0, crm_days=DAYS)
    warehouse = loaded(shop)
    rows = [*_visits(shop)]
    if are_spread:
        rows += [row for lead in shop.leads for row in _earlier(lead, shop.period)]
    warehouse.append("ga4_visits", rows)
    chance = {each.lead_id: each.chance_in_60_days for each in shop.truth(MORNING).leads}
    without, with_ = (
        _quality(scored(warehouse, id, (*excluded, *others)), chance)
        for id, others in (("without", OF_SITE), ("with", ()))
    )
    warehouse.connection.close()
    return without, with_


def _quality(promised: Mapping[str, tuple[float, float]], chance: Mapping[str, float]) -> Quality:
    there = sorted(promised.keys() & chance.keys())
    said = np.array([promised[id][0] for id in there])
    true = np.array([chance[id] for id in there])
    loss: Floats = -(true * np.log(said) + (1 - true) * np.log(1 - said))
    # each lead counts as won by its chance, and as lost by the rest
    won = np.repeat([1, 0], len(there))
    auc = roc_auc_score(won, np.tile(said, 2), sample_weight=np.append(true, 1 - true))
    return Quality(float(loss.mean()), float(auc))


def _visits(shop: Shop) -> Iterator[Row]:
    """The sessions of whoever gave consent, as the stage holds them."""
    sessions = defaultdict(list)
    for event in shop.site.events:
        if event.visit.client_id is not None and not event.from_server:
            sessions[event.visit.client_id, event.visit.began].append(event)
    for (client, began), events in sessions.items():
        pages = [event.page for event in events if event.name == "page_view"]
        last = max(event.at for event in events)
        came = events[0].visit.attributed
        yield _row(shop.period, client, began, last, pages, (came.source, came.medium, came.group))


def _earlier(lead: Lead, period: Period) -> Iterator[Row]:
    """Three pages a visit, on days before the form, by the way on which the lead came."""
    if lead.contact.browser is None or not lead.seen_by_ga4:
        return
    draw = dice(0, "earlier", lead.id)
    channel = lead.channel
    for first in range(0, lead.asked.views, 3):
        began = lead.at - draw.randrange(3 * DAY, 30 * DAY)
        pages = [f"/p/{first + place}" for place in range(min(3, lead.asked.views - first))]
        came = (channel.source, channel.medium, channel.group)
        client = lead.contact.browser.client_id
        yield _row(period, client, began, began + 60_000_000, pages, came)


def _row(
    period: Period,
    client: str,
    began: int,
    last: int,
    pages: Iterable[str],
    came: tuple[str, str, str],
) -> Row:
    viewed = list(pages)
    source, medium, group = came
    key = f"{client} {began}"
    return {
        "date": period.day(began), "visit_key": key, "property": "p.analytics",
        "client_id": client, "session_id": key,
        "started_at": datetime.fromtimestamp(began / 1e6, UTC),
        "duration_seconds": (last - began) / 1e6, "pages": len(viewed),
        "depth": len(set(viewed)), "source": source, "medium": medium, "channel_group": group,
    }  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench._behaviour", description=__doc__)
    parser.add_argument("--shops", type=int, default=SHOPS)
    for line in lines(parser.parse_args().shops):
        print(line, flush=True)
