"""The SQL of a daily run, as a person reads it: one golden text of a definition of each kind.

golden/<kind>.yaml is the definition. `pytest --update` writes the texts anew, and what changed
shows in their diff. A statement that differs from another kind's in nothing but the conversion's
name stands once.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.errors import UserError
from common.kinds import BY_NAME
from common.settings import Settings
from functions.materialize.paper.__main__ import definitions
from functions.materialize.paper.statements import Step, steps, text_of, values_of
from tests.expected import Expected

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).with_name("golden")
EXPORT = json.loads((ROOT / "common/local/data/ga4_schema.json").read_text(encoding="utf-8"))
SETTINGS = Settings(
    project="my-project",
    timezone="Europe/Berlin",
    currency="EUR",
    ga4_datasets=("my-project.analytics_1",),
    source_datasets=("my-project.crm",),
    rates_table="my-project.crm.rates",
)
DAY = date(2026, 11, 28)
DEFINITIONS: dict[str, dict[str, Any]] = {
    kind: yaml.safe_load(path.read_text(encoding="utf-8"))
    for kind in BY_NAME
    if (path := GOLDEN / f"{kind}.yaml").exists()
}
"""Kind → a definition that has its options on, in the order of the kinds."""
CTE = re.compile(r"^(\w+) AS \(\n(.*)", re.MULTILINE)


def written(kind: str) -> dict[str, Step]:
    found = steps(DEFINITIONS[kind], SETTINGS, EXPORT, DAY)
    id = DEFINITIONS[kind]["id"]
    return {step.name.replace(id, "ID"): step for step in found if step.name != "books"}


def nameless(step: Step, kind: str) -> str:
    """The statement with the conversion's own tables, and that of its lease, under one name."""
    id = DEFINITIONS[kind]["id"]
    return re.sub(
        rf"(conversions_staging\.|conversion_){id}\b|(_staging\.){id}(?=_)",
        r"\1\2ID",
        re.sub(r"(\.leases)_\d+\b", r"\1", step.sql.text),
    )


def golden(kind: str) -> str:
    """Every statement of a kind; of those that a kind before it has as well, only the values."""
    kinds = list(DEFINITIONS)
    before = {
        (name, nameless(step, other)): other
        for other in reversed(kinds[: kinds.index(kind)])
        for name, step in written(other).items()
    }
    return "\n".join(
        f"{values_of(step)}-- the statement of {other}.sql\n"
        if (other := before.get((name, nameless(step, kind))))
        else text_of(step)
        for name, step in written(kind).items()
    )


def test_each_kind_has_its_golden_text() -> None:
    texts = {f"{kind}{suffix}" for kind in BY_NAME for suffix in (".yaml", ".sql")}
    assert {path.name for path in GOLDEN.iterdir()} == texts


@pytest.mark.parametrize("kind", DEFINITIONS)
def test_the_statements_of_a_daily_run_are_the_golden_ones(kind: str, expecting: Expected) -> None:
    expecting.text(GOLDEN / f"{kind}.sql", golden(kind))


@pytest.mark.parametrize("kind", DEFINITIONS)
def test_each_step_of_the_candidates_says_first_what_it_holds(kind: str) -> None:
    for step in steps(DEFINITIONS[kind], SETTINGS, EXPORT, DAY):
        for name, first in CTE.findall(step.sql.text):
            assert first.strip().startswith("-- "), f"{step.name}: {name} has no comment"


def test_options_that_are_off_leave_nothing_behind() -> None:
    plain = {"id": "purchase", "event_type": "purchase"}
    found = {step.name: step.sql.text for step in steps(plain, SETTINGS, EXPORT, DAY)}
    assert CTE.findall(found["candidates"]) != []
    assert {name for name, _ in CTE.findall(found["candidates"])} == {"counted", "by_order"}
    assert "paid" not in found["candidates"]
    assert "TRUE\n" not in found["candidates"]


def test_the_command_prints_one_step_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "definition.yaml"
    # Norway is no "no": a file is read as `apply` reads it
    norway = "{dimension: country, operator: equals, value: NO}"
    file.write_text(f"{{id: purchase, event_type: purchase, filters: {norway}}}", encoding="utf-8")
    command = [sys.executable, "-m", "common.local", "sql", str(file), "--date", "2026-11-28"]
    done = subprocess.run(
        [*command, "--step", "candidates"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count(";\n") == 1
    assert "-- step candidates" in done.stdout
    assert 'STRING = "NO"' in done.stdout
    lost = subprocess.run(
        [*command, "--step", "nowhere"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert lost.returncode == 1
    assert "there are books" in lost.stderr


def test_an_invalid_definition_names_its_fields(tmp_path: Path) -> None:
    file = tmp_path / "definition.yaml"
    file.write_text("{id: purchase, event_type: purchas}", encoding="utf-8")
    command = [sys.executable, "-m", "common.local", "sql", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "event_type: must be" in done.stderr


@pytest.mark.parametrize("content", ["", "[]", "a: 1", "- 3", "[{id: ''}]", "just words"])
def test_a_file_without_definitions_says_so(content: str, tmp_path: Path) -> None:
    file = tmp_path / "definition.yaml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match="Definition 1 of the file has no id; write `id: a_name`"):
        definitions(file)
