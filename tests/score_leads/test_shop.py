"""The generated shop's HubSpot, scored over the embedded BigQuery's own wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from google.cloud import bigquery

from common.bigquery.sql import Sql
from common.bigquery.warehouse import Warehouse
from common.catalog.definitions import Catalog
from common.local.shop.crm.prospects import AMOUNT_SPREAD
from common.local.shop.load import Datasets, load
from common.local.shop.shop import generate
from common.local.shop.truth.answers import KnownLead
from common.messaging.messages import ScoreTask
from common.settings import Settings
from functions.score_leads.data.sources import Warehouses
from functions.score_leads.operate.run import Services, handle
from tests.conftest import PROJECT
from tests.score_leads.department import Recorder
from tests.shop.test_crm import LATE

END = date(2026, 3, 2)
WINDOW = 60


@dataclass(frozen=True)
class Scored:
    """What the tables hold after one run, beside what only the dice know."""

    scores: list[dict[str, Any]]
    wins: list[dict[str, Any]]
    card: dict[str, Any]
    truth: dict[str, KnownLead]

    def within(self, days: int) -> list[tuple[dict[str, Any], KnownLead]]:
        """The leads of the last days, beside the truth."""
        since = datetime.combine(END, datetime.min.time(), UTC) - timedelta(days=days)
        return [(row, self.truth[row["id"]]) for row in self.scores if row["created"] >= since]

    @property
    def luck(self) -> float:
        """How far, relative to all, what so few deals say of the others may stray: 3 sigma."""
        return 3 / float(np.sqrt(len(self.wins)))


@pytest.fixture(scope="module")
def scored(client: bigquery.Client) -> Iterator[Scored]:
    """Five months of leads, scored on the last morning."""
    shop = generate(seed=3, start=END - timedelta(days=1), days=1, visits_per_day=0,
                    crm_days=150, leads_per_day=2)  # fmt: skip
    names = Datasets(*(f"{PROJECT}.scored_{name}" for name in ("ga4", "hubspot", "crm")))
    load(shop, client, names, END)
    settings = Settings(
        project=PROJECT, dataset="scored", staging_dataset="scored_staging", currency="EUR",
        timezone="Europe/Berlin", rates_table=f"{names.crm}.rates",
    )  # fmt: skip
    warehouse = Warehouse(client, settings)
    warehouse.ensure_tables()
    source = {"type": "crm", "crm": "hubspot", "dataset": names.hubspot}
    catalog, now = Catalog(warehouse), datetime.combine(END, datetime.min.time(), UTC)
    definition = {"id": "leads", "name": "Leads", "kind": "lead_scoring", "source": source,
                  "conversion_window_days": WINDOW}  # fmt: skip
    catalog.save(definition, now=now, author="test", referenced_tables=())
    task = ScoreTask(
        run_id="run", conversion="leads", definition_version=1, tier=0, trigger="schedule",
        start_date=END - timedelta(days=150), end_date=END - timedelta(days=1),
    )  # fmt: skip
    handle(
        Services(Warehouses(warehouse, warehouse), catalog, Recorder(), now + timedelta(hours=6)),
        task,
    )
    rows = {
        table: list(warehouse.rows(Sql(f"SELECT * FROM `{path}`")))
        for table, path in (
            ("scores", warehouse.path("lead_scores")),
            ("models", warehouse.path("models")),
            ("outcomes", warehouse.staging_path("leads_scoring_outcomes")),
        )
    }
    yield Scored(
        rows["scores"],
        [{"id": row["id"], **win} for row in rows["outcomes"] for win in row["wins"]],
        json.loads(rows["models"][0]["card"]),
        {lead.lead_id: lead for lead in shop.truth(END).leads},
    )
    for dataset in ("scored", "scored_staging", names.ga4, names.hubspot, names.crm):
        client.delete_dataset(dataset, delete_contents=True, not_found_ok=True)


def test_every_lead_of_the_crm_has_one_score(scored: Scored) -> None:
    ids = [row["id"] for row in scored.scores]
    assert len(ids) == len(set(ids)) > 200
    assert set(ids) <= set(scored.truth)
    assert len(ids) > 0.95 * len(scored.truth)


def test_one_deal_is_never_counted_for_two_leads(scored: Scored) -> None:
    won = {id for id, lead in scored.truth.items() if lead.status == "won"}
    assert {win["id"] for win in scored.wins} == won
    deals = {lead.deal_id for lead in scored.truth.values() if lead.status == "won"}
    assert len(scored.wins) == len(deals)


def test_the_money_is_what_the_deals_brought(scored: Scored) -> None:
    known = [lead.deal_value or 0 for lead in scored.truth.values() if lead.status == "won"]
    assert sum(win["value"] or 0 for win in scored.wins) == pytest.approx(sum(known))


def test_leads_are_open_won_or_lost_as_the_crm_says(scored: Scored) -> None:
    answered = {row["id"]: row["status"] for row in scored.scores}
    wrong = {id for id, status in answered.items() if status != scored.truth[id].status}
    assert wrong == set()


def test_the_promised_total_is_the_true_one_but_for_luck(scored: Scored) -> None:
    """tests/bench/_shop.py takes the luck out, over many shops."""
    promised = sum(row["probability"] for row in scored.scores)
    true = sum(scored.truth[row["id"]].chance_in_60_days for row in scored.scores)
    assert promised / true == pytest.approx(1, abs=scored.luck)
    worth = [scored.truth[row["id"]] for row in scored.scores]
    money = sum(lead.chance_in_60_days * lead.value_if_won for lead in worth)
    expected = sum(row["expected_value"] for row in scored.scores)
    # so many log-normal deals stray by exp(sigma^2 / 2) times as much in money as in number
    spread = float(np.exp(AMOUNT_SPREAD**2 / 2))
    assert expected / money == pytest.approx(1, abs=spread * scored.luck)


def test_leads_that_may_still_be_won_are_not_taken_for_lost(scored: Scored) -> None:
    young = scored.within(30)
    true = sum(lead.chance_in_60_days for _, lead in young)
    assert sum(row["probability"] for row, _ in young) / true == pytest.approx(1, abs=scored.luck)
    assert sum(lead.status == "won" for _, lead in young) < 0.8 * true


def test_what_sales_fills_in_later_is_not_used(scored: Scored) -> None:
    used = {row["name"] for row in scored.card["attributes"] if row["used"]}
    refused = {row["name"]: row["reason"] for row in scored.card["attributes"] if not row["used"]}
    assert not used & set(LATE)
    assert refused["property_contract_type"]
    assert {"form", "property_numberofemployees"} <= used


def test_lost_leads_leave_the_pipeline_and_no_promise(scored: Scored) -> None:
    lost = [row for row in scored.scores if row["status"] == "lost"]
    assert lost
    assert all(row["pipeline_value"] == 0 for row in lost)
    assert all(row["promised_value"] == row["expected_value"] > 0 for row in lost)
