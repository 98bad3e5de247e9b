"""What the demo shows at its end: statements that BigQuery takes, a file that tells all of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from common import schemas
from common.bigquery.sql import Sql, fill
from common.local.demo import readings
from common.local.demo.report import PLACE, page
from common.local.terminal import WIDEST
from tests.judge import analyze

HERE = Path(readings.__file__).parent
WEB = HERE.parents[2] / "functions" / "console" / "web"
TABLES = {"deliveries": "export_attempts", "loads": "runs"}


@pytest.mark.parametrize("name", TABLES)
def test_what_the_demo_asks_is_googlesql(name: str) -> None:
    text = (HERE / f"readings_{name}.sql").read_text(encoding="utf-8")
    sql = fill(text, source=Sql("`shop.conversions.it`"))
    analyze(sql.text, {"shop.conversions.it": schemas.load(TABLES[name])["schema"]})


def test_no_question_of_the_demo_is_left_unjudged() -> None:
    assert {path.stem.removeprefix("readings_") for path in HERE.glob("*.sql")} == {
        *TABLES,
        "script",
    }


def test_what_is_shown_comes_back_out_of_the_file_whatever_it_says(tmp_path: Path) -> None:
    said = {"report": {"name": "</script><b> & \u2028 __SHOWN__ \\g<0>"}}
    element = f'<script type="application/json" id="shown">{PLACE}</script>'
    (tmp_path / "report-1.html").write_text(f"<p>{element}</p>")
    drawn = page(said, tmp_path)
    assert drawn is not None
    (kept,) = re.findall(r'id="shown">(.*)</script></p>', drawn)
    assert "<" not in kept
    assert json.loads(kept) == said


def test_without_the_built_page_there_is_no_file(tmp_path: Path) -> None:
    assert page({}, tmp_path) is None


def test_the_file_and_the_page_keep_what_they_show_at_one_place() -> None:
    assert (WEB / "report.html").read_text().count(PLACE) == 1
    assert f"'{PLACE}'" in (WEB / "src" / "report" / "embed.ts").read_text()


def test_what_the_widest_run_did_is_googlesql() -> None:
    sql = fill(WIDEST, runs=Sql("`shop.conversions.runs`"))
    analyze(sql.text, {"shop.conversions.runs": schemas.load("runs")["schema"]})
