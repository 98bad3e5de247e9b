"""What visits of the site add to scores: the generated shop's leads with and without them.

python -m tests.bench._behaviour [--shops N]

HubSpot counts visits and sources itself, other CRMs do not: hence also without its own columns. As
generated, few leads have a visit before that of their form; in the last lines they saw on earlier
days the pages that their chance depends on.

Of shop 0 (2026-11-30) visits add nothing where HubSpot counts them itself (log loss .4039 without,
.4060 with; AUC .744 and .740) and little where nobody does (.4079, .4069; .735, .737) as generated;
with the pages on earlier days .4039 and .4053, and .4079 and .4072 (AUC .735 and .740).
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from common.local.shop.crm.leads import Lead
from common.local.shop.dice import dice
from common.local.shop.moments import DAY, Period
from common.local.shop.shop import Shop, generate
from functions.score_leads.data.values import Floats
from tests.bench._shop import MORNING, loaded, scored

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
        found = [_with_and_without(seed, excluded, are_spread) for seed in range(shops)]
        figures = np.array([[each.loss for each in pair] + [each.auc for each in pair]
                            for pair in found]).mean(axis=0)  # fmt: skip
        loss, with_, auc, with_auc = figures
        yield f"{title:48}{loss:14.4f}{with_:8.4f}{auc:13.4f}{with_auc:8.4f}"


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
