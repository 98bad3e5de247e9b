"""What a program may mend: each replacement applied, and the rows before and after."""

from __future__ import annotations

import ast
from datetime import date
from typing import Any

import pytest

from common import user_query
from common.bigquery.sql import Sql
from common.guard.judge import judge
from common.guard.names.scope import Scope
from functions.validate_sql.check import Services
from functions.validate_sql.fixes import evidence, rounds
from functions.validate_sql.fixes.apply import applied, edited
from functions.validate_sql.fixes.candidates import Candidate, of_currency
from functions.validate_sql.models import Issue, Validated
from functions.validate_sql.profile import data_quality
from functions.validate_sql.profile import profile as profiles
from functions.validate_sql.profile.profile import Profile
from tests.validate_sql.conftest import PERIOD, Judge, codes

SCOPE = Scope("shop", frozenset({"shop.crm"}))
FORMS = "FROM shop.crm.forms WHERE date BETWEEN @start_date AND @end_date"
KEYS = "id, 'c' AS client_id, created_at AS created"


def rows(services: Services, sql: str) -> list[dict[str, Any]]:
    """What the query returns for the profiled days."""
    verdict = user_query.judged(sql, services.settings)
    answer = user_query.run(verdict, services.runner, services.last_days, "fixed")
    found = list(services.own.rows(Sql(f"SELECT * FROM {answer.table} ORDER BY 1")))
    services.own.drop(services.runner.staging_path("fixed"))
    return found


def mended(answer: Validated, code: str, field: str) -> Issue:
    return next(it for it in answer.issues if (it.code, it.field) == (code, field))


READ = {
    "a plain number": ("value", "plain", 1234.5),
    "an English number": ("value", "english", 1234.5),
    "a continental number": ("value", "continental", 1234.5),
    "an amount with its sign": ("value", "money", 1234.5),
    "a time of ISO 8601": ("created", "iso", "2026-11-22T12:00:00+00:00"),
    "a European day": ("created", "european", "2026-11-22T00:00:00+00:00"),
    "an American day": ("created", "american", "2026-11-22T00:00:00+00:00"),
    "milliseconds": ("created", "millis", "2026-11-22T12:00:00+00:00"),
    "seconds as a float": ("created", "seconds", "2026-11-22T12:00:00+00:00"),
    "yes and no": ("is_qualified", "flag", True),
}


def asked(name: str, text: str) -> str:
    kept = KEYS.replace("created_at AS created", "") if name == "created" else KEYS + ", "
    return f"SELECT {kept}{text} AS {name} {FORMS}"


@pytest.mark.parametrize("case", READ)
def test_a_column_is_read_as_all_of_its_values_are_written(
    case: str, shown: Judge, services: Services
) -> None:
    name, text, first = READ[case]
    sql = asked(name, text)
    issue = mended(shown(sql), "wrong_type", name)
    assert issue.replacement is not None, issue.fix
    fixed = shown(sql).suggestion
    assert "wrong_type" not in codes(shown(fixed))
    before, after = rows(services, sql), rows(services, fixed)
    found = after[0][name]
    assert (found.isoformat() if hasattr(found, "isoformat") else found) == first
    missing = [row["id"] for row in before if row[name] in (None, "")]
    assert [row["id"] for row in after if row[name] is None] == missing


@pytest.mark.parametrize(
    ("name", "text"),
    [("value", "either"), ("value", "price"), ("created", "ambiguous"), ("is_qualified", "phase")],
)
def test_values_that_may_be_read_in_two_ways_are_left_to_their_author(
    name: str, text: str, shown: Judge
) -> None:
    issue = mended(shown(asked(name, text)), "wrong_type", name)
    assert issue.replacement is None
    assert "SAFE_CAST" not in issue.fix


def test_a_sign_of_a_currency_becomes_its_code_and_no_other_row_is_lost(
    shown: Judge, services: Services
) -> None:
    sql = f"SELECT {KEYS}, symbol AS currency {FORMS}"
    fixed = shown(sql).suggestion
    assert [row["currency"] for row in rows(services, fixed)][:3] == ["EUR", "EUR", "EUR"]
    assert {row["currency"] for row in rows(services, fixed)} == {"EUR", "USD"}
    assert {"currency_code", "currency_case"}.isdisjoint(codes(shown(fixed)))


@pytest.mark.parametrize(
    ("values", "currency", "read"),
    [
        (["$"], "USD", "'USD'"),
        (["$"], "CAD", "'CAD'"),
        (["$", "usd"], "USD", "'USD'"),
        (["$"], "EUR", None),
        (["$", "CAD"], "USD", None),
        (["$", "A$"], "USD", None),
        (["kr"], "SEK", "'SEK'"),
        (["kr"], "EUR", None),
        (["¥"], "EUR", None),
        (["£"], "EGP", "'EGP'"),
        (["€"], "USD", "'EUR'"),
    ],
)
def test_a_sign_that_currencies_share_is_read_only_as_the_projects_own(
    values: list[str], currency: str, read: str | None
) -> None:
    day = date(2026, 11, 22)
    seen = Profile(start_date=day, end_date=day, rows=9, currencies=dict.fromkeys(values, 3))
    offered = [candidate.expression for candidate in of_currency(seen, currency)]
    assert bool(offered) == (read is not None)
    assert all(f"THEN {read} " in expression for expression in offered)


def test_an_unknown_currency_is_reported_without_a_text_that_would_lose_the_others(
    shown: Judge,
) -> None:
    issue = mended(
        shown(f"SELECT {KEYS}, unknown AS currency {FORMS}"), "currency_code", "currency"
    )
    assert issue.replacement is None
    assert "ELSE unknown END" in issue.fix


def test_a_cookie_of_another_form_stays_itself(shown: Judge, services: Services) -> None:
    sql = f"SELECT id, cookie AS client_id, created_at AS created {FORMS}"
    fixed = shown(sql).suggestion
    found = [row["client_id"] for row in rows(services, fixed)]
    assert "0.0" not in found
    assert len(set(found)) == 12
    assert sum(client.startswith("GS1.") for client in found) == 4
    assert not [client for client in found if client.startswith("GA1.")]


def test_what_no_expression_makes_a_client_id_of_is_offered_none(shown: Judge) -> None:
    """The expression reads the visitors' cookies; the sessions' own finding would stay."""
    answer = shown(f"SELECT id, cookie AS client_id, created_at AS created {FORMS}")
    offered = {
        "session" in it.message: it.replacement
        for it in answer.issues
        if it.code == "client_id_format"
    }
    assert offered[True] is None
    assert offered[False] is not None
    again = [it.message for it in shown(answer.suggestion).issues if it.code == "client_id_format"]
    assert len(again) == 1
    assert "session" in again[0]


def test_statuses_of_deals_are_those_that_were_found(shown: Judge, services: Services) -> None:
    sql = f"SELECT id AS lead_id, created_at AS outcome_at, stage AS status {FORMS}"
    answer = shown(sql, contract="deals")
    assert "deal_status" in codes(answer)
    found = rows(services, answer.suggestion)
    assert {row["status"] for row in found} == {"won", "lost", "open"}
    unknown = shown(sql.replace("stage AS", "phase AS"), contract="deals")
    assert mended(unknown, "deal_status", "status").replacement is None


def test_a_client_id_that_nobody_knows_may_be_said_to_be_null(shown: Judge) -> None:
    sql = f"SELECT id, CAST(NULL AS STRING) AS client_id, created_at AS created {FORMS}"
    answer = shown(sql)
    assert answer.ok
    assert "missing_client_id" in codes(answer)


POSTGRES = """SELECT o."id"::text AS id, nvl(o.client_id, 'x') AS client_id,
  o.created_at AS created,
FROM shop.crm.orders AS o
WHERE o.status ilike 'paid' AND o.created_at > now() - interval '30 days'
ORDER BY 1"""


def test_all_faults_are_reported_in_one_answer_at_their_places(shown: Judge) -> None:
    answer = shown(POSTGRES.replace('"id"', '"order_id"'))
    text = POSTGRES.replace('"id"', '"order_id"').splitlines()
    marked = {
        text[it.line - 1][it.column - 1 : it.end_column - 1]
        for it in answer.issues
        if it.line and it.column and it.end_column and it.end_line == it.line
    }
    assert {
        'o."order_id"::text',
        "nvl",
        "o.status ilike 'paid'",
        "now",
        "interval '30 days'",
    } <= marked
    assert "CAST(o.`order_id` AS STRING) AS id" in answer.suggestion
    assert "INTERVAL 30 DAY" in answer.suggestion
    assert [it.name for it in answer.columns] == ["id", "client_id", "created"]
    assert not answer.ok
    assert shown(answer.suggestion).ok or "partition_filter" in codes(shown(answer.suggestion))


@pytest.mark.parametrize(
    ("sql", "mended_sql"),
    [
        ("SELECT id FROM 'shop.crm.orders'", "SELECT id FROM `shop.crm.orders`"),
        ("SELECT id FROM [shop].[crm].[orders]", "SELECT id FROM `shop.crm.orders`"),
        ("SELECT id::int FROM crm.o", "SELECT CAST(id AS INT) FROM crm.o"),
        ("SELECT UPPER(a)::text FROM crm.o", "SELECT CAST(UPPER(a) AS STRING) FROM crm.o"),
        ("SELECT größe FROM crm.o", "SELECT `größe` FROM crm.o"),
        ("SELECT id FROM crm.o WHERE a = \u2018x\u2019", "SELECT id FROM crm.o WHERE a = 'x'"),
        ("SELECT id FROM crm.o WHERE a == 1", "SELECT id FROM crm.o WHERE a = 1"),
        ("SELECT id,, a FROM crm.o", "SELECT id, a FROM crm.o"),
        ("SELECT 'it''s' AS a FROM crm.o", "SELECT 'it\\'s' AS a FROM crm.o"),
        (
            "SELECT REGEXP_CONTAINS(a, '\\d') FROM crm.o",
            "SELECT REGEXP_CONTAINS(a, r'\\d') FROM crm.o",
        ),
        ("SELECT a AS 'b' FROM crm.o", "SELECT a AS `b` FROM crm.o"),
        ("SELECT a AS group FROM crm.o", "SELECT a AS `group` FROM crm.o"),
    ],
)
def test_a_slip_is_mended_where_it_stands(sql: str, mended_sql: str) -> None:
    found = rounds.mended(sql, SCOPE)
    assert found.text == mended_sql
    assert found.verdict.ok


def test_places_in_a_mended_text_are_found_again_in_the_text_as_sent() -> None:
    sql = "SELECT id::text, nope(a) FROM crm.o"
    found = rounds.mended(sql, SCOPE)
    (unknown,) = [it for it in found.findings if it.code == "unknown_function"]
    assert unknown.column
    assert unknown.end_column
    assert sql[unknown.column - 1 : unknown.end_column - 1] == "nope"
    assert applied(sql, []) == sql == edited(sql, []).text


ONE_ROUND = """SELECT o."id"::text AS id, {{ client }} AS client_id, nvl(o.name, 'x') AS user_id
FROM shop.crm.orders AS o
WHERE o.status ILIKE 'paid' AND o.note ILIKE 'x' AND o.total % 2 = 0
  AND o.created_at > now() - interval '30 days'"""


def test_reading_goes_on_behind_what_no_program_can_mend() -> None:
    """A template stops nothing: all other faults are named in the same answer."""
    found = rounds.mended(ONE_ROUND, SCOPE).findings
    assert "template" in codes(list(found))
    dialect = [it.line or 0 for it in found if it.code == "other_dialect"]
    # "id", ::text and nvl; two ILIKE and %; now and the interval
    assert sorted(dialect) == [1, 1, 1, 3, 3, 3, 4, 4]


def test_a_script_of_temporary_tables_is_reported_as_one_query(shown: Judge) -> None:
    script = (
        "CREATE TEMP TABLE paid AS SELECT * FROM shop.crm.orders\n"
        "WHERE date BETWEEN @start_date AND @end_date AND status = 'paid';\n"
        "SELECT order_id AS id, client_id, created_at AS created FROM paid;"
    )
    answer = shown(script)
    assert [it.code for it in answer.issues if it.severity == "error"] == ["changes_schema"]
    assert answer.suggestion.startswith("WITH paid AS (SELECT * FROM shop.crm.orders")
    assert [column.name for column in answer.columns] == ["id", "client_id", "created"]
    assert shown(answer.suggestion).ok


@pytest.mark.parametrize(
    ("expression", "holds"),
    [("CAST({} AS FLOAT64)", True), ("{} / 100", False), ("IF({} > 3, 3, {})", False)],
)
def test_a_reading_of_numbers_keeps_their_sum(
    expression: str, holds: bool, services: Services
) -> None:
    sql = f"SELECT order_id AS id, items AS value FROM shop.crm.orders {PERIOD}"
    verdict = user_query.judged(sql, services.settings)
    with profiles.answer(
        services.runner, services.own, verdict, "conversion", services.last_days
    ) as kept:
        candidate = Candidate(expression, keeps_sum=True)
        found = evidence.reading(services.own, kept, "value", [candidate])
    assert (found is not None) is holds


def test_a_text_with_a_quote_is_written_as_a_literal() -> None:
    day = date(2026, 1, 1)
    seen = Profile(start_date=day, end_date=day, rows=3, statuses={"won't buy": 3})
    (finding,) = data_quality.check(seen, "deals", {}, "UTC")
    assert "WHEN 'won\\'t buy' THEN" in finding.fix


@pytest.mark.parametrize("text", ["two\nlines", "a\r\n\tb", "bell \x07", "\x85", "\u2028", "\\n'"])
def test_a_literal_holds_what_ends_a_line(text: str) -> None:
    written = data_quality.literal(text)
    assert ast.literal_eval(written) == text
    assert judge(f"SELECT id, created FROM crm.forms WHERE stage = {written}", SCOPE).ok


def test_values_that_look_alike_behind_their_mask_are_counted_together() -> None:
    seen = profiles.counted([("ann@example.com", 2), ("art@example.com", 3), ("EUR", 1)])
    assert [*seen.values()] == [5, 1]


@pytest.mark.parametrize(
    ("column", "alias", "template"),
    [
        ("symbol", "currency", "CASE {} WHEN '€' THEN 'EUR' END"),
        ("english", "value", "SAFE_CAST({} AS FLOAT64)"),
        ("cookie", "client_id", "REGEXP_EXTRACT({}, r'^GA[0-9][.][0-9][.](.+)$')"),
        ("iso", "created", "SAFE.PARSE_TIMESTAMP('%d.%m.%Y', {})"),
    ],
)
def test_a_template_that_loses_values_is_not_offered(
    column: str, alias: str, template: str, services: Services
) -> None:
    """What was offered before anybody looked at the rows."""
    verdict = user_query.judged(f"SELECT id, {column} AS {alias} {FORMS}", services.settings)
    with profiles.answer(
        services.runner, services.own, verdict, "conversion", services.last_days
    ) as kept:
        assert evidence.reading(services.own, kept, alias, [Candidate(template)]) is None
