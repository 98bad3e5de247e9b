"""What the demo shows at its end: statements that BigQuery takes, a page that tells all of it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from common import schemas
from common.bigquery.sql import Sql, fill
from common.local.demo import readings
from common.local.demo.report import Findings, page
from common.local.shop.shop import generate
from common.local.terminal import WIDEST
from tests.judge import analyze

HERE = Path(readings.__file__).parent
TABLES = {
    "by_day": "conversion",
    "changes": "conversion_changes",
    "incidents": "incidents",
    "deliveries": "export_attempts",
    "leads": "lead_scores",
    "loads": "runs",
}
DAY = date(2026, 11, 20)


@pytest.mark.parametrize("name", TABLES)
def test_what_the_demo_asks_is_googlesql(name: str) -> None:
    text = (HERE / f"readings_{name}.sql").read_text(encoding="utf-8")
    slot = "conversion" if name == "by_day" else "source"
    sql = fill(text, **{slot: Sql("`shop.conversions.it`")})
    analyze(sql.text, {"shop.conversions.it": schemas.load(TABLES[name])["schema"]})


def test_no_question_of_the_demo_is_left_unjudged() -> None:
    assert {path.stem.removeprefix("readings_") for path in HERE.glob("*.sql")} == {
        *TABLES,
        "script",
    }


def found(**changed: Any) -> Findings:
    lead = {
        "id": "L1",
        "probability": 0.42,
        "expected_value": 1234.5,
        "grade": "A",
        "is_qualified": True,
        "status": "open",
        "reasons": [{"attribute": "Job title", "value": "CEO <b>", "points": 12.25}],
    }
    total = {
        "conversion": "purchase",
        "days": 1,
        "events": 1_242,
        "duplicates": 5,
        "counted": 1_221,
        "rows_": 1_229,
        "value": 98_765.43,
        "attributed": 1_200,
    }
    plain: dict[str, Any] = {
        "currency": "EUR",
        "days": [DAY],
        "totals": [total],
        "by_day": {"purchase": {DAY: {"conversions": 3, "value": 70.0}}},
        "known": generate(start=DAY, days=1).truth(date(2026, 11, 21)),
        "leads": [lead],
        "deliveries": [{"destination": "meta", "state": "accepted", "reason": "", "rows_": 7}],
        "changes": [],
        "incidents": [{"code": "silence", "recorded_at": datetime(2026, 11, 20, tzinfo=UTC)}],
    }
    return Findings(**{**plain, **changed})


@pytest.mark.parametrize(
    "reply",
    [
        "1,229", "98,765.43", "98%", "42%", "1,234.50", "Job title CEO &lt;b&gt; +12.2", "accepted",
        "silence", "Purchases a day", "Leads by their probability of a deal",
    ],
)  # fmt: skip
def test_the_page_tells_every_figure(reply: str, drawn: str) -> None:
    assert reply in drawn


@pytest.fixture(scope="module")
def drawn() -> str:
    return page(found())


def test_what_was_read_is_accounted_for_to_the_last_row(drawn: str) -> None:
    cells = re.findall("<td>([^<]*)</td>", drawn)
    assert cells[:7] == ["purchase", "1", "1,242", "5", "16", "1,221", "1,229"]


def test_no_day_is_labelled_twice() -> None:
    days = [DAY + timedelta(days=number) for number in range(35)]
    first_plot = page(found(days=days)).partition("</svg>")[0]
    shown = re.findall(r">(\d+ \w{3})</text>", first_plot)
    assert len(shown) == len(set(shown)) > 2


def test_what_the_widest_run_did_is_googlesql() -> None:
    sql = fill(WIDEST, runs=Sql("`shop.conversions.runs`"))
    analyze(sql.text, {"shop.conversions.runs": schemas.load("runs")["schema"]})


def test_a_page_without_leads_or_deliveries_says_none(drawn: str) -> None:
    assert drawn.count("<p>None.</p>") == 1
    assert page(found(leads=[], deliveries=[])).count("<p>None.</p>") == 3
