"""`python -m common.local validate`: findings with places, exit codes, --fix and --json."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console

from common.local.commands import validation
from common.local.stack.attach import Attached
from functions.validate_sql.check import Services
from functions.validate_sql.check import validate as judged
from functions.validate_sql.models import Ask

FROM = "FROM `shop.crm.orders` WHERE date BETWEEN @start_date AND @end_date"
GOOD = f"SELECT order_id AS id, client_id, created_at AS created {FROM}"
SLIP = GOOD.replace("order_id AS", "order_id::text AS")


class Stack:
    """A stack whose function is called without a network."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def call(self, verb: str, path: str, body: dict[str, Any]) -> Any:
        assert (verb, path) == ("POST", "/validate-sql")
        return judged(Ask(**body), self.services).model_dump(mode="json")


def ran(services: Services, path: Path, *options: str) -> tuple[int, str]:
    parser = argparse.ArgumentParser()
    validation.add_arguments(parser)
    console = Console(width=200, record=True, quiet=False)
    chosen = parser.parse_args([str(path), "--no-rows", *options])
    status = validation.run(chosen, cast(Attached, Stack(services)), console)
    return status, console.export_text()


def test_a_fault_is_reported_at_its_place_and_ends_with_1(
    services: Services, tmp_path: Path
) -> None:
    path = tmp_path / "query.sql"
    path.write_text(SLIP)
    status, text = ran(services, path)
    assert status == 1
    assert f"{path}:1:8: error other_dialect" in text
    assert "CAST(order_id AS STRING)" in text
    assert path.read_text() == SLIP


def test_what_can_be_mended_is_written_into_the_file(services: Services, tmp_path: Path) -> None:
    path = tmp_path / "query.sql"
    path.write_text(SLIP)
    status, text = ran(services, path, "--fix")
    assert status == 0
    assert "One row for each row of `shop.crm.orders`." in text
    assert path.read_text() == SLIP.replace("order_id::text", "CAST(order_id AS STRING)") + "\n"


def test_programs_get_the_whole_answer(
    services: Services, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "query.sql"
    path.write_text(GOOD)
    assert ran(services, path, "--json")[0] == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
