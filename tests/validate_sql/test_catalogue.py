"""The catalogue of findings: each code has an example, and the example makes that finding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from common import user_query
from common.bigquery.sql import Sql
from common.bigquery.warehouse import Warehouse
from common.errors import ProductError
from common.local.analyzer import analysis
from common.model.findings import Rule, catalogue
from functions.validate_sql import catalogue as pages
from functions.validate_sql.check import Services
from functions.validate_sql.models import Ask, Issue, Validated
from tests.expected import Expected
from tests.validate_sql.conftest import codes
from tests.validate_sql.examples import SPELLED, answered, asked

SHOWN_ROWS = 3
_CODES = list(catalogue())
OF_ROWS = frozenset(_CODES[_CODES.index("failing_row") :])
"""Codes that only the rows of a query show."""
MENDED_BY_ROWS = frozenset({"wrong_type"})
"""Codes whose replacement follows from the rows."""
_HEAD = """# Findings of validate-sql, each with an example

A test asks for each example, applies the fix that a program can apply, and writes down the rows
before and after (`pytest --update tests/validate_sql/test_catalogue.py`). What each code means is
described in [FINDINGS.md](FINDINGS.md).
"""


@pytest.fixture
def widened(services: Services) -> Services:
    """The services of a deployment that may read the other project's dataset too."""
    settings = services.settings.model_copy(
        update={"source_datasets": ("shop.crm", "crm-project.sales")}
    )
    warehouse = Warehouse(services.own.client, settings)
    return replace(services, own=warehouse, runner=warehouse)


def test_each_example_makes_its_finding_and_its_fix_ends_it(
    widened: Services, expecting: Expected
) -> None:
    analysis.analyze("SELECT 1 AS id")  # compiled once a machine
    entries = [_entry(code, rule, widened) for code, rule in catalogue().items()]
    page = "\n".join([_HEAD, *entries])
    expecting.text(Path(pages.__file__).with_name("EXAMPLES.md"), page)


def test_the_page_of_findings_is_up_to_date() -> None:
    page = Path(pages.__file__).with_name("FINDINGS.md").read_text(encoding="utf-8")
    assert page == pages.page()


def _entry(code: str, rule: Rule, services: Services) -> str:
    needs_rows = code in OF_ROWS | MENDED_BY_ROWS
    ask = asked(code).model_copy(update={"with_profile": needs_rows})
    answer = answered(code, ask, services)
    issue = next((issue for issue in answer.issues if issue.code == code), None)
    assert issue, (code, codes(answer))
    assert issue.severity == rule["severity"]
    assert issue.documentation.endswith(f"FINDINGS.md#{code}")
    assert issue.message
    assert issue.fix
    lines = [f"## {code}", "", f"*{issue.severity}* · {issue.message}", ""]
    lines += _sql(rule["example"] if code in SPELLED else ask.sql)
    if answer.suggestion:
        lines += _fixed(code, ask, answer, issue, services)
    else:
        lines += [f"To mend by hand: {issue.fix}", ""]
    return "\n".join(lines)


def _fixed(
    code: str, ask: Ask, answer: Validated, issue: Issue, services: Services
) -> Iterator[str]:
    """The text with its fix, which no longer has the finding and has lost no other value."""
    if issue.replacement is not None:
        fixed = {"sql": answer.suggestion, "with_profile": code in OF_ROWS}
        again = answered(code, ask.model_copy(update=fixed), services)
        assert code not in codes(again), (code, answer.suggestion)
    yield "With the fix applied:"
    yield ""
    yield from _sql(answer.suggestion)
    field = issue.field or ""
    before, after = (_rows(text, field, services) for text in (ask.sql, answer.suggestion))
    if before and after:
        _compare(
            before, after, field, {"id", "client_id"} if code == "crossed_columns" else {field}
        )
        yield from ["Rows before:", "", *_table(before), "Rows after:", "", *_table(after)]
    elif after:
        why = "it did not run" if before is None else "there were none"
        yield from [f"Rows after (before, {why}):", "", *_table(after)]


def _compare(
    before: Sequence[dict[str, Any]],
    after: Sequence[dict[str, Any]],
    field: str,
    changed: Set[str],
) -> None:
    """No row is gone, no other column has changed, and the mended one lost no value."""
    assert len(before) == len(after)
    for name in set(before[0]) & set(after[0]) - changed:
        assert [row[name] for row in before] == [row[name] for row in after]
    if field in before[0] and field in after[0]:
        lost = [
            row[field]
            for row, mended in zip(before, after, strict=True)
            if row[field] not in (None, "", "undefined") and mended[field] is None
        ]
        assert not lost


def _rows(sql: str, field: str, services: Services) -> list[dict[str, Any]] | None:
    """What the query returns for the profiled days; None when it may not or cannot run."""
    try:
        verdict = user_query.judged(sql, services.settings)
        answer = user_query.run(verdict, services.runner, services.last_days, "examples")
    except ProductError:
        return None
    found = list(services.own.rows(Sql(f"SELECT * FROM {answer.table}")))
    services.own.drop(services.runner.staging_path("examples"))
    kept = [name for name in ("created", "outcome_at", "id", "lead_id") if name != field]
    return sorted(found, key=lambda row: [str(row.get(name, "")) for name in kept])


def _sql(text: str) -> list[str]:
    return ["```sql", text, "```", ""]


def _table(rows: Sequence[dict[str, Any]]) -> list[str]:
    names = list(rows[0])
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    for row in rows[:SHOWN_ROWS]:
        cells = (str(value).replace("|", "\\|") for value in row.values())
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]
