"""A reading that is offered gives every value back as it was meant: money, days and truths.

Each column holds known values as some system writes them; what is offered for it must read them all
rightly, and where the texts alone do not tell, nothing may be offered.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud import bigquery

from common.bigquery.sql import Sql, join
from common.local.stack.bigquery import EmbeddedBigQuery
from common.model.contract import Column, contract
from common.settings import Settings
from functions.validate_sql.check import Services
from functions.validate_sql.fixes import candidates, evidence
from functions.validate_sql.profile.profile import Answer
from tests.validate_sql.conftest import PROJECT

ROWS = 12
CHANCE = random.Random(20261130)


def _continental(text: str) -> str:
    return text.translate(str.maketrans(",.", ".,"))


@dataclass(frozen=True)
class Written:
    """How a system writes the values of a column, and whether that tells what they are."""

    wanted: str
    type: str
    text: Callable[[Any], Any]
    values: str = "amounts"
    is_clear: bool = True


AMOUNTS = [round(CHANCE.uniform(1_000, 99_000), 2) + 0.01 for _ in range(ROWS)]
VALUES: dict[str, list[Any]] = {
    "amounts": AMOUNTS,
    "refunds": [amount * (-1) ** number for number, amount in enumerate(AMOUNTS)],
    "whole": [float(int(amount)) for amount in AMOUNTS],
    "thousands": [1_000.0 * number for number in range(2, 2 + ROWS)],
    "thousandths": [number + CHANCE.randrange(100, 999) / 1_000 for number in range(1, 1 + ROWS)],
    "rates": [CHANCE.randrange(100, 999) / 1_000 for _ in range(ROWS)],
    "moments": [
        datetime(2026, 11, 1, 9, 30, 15, tzinfo=UTC) + timedelta(days=2 * n) for n in range(ROWS)
    ],
    "days": [datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=2 * n) for n in range(ROWS)],
    "early days": [datetime(2026, 1, n, tzinfo=UTC) for n in range(1, ROWS + 1)],
    "truths": [number % 3 == 0 for number in range(ROWS)],
    "no truths": [False] * ROWS,
}


def english(value: float) -> str:
    return f"{value:,.2f}"


FORMS = {
    "plain": Written("value", "STRING", lambda it: f"{it:.2f}"),
    "plain, refunds": Written("value", "STRING", lambda it: f"{it:.2f}", "refunds"),
    "plain, scientific": Written("value", "STRING", lambda it: f"{it:.7e}"),
    "plain, with gaps around": Written("value", "STRING", lambda it: f" {it:.2f} "),
    "whole": Written("value", "STRING", lambda it: f"{it:.0f}", "whole"),
    "rates": Written("value", "STRING", lambda it: f"{it:.3f}", "rates"),
    "English": Written("value", "STRING", english),
    "English, refunds": Written("value", "STRING", english, "refunds"),
    "English, whole": Written("value", "STRING", lambda it: f"{it:,.0f}", "whole", False),
    "continental": Written("value", "STRING", lambda it: _continental(english(it))),
    "continental, thousands": Written(
        "value", "STRING", lambda it: f"{it:,.0f}".replace(",", "."), "thousands", False
    ),
    "three places": Written("value", "STRING", lambda it: f"{it:.3f}", "thousandths", False),
    "Swiss": Written("value", "STRING", lambda it: english(it).replace(",", "'"), is_clear=False),
    "French": Written(
        "value", "STRING", lambda it: _continental(english(it)).replace(".", " "), is_clear=False
    ),
    "Indian": Written("value", "STRING", lambda it: f"1,{english(it)}", is_clear=False),
    "in brackets": Written("value", "STRING", lambda it: f"({it:.2f})", is_clear=False),
    "per cent": Written("value", "STRING", lambda it: f"{it:.2f}%", is_clear=False),
    "euros": Written("value", "STRING", lambda it: f"€{english(it)}"),
    "euros behind": Written("value", "STRING", lambda it: f"{_continental(english(it))} €"),
    "euros by code": Written("value", "STRING", lambda it: f"EUR {it:.2f}"),
    "dollars": Written("value", "STRING", lambda it: f"${english(it)}", is_clear=False),
    "dollars by code": Written("value", "STRING", lambda it: f"{it:.2f} USD", is_clear=False),
    "euros and pounds": Written(
        "value", "STRING", lambda it: f"{'€£'[int(it) % 2]}{english(it)}", is_clear=False
    ),
    "some per hundred": Written(
        "value", "STRING", lambda it: "n/a" if int(it) % 2 else f"{it:.2f}", is_clear=False
    ),
    "cents": Written("value", "NUMERIC", lambda it: f"{it:.2f}"),
    "a zone": Written("created", "STRING", lambda it: it.isoformat(), "moments"),
    "ISO without a zone": Written("created", "STRING", lambda it: f"{it:%F %T}", "moments"),
    "ISO days": Written("created", "STRING", lambda it: f"{it:%F}", "days"),
    "days in eight digits": Written("created", "STRING", lambda it: f"{it:%Y%m%d}", "days"),
    "European": Written("created", "STRING", lambda it: f"{it:%d.%m.%Y %T}", "moments"),
    "British": Written("created", "STRING", lambda it: f"{it:%d/%m/%Y}", "days"),
    "American": Written("created", "STRING", lambda it: f"{it:%m/%d/%Y %T}", "moments"),
    "American or British": Written(
        "created", "STRING", lambda it: f"{it:%m/%d/%Y}", "early days", False
    ),
    "a short year": Written("created", "STRING", lambda it: f"{it:%d.%m.%y}", "days", False),
    "noon and evening": Written(
        "created", "STRING", lambda it: f"{it:%m/%d/%Y %I:%M %p}", "moments", False
    ),
    "seconds": Written("created", "INTEGER", lambda it: int(it.timestamp()), "moments"),
    "milliseconds": Written(
        "created", "STRING", lambda it: f"{it.timestamp() * 1e3:.0f}", "moments"
    ),
    "microseconds": Written("created", "INTEGER", lambda it: int(it.timestamp() * 1e6), "moments"),
    "days as a number": Written(
        "created", "INTEGER", lambda it: int(f"{it:%Y%m%d}"), "days", False
    ),
    "yes and no": Written("is_qualified", "STRING", lambda it: ("No", "YES")[it], "truths"),
    "ones": Written("is_qualified", "INTEGER", int, "truths"),
    "nothing but no": Written("is_qualified", "STRING", lambda it: ("n", "y")[it], "no truths"),
    "German": Written("is_qualified", "STRING", lambda it: ("nein", "ja")[it], "truths", False),
    "a status": Written("is_qualified", "STRING", lambda it: ("open", "paid")[it], "truths", False),
    "points": Written("is_qualified", "INTEGER", lambda it: 7 * it, "truths", False),
}  # fmt: skip


def _name(number: int) -> str:
    return f"c{number}"


@pytest.fixture(scope="module")
def answer(engine: EmbeddedBigQuery, settings: Settings) -> Iterator[Answer]:
    """All columns in one table, which stands for a query's staged answer."""
    types = {_name(number): form.type for number, form in enumerate(FORMS.values())}
    rows = [
        {
            _name(number): form.text(VALUES[form.values][row])
            for number, form in enumerate(FORMS.values())
        }
        for row in range(ROWS)
    ]
    with engine.client(PROJECT) as client:
        schema = [bigquery.SchemaField(name, type_) for name, type_ in types.items()]
        schema.append(bigquery.SchemaField("row", "INTEGER"))
        client.create_dataset(f"{PROJECT}.readings", exists_ok=True)
        path = f"{PROJECT}.readings.written"
        client.create_table(bigquery.Table(path, schema=schema))
        numbered = [{**row, "row": number} for number, row in enumerate(rows)]
        load = bigquery.LoadJobConfig(schema=schema)
        client.load_table_from_json(numbered, path, job_config=load).result()
        yield Answer(Sql(f"`{path}`"), types, "conversion", None)  # type: ignore[arg-type]
        client.delete_dataset(f"{PROJECT}.readings", delete_contents=True)


_SOURCES = {"INTEGER": "INT64"}


def _wanted(name: str) -> Column:
    column = contract().column(name)
    assert column
    return column


@pytest.mark.parametrize("name", FORMS)
def test_what_is_offered_reads_every_value_as_it_was_meant(
    name: str, answer: Answer, services: Services
) -> None:
    form = FORMS[name]
    column = _name(list(FORMS).index(name))
    source = _SOURCES.get(form.type, form.type)
    listed = candidates.of_type(_wanted(form.wanted), source, "UTC", "EUR")
    offered = evidence.reading(services.own, answer, column, listed)
    assert (offered is not None) is form.is_clear
    if offered:
        value = Sql(offered.of(f"answer.`{column}`"))
        sql = join(
            " ", [Sql("SELECT"), value, Sql(f"AS found FROM {answer.table} AS answer ORDER BY row")]
        )
        found = [row["found"] for row in services.own.rows(sql)]
        meant = VALUES[form.values]
        assert found == (pytest.approx(meant, rel=1e-9) if form.wanted == "value" else meant)
