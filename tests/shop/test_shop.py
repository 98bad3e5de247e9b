"""A shop is drawn by its arguments alone, written to files and loaded as a connector would."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

from google.cloud import bigquery

from common.local.shop import __main__ as command
from common.local.shop.load import Datasets, load
from common.local.shop.shop import Shop, generate
from common.local.shop.truth.truth import as_json


def small(seed: int = 3) -> Shop:
    return generate(seed=seed, days=4, visits_per_day=30, crm_days=20, leads_per_day=5)


def digest(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


OPTIONS = ["--seed=3", "--days=4", "--visits-per-day=30", "--crm-days=20", "--leads-per-day=5"]


def test_the_same_seed_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    command.main([str(here), *OPTIONS])
    subprocess.run(
        [sys.executable, "-m", "common.local.shop", str(there), *OPTIONS],
        check=True,
        capture_output=True,
        env={"PYTHONHASHSEED": "7", "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert digest(here) == digest(there)
    assert len(digest(here)) > 20


def test_another_seed_gives_another_shop() -> None:
    end = small().period.end
    assert as_json(small(3).truth(end)) != as_json(small(4).truth(end))


def test_the_answers_are_plain_json() -> None:
    shop = small()
    answers = json.loads(as_json(shop.truth(shop.period.end)))
    assert answers["as_of"] == shop.period.end.isoformat()
    assert len(answers["purchases"]) == sum(
        day["conversions"] for day in answers["purchase_days"].values()
    )


def test_looking_at_one_day_does_not_change_what_another_day_shows() -> None:
    shop, day = small(), date(2026, 3, 3)
    before = as_json(shop.truth(day))
    shop.truth(shop.period.end)
    assert as_json(shop.truth(day)) == before
    assert as_json(small().truth(day)) == before


def test_a_shop_is_loaded_day_by_day(client: bigquery.Client, dataset: str) -> None:
    shop = small()
    where = Datasets(dataset, dataset, dataset)
    first, second = date(2026, 3, 3), date(2026, 3, 4)
    load(shop, client, where, first)
    again = load(shop, client, where, second, since=first)
    assert f"{dataset}.events_20260301" in again
    assert f"{dataset}.events_20260228" not in again
    tables = {name: list(rows) for name, rows in shop.ga4_days(second).items()}
    tables |= {name.split(".")[1]: rows for name, rows in shop.crm(second).items()}
    found = {
        table.table_id: client.get_table(table.reference).num_rows
        for table in client.list_tables(dataset)
    }
    assert found == {name: len(rows) for name, rows in tables.items()}


def test_what_was_loaded_can_be_queried_over_all_shards(
    client: bigquery.Client, dataset: str
) -> None:
    shop = generate(seed=3, days=8, visits_per_day=50, crm_days=9, leads_per_day=1)
    end = shop.period.end + timedelta(days=3)
    load(shop, client, Datasets(dataset, dataset, dataset), end)
    (row,) = client.query(
        f"""
        SELECT COUNT(*) AS purchases, COUNT(event.batch_page_id) AS modern,
          SUM(event.ecommerce.purchase_revenue) AS revenue
        FROM `{dataset}.events_*` AS event
        WHERE REGEXP_CONTAINS(_TABLE_SUFFIX, r'^\\d{{8}}$') AND event.event_name = 'purchase'
        """
    ).result()
    truth = [event for event in shop.site.events if event.name == "purchase"]
    revenue = (float((event.ecommerce or {}).get("purchase_revenue", 0)) for event in truth)
    assert row.purchases == len(truth)
    assert 0 < row.modern < row.purchases
    assert abs(row.revenue - sum(revenue)) < 0.01
