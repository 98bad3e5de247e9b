"""Events in bulk fit the export schema, and their totals are what the files hold."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from common.local.shop.site import bulk
from common.local.shop.site.export import SCHEMA

START = date(2026, 3, 1)


def test_the_files_hold_what_the_totals_say(tmp_path: Path) -> None:
    files, totals = bulk.write(tmp_path, 20_000, start=START, days=3)
    assert [path.name for path in files] == [f"events_2026030{day}.parquet" for day in (1, 2, 3)]
    (found,) = duckdb.execute(
        """
        WITH events AS (SELECT * FROM read_parquet(?)),
        sales AS (
          SELECT ecommerce.transaction_id AS id, ecommerce.purchase_revenue AS revenue
          FROM events WHERE event_name = 'purchase'
        ),
        counted AS (
          SELECT id, any_value(revenue) AS revenue FROM sales WHERE id <> '(not set)' GROUP BY id
          UNION ALL SELECT NULL, revenue FROM sales WHERE id = '(not set)'
        ),
        given AS (
          SELECT sum(least(ecommerce.refund_value, counted.revenue)) AS amount
          FROM events JOIN counted ON counted.id = ecommerce.transaction_id
          WHERE event_name = 'refund'
        )
        SELECT
          (SELECT count(*) FROM events), (SELECT count(*) FROM sales), count(*), sum(revenue),
          sum(revenue) - (SELECT amount FROM given),
          (SELECT count(*) FROM events WHERE event_name = 'generate_lead')
        FROM counted
        """,
        [[str(path) for path in files]],
    ).fetchall()
    known = (totals.events, totals.purchase_events, totals.purchases, totals.value_gross)
    assert found == pytest.approx((*known, totals.value, totals.leads))
    assert totals.purchases < totals.purchase_events
    assert totals.value < totals.value_gross
    assert totals.events == pytest.approx(20_000, rel=0.1)


def test_the_files_have_the_columns_of_the_export(tmp_path: Path) -> None:
    files, _ = bulk.write(tmp_path, 1_000, start=START, days=1)
    described = duckdb.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(files[0])]).fetchall()
    assert [(name, kind.replace('"', "")) for name, kind, *_ in described] == [
        (column["name"], bulk.duckdb_type(column).replace('"', "")) for column in SCHEMA
    ]


def test_every_event_lies_in_the_file_of_its_day(tmp_path: Path) -> None:
    files, _ = bulk.write(tmp_path, 5_000, start=START, days=3)
    for path in files:
        days = duckdb.execute(
            """
            SELECT DISTINCT event_date, strftime(make_timestamp(event_timestamp), '%Y%m%d')
            FROM read_parquet(?)
            """,
            [str(path)],
        ).fetchall()
        assert days == [(path.stem[-8:], path.stem[-8:])]


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first, again, other = (
        bulk.write(tmp_path / name, 2_000, seed=seed, start=START, days=2)[0]
        for name, seed in (("first", 1), ("again", 1), ("other", 2))
    )
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
    assert [path.read_bytes() for path in first] != [path.read_bytes() for path in other]
