"""Whether what is promised of the generated shop comes true: whole runs over its HubSpot.

python -m tests.bench._shop
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from common.bigquery.sql import Sql
from common.catalog.definitions import Catalog
from common.local.shop import shop as shops
from common.local.shop.shop import Shop, generate
from common.local.shop.truth.answers import KnownLead
from common.messaging.messages import ScoreTask
from common.settings import Settings
from functions.score_leads.data.sources import Warehouses
from functions.score_leads.operate.run import Services, handle
from tests.bench._truth import mean
from tests.quick import QuickWarehouse
from tests.score_leads.department import Recorder

SHOPS = 20
MORNING, WINDOW = date(2026, 4, 5), 60
PROJECT = "test-project"


def lines(count: int = SHOPS) -> Iterator[str]:
    """Promised against true totals of the leads of the last month, as the demo's shop has them."""
    found = np.array([_ratios(seed) for seed in range(count)])
    wins, money = map(mean, found.T)
    yield f"{'the generated shop':28} wins {wins}, money {money} of the truth"


def _ratios(seed: int) -> tuple[float, float]:
    shop = generate(seed, MORNING - timedelta(days=1), days=1, visits_per_day=0)
    promised = _promised(shop)
    known = {lead.lead_id: lead for lead in shop.truth(MORNING).leads}
    there = [(known[id], *scores) for id, scores in promised.items() if id in known]
    wins, money = _luck(shop, list(known.values()))
    chance = sum(lead.chance_in_60_days for lead, _, _ in there)
    worth = sum(lead.chance_in_60_days * lead.value_if_won for lead, _, _ in there)
    return (
        sum(probability for _, probability, _ in there) / chance / wins,
        sum(expected for _, _, expected in there) / worth / money,
    )


def _promised(shop: Shop) -> dict[str, tuple[float, float]]:
    """Probability and expected value of each lead that the run scores."""
    warehouse = loaded(shop)
    promised = scored(warehouse)
    warehouse.connection.close()
    return promised


def loaded(shop: Shop) -> QuickWarehouse:
    """A warehouse with the product's tables and the shop's HubSpot, as of MORNING."""
    settings = Settings(
        project=PROJECT, dataset="conversions", staging_dataset="staging", currency="EUR",
        timezone="Europe/Berlin", rates_table=f"{PROJECT}.crm.rates",
    )  # fmt: skip
    warehouse = QuickWarehouse(settings)
    for dataset in ("hubspot", "crm"):
        warehouse.ensure_dataset(f"{PROJECT}.{dataset}")
    warehouse.ensure_tables()
    for name, rows in shop.crm(MORNING).items():
        path, columns = f"{PROJECT}.{name}", shops.columns(name)
        warehouse.create(path, columns)
        warehouse.load(path, columns, rows)
    return warehouse


def scored(
    warehouse: QuickWarehouse, id: str = "leads", excluded: Sequence[str] = ()
) -> dict[str, tuple[float, float]]:
    """Probability and expected value of the last month's leads, by a model without `excluded`."""
    source = {"type": "crm", "crm": "hubspot", "dataset": f"{PROJECT}.hubspot"}
    definition = {"id": id, "name": id, "kind": "lead_scoring", "source": source}
    catalog, now = Catalog(warehouse), datetime.combine(MORNING, time(6), UTC)
    catalog.save(
        {**definition, "conversion_window_days": WINDOW, "excluded_attributes": list(excluded)},
        now=now, author="bench", referenced_tables=(),
    )  # fmt: skip
    task = ScoreTask(
        run_id="run", conversion=id, definition_version=1, tier=0, trigger="schedule",
        start_date=MORNING - timedelta(days=30), end_date=MORNING - timedelta(days=1),
    )  # fmt: skip
    with redirect_stdout(io.StringIO()):
        handle(Services(Warehouses(warehouse, warehouse), catalog, Recorder(), now), task)
    scores = warehouse.rows(Sql(f"SELECT * FROM `{warehouse.path('lead_scores')}`"))
    return {
        row["id"]: (row["probability"], row["expected_value"])
        for row in scores
        if row["conversion"] == id
    }


def _luck(shop: Shop, known: list[KnownLead]) -> tuple[float, float]:
    """What a model would promise, relative to the truth, that errs by its leads' luck alone."""
    now = datetime.combine(MORNING, time(), shop.period.zone)
    age = {lead.lead_id: (now - lead.created).total_seconds() / 86_400 for lead in known}
    final = [lead for lead in known if age[lead.lead_id] >= WINDOW]
    won = [lead for lead in final if _days_to_win(lead) <= WINDOW]
    wins = len(won) / sum(lead.chance_in_60_days for lead in final)
    money = sum(lead.deal_value or 0 for lead in won) / sum(
        lead.chance_in_60_days * lead.value_if_won for lead in final
    )
    return wins, money


def _days_to_win(lead: KnownLead) -> float:
    if lead.status != "won" or lead.outcome_at is None:
        return float("inf")
    return (lead.outcome_at - lead.created).total_seconds() / 86_400


if __name__ == "__main__":
    for line in lines():
        print(line, flush=True)
