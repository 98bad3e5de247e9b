"""The guard's verdicts: honest queries pass, hostile ones do not, what was judged is what runs."""

from __future__ import annotations

import pytest

from common.guard.judge import judge
from common.guard.names.scope import Scope
from common.local.analyzer import analysis
from tests.guard import reader
from tests.guard.corpus import SCOPE, Case, cases
from tests.guard.fuzz import differences

GOOD = cases("good")
HOSTILE = cases("hostile")


def titled(case: Case) -> str:
    return case.title


@pytest.mark.parametrize("case", GOOD, ids=titled)
def test_an_honest_query_passes(case: Case) -> None:
    verdict = judge(case.sql, SCOPE)
    assert verdict.ok, verdict.findings


@pytest.mark.parametrize("case", GOOD, ids=titled)
def test_the_text_that_runs_means_to_googlesql_what_the_author_wrote(case: Case) -> None:
    verdict = judge(case.sql, SCOPE)
    assert reader.read(verdict.canonical).shape == reader.read(case.sql).shape


@pytest.mark.parametrize("case", HOSTILE, ids=titled)
def test_a_hostile_text_is_refused_for_its_true_reason(case: Case) -> None:
    verdict = judge(case.sql, SCOPE)
    errors = [finding.code for finding in verdict.findings if finding.severity == "error"]
    assert not verdict.ok
    assert case.title.partition(":")[0] in errors


@pytest.mark.parametrize("case", HOSTILE, ids=titled)
def test_every_finding_says_what_why_and_what_to_write(case: Case) -> None:
    for finding in judge(case.sql, SCOPE).findings:
        assert finding.message.endswith((".", "?", ":")) or finding.code == "bare_letter"
        assert finding.fix
        assert len(finding.message) < 400
        assert finding.code != finding.message


def test_findings_of_several_layers_are_reported_at_once() -> None:
    sql = (
        "SELECT COALSCE(id, '\\d') AS id, RAND() AS value\n"
        "FROM shop.secret.t TABLESAMPLE SYSTEM (1 PERCENT)\n"
        "WHERE date > @since LIMIT 10"
    )
    codes = [finding.code for finding in judge(sql, SCOPE).findings]
    assert {"bad_escape", "unknown_function", "parameter", "sample"} <= set(codes)
    others = judge(sql.replace("TABLESAMPLE SYSTEM (1 PERCENT)", ""), SCOPE).findings
    assert {"table_not_allowed", "random", "limit"} <= {finding.code for finding in others}


def test_a_finding_points_at_its_place_in_the_text_as_sent() -> None:
    lines = [
        "SELECT id, -- größe, €",
        "  client_id",
        "FROM crm.orders",
        "JOIN shop.secret.t USING (id)",
    ]
    sql = "\r\n".join(lines)
    (finding,) = judge(sql, SCOPE).findings
    assert (finding.code, finding.line, finding.column) == ("table_not_allowed", 4, 6)
    assert (finding.end_line, finding.end_column) == (4, 10)


def test_the_canonical_text_has_no_comment_and_no_second_statement() -> None:
    sql = "SELECT/* a */id--b\n,client_id # c\nFROM shop.crm.orders ; -- d"
    assert judge(sql, SCOPE).canonical == "SELECT id ,client_id FROM shop.crm.orders"


def test_a_dashed_project_is_quoted_in_the_text_that_runs() -> None:
    verdict = judge("SELECT id FROM my-shop-1.crm.orders", SCOPE)
    assert verdict.canonical == "SELECT id FROM `my-shop-1`.crm.orders"
    assert verdict.tables == ("my-shop-1.crm.orders",)


def test_tables_functions_and_parameters_are_reported() -> None:
    sql = (
        "SELECT NET.HOST(url) AS id, SAFE.PARSE_DATE('%F', d) "
        "FROM crm.orders, `shop.hubspot.deal` WHERE d > @START_DATE"
    )
    verdict = judge(sql, SCOPE)
    assert verdict.tables == ("shop.crm.orders", "shop.hubspot.deal")
    assert verdict.functions == {"NET.HOST", "SAFE.PARSE_DATE"}
    assert verdict.parameters == {"start_date"}


def test_a_near_miss_in_a_dataset_is_answered_with_the_allowed_name() -> None:
    (finding,) = judge("SELECT id FROM `shop.cmr.orders`", SCOPE).findings
    assert finding.fix == "Did you mean `shop.crm.orders`?"


def test_our_own_output_is_refused_even_where_its_dataset_is_allowed() -> None:
    scope = Scope("shop", frozenset({"shop.conversions"}), frozenset({"shop.conversions"}))
    (finding,) = judge("SELECT id FROM shop.conversions.conversion_purchase", scope).findings
    assert finding.code == "own_table"


def test_fifty_tables_are_too_many() -> None:
    sql = " UNION ALL ".join(f"SELECT id FROM shop.crm.t{number}" for number in range(50))
    assert "too_many_tables" in [finding.code for finding in judge(sql, SCOPE).findings]
    assert judge(sql.rpartition(" UNION ALL ")[0], SCOPE).ok


@pytest.mark.parametrize(
    "text",
    [
        "SELECT '" + "x" * 1_100_000 + "' AS id",
        "SELECT " + "(" * 100_000,
        "SELECT 1" + ", 1" * 30_000,
        "x" * 1_100_000,
    ],
    ids=["1 MB literal", "100,000 brackets", "60,000 words", "one long word"],
)
def test_a_text_beyond_the_limits_is_refused_before_it_is_parsed(text: str) -> None:
    codes = [finding.code for finding in judge(text, SCOPE).findings]
    assert set(codes) <= {"too_large", "too_deep", "unbalanced"}


@pytest.mark.parametrize(
    "text",
    [
        "SELECT '" + "x" * 990_000 + "' AS id",
        "SELECT id FROM crm.orders" + "\n" * 900_000,
        "SELECT id FROM crm.orders WHERE id IN ('1'" + f", '{'x' * 130}'" * 7_000 + ")",
    ],
    ids=["one literal", "many lines", "7,000 ids"],
)
def test_a_long_text_is_read(text: str) -> None:
    assert judge(text, SCOPE).ok


@pytest.mark.parametrize("space", ["\u00a0", "\u3000", "\t", "\r\n", "/**/", "--\n", "#\n"])
def test_whatever_googlesql_reads_as_a_gap_is_a_gap(space: str) -> None:
    sql = f"SELECT{space}1{space}AS{space}id"
    assert judge(sql, SCOPE).canonical == "SELECT 1 AS id"
    assert reader.read(sql).shape == reader.read("SELECT 1 AS id").shape


@pytest.mark.parametrize("point", [0x200B, 0x202E, 0x2066, 0xAD, 0x0, 0x1B, 0x85, 0x2028, 0xD800])
@pytest.mark.parametrize(
    "place", ["SELECT 1 {} AS id", "SELECT 'a{}b' AS id", "SELECT 1 AS id -- {}"]
)
def test_what_cannot_be_seen_is_refused_wherever_it_stands(point: int, place: str) -> None:
    (finding,) = judge(place.format(chr(point)), SCOPE).findings
    assert finding.code == "bad_character"


def test_a_byte_order_mark_at_the_start_does_no_harm() -> None:
    assert judge("\ufeffSELECT 1 AS id", SCOPE).ok


@pytest.mark.parametrize(
    ("sql", "functions"),
    [
        ("SELECT id AS current_date FROM crm.orders current_time", set()),
        ("SELECT CURRENT_DATE current_date FROM crm.`orders` CURRENT_TIME", {"CURRENT_DATE"}),
        ("SELECT n FROM crm.hash CURRENT_DATE", set()),
        ("WITH current_date AS (SELECT 1 AS id) SELECT id FROM current_date", set()),
        ("SELECT * EXCEPT (current_date) FROM crm.orders JOIN crm.b USING (current_date)", set()),
        ("SELECT SUM(n) OVER current_time AS n FROM crm.t WINDOW current_time AS ()", {"SUM"}),
        ("SELECT a IS DISTINCT FROM CURRENT_DATE AS b", {"CURRENT_DATE"}),
        ("SELECT EXTRACT(DAY FROM CURRENT_DATE) AS b", {"EXTRACT", "CURRENT_DATE"}),
        ("FROM crm.orders |> EXTEND CURRENT_DATE AS d", {"CURRENT_DATE"}),
        ("SELECT ARRAY(SELECT AS VALUE CURRENT_DATE) AS days", {"ARRAY", "CURRENT_DATE"}),
    ],
)
def test_a_clock_is_distinguished_from_what_bears_its_name(sql: str, functions: set[str]) -> None:
    verdict = judge(sql, SCOPE)
    assert verdict.functions == functions
    assert differences(sql) == ("accepted", [])


@pytest.mark.parametrize(
    ("from_", "is_told"),
    [
        ("crm.orders AS a, crm.stores AS b", True),
        ("crm.orders AS a CROSS JOIN crm.stores AS b WHERE a.date = @start_date", True),
        ("crm.orders AS a, (SELECT n FROM crm.stores) AS b", True),
        ("crm.orders AS a, step AS b", True),
        ("crm.orders AS a JOIN crm.stores AS b ON TRUE", True),
        ("crm.orders AS a JOIN crm.stores AS b ON 1 = 1", True),
        ("crm.orders AS a, crm.stores AS b WHERE a.date = @start_date AND a.n = b.n", False),
        ("crm.orders AS a JOIN crm.stores AS b ON a.n = b.n", False),
        ("crm.orders AS a JOIN crm.stores AS b USING (n)", False),
        ("crm.orders AS a, a.items AS b", False),
        ("crm.orders AS a CROSS JOIN UNNEST([1, 2]) AS b", False),
        ("crm.orders AS a, (SELECT MAX(n) AS n FROM crm.stores) AS b", False),
        ("(SELECT MAX(n) AS n FROM crm.stores) AS b, crm.orders AS a", False),
        ("crm.orders AS a, total AS b", False),
        ("UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS a, crm.stores AS b", False),
    ],
)
def test_tables_that_no_condition_ties_are_reported(from_: str, is_told: bool) -> None:
    steps = "WITH step AS (SELECT n FROM crm.a), total AS (SELECT COUNT(*) AS n FROM crm.a)"
    found = judge(f"{steps} SELECT 1 AS id FROM {from_}", SCOPE).findings
    assert ("cartesian_join" in [finding.code for finding in found]) is is_told


def test_a_table_between_wrong_quotes_is_answered_with_its_name() -> None:
    for written in ("'shop.crm.orders'", '"shop.crm.orders"', "[shop].[crm].[orders]"):
        (finding,) = judge(f"SELECT id FROM {written}", SCOPE).findings
        assert finding.fix == "`shop.crm.orders`"


def test_a_project_with_dashes_behind_a_comma_is_answered_with_its_path() -> None:
    sql = "SELECT 1 AS id FROM crm.orders AS o, my-shop-1.crm.orders AS p WHERE p.id = o.id"
    (finding,) = judge(sql, SCOPE).findings
    assert (finding.code, finding.replacement) == ("table_name", "`my-shop-1.crm.orders`")
    assert finding.column == 38
    assert finding.end_column == 58


def test_a_routine_is_reported_as_it_is_written() -> None:
    (finding,) = judge("SELECT crm.cleanId(id) AS id FROM crm.orders", SCOPE).findings
    assert finding.message.startswith("crm.cleanId is no function of GoogleSQL")


@pytest.mark.parametrize(
    ("sql", "answered"),
    [
        ("{{ config() }}", ["template"]),
        ("SELECT id FROM crm.orders TABLESAMPLE SYSTEM (1 PERCENT)", ["sample"]),
        ("SELECT id FROM crm.orders TABLESAMPLE SYSTEM (1 PERCENT) WHERE nope(id)",
         ["unknown_function", "sample"]),
    ],
)  # fmt: skip
def test_only_what_is_so_is_reported(sql: str, answered: list[str]) -> None:
    assert [finding.code for finding in judge(sql, SCOPE).findings] == answered


def test_a_step_that_cannot_be_seen_is_not_called_a_table() -> None:
    sql = "WITH b AS (SELECT id FROM a), a AS (SELECT 1 AS id) SELECT id FROM b"
    (finding,) = judge(sql, SCOPE).findings
    assert finding.message.startswith("a is a step of WITH that cannot be seen here")
    assert finding.fix == "Move a before the step that reads it."


@pytest.mark.parametrize(
    ("sql", "begins", "fix"),
    [
        ("SELECT id FROM crm.o AS q WHERE id IN (SELECT id FROM q)",
         "q is the name of rows that the query reads elsewhere",
         "Make the rows a step, and read it in both places: WITH q AS (SELECT ...)"),
        ("FROM crm.o |> AS q |> JOIN q USING (id) |> SELECT id",
         "q is the name of rows that the query reads elsewhere",
         "Make the rows a step, and read it in both places: WITH q AS (SELECT ...)"),
        ("FROM crm.o |> AS q |> JOIN q.items AS item |> SELECT item.id",
         "q.items is read as a table here, since no row q is certain to be in sight.",
         "To read the elements of an array of the row: UNNEST(q.items) AS item"),
        ("SELECT id FROM hr.o AS hr", "The dataset shop.hr of shop.hr.o is not one", None),
        ("FROM crm.o |> SELECT id |> JOIN __tmp1 USING (id)", "__tmp1 does not say in which", None),
    ],
)  # fmt: skip
def test_rows_that_are_read_as_a_table_are_called_rows(
    sql: str, begins: str, fix: str | None
) -> None:
    errors = [finding for finding in judge(sql, SCOPE).findings if finding.severity == "error"]
    (finding,) = errors
    assert finding.message.startswith(begins)
    assert fix is None or finding.fix == fix


@pytest.mark.parametrize(
    ("sql", "code", "fix"),
    [
        ("SELCT id FROM crm.o", "not_a_query", "Did you mean SELECT?"),
        ("SELECT id, a FORM crm.o", "syntax", "Did you mean FROM?"),
        ("SELECT id FROM crm.o WERE id = 1", "syntax", "Did you mean WHERE?"),
        ("SELECT id FROM crm.o GRUOP BY id", "syntax", "Did you mean GROUP?"),
        ("SELECT id FROM crm.o ODER BY id", "syntax", "Did you mean ORDER?"),
        ("SELECT id order_id2 client_id FROM crm.o", "syntax", "order_id2, client_id"),
        ("SELECT id FROM crm.o LIMIT 5, 10", "syntax", "LIMIT 10 OFFSET 5"),
        ("WITH a AS (SELECT 1) DELETE FROM crm.o WHERE TRUE", "syntax", "SELECT ... FROM step"),
        ("CREATE TEMP FUNCTION f(x STRING) AS (x); SELECT f(id) FROM crm.o", "changes_schema",
         "Write the function's expression in place of each of its calls."),
        ("FROM crm.o |> SELECT id, SUM(a) OVER w AS s WINDOW w AS (PARTITION BY id)",
         "unknown_form",
         "Write the window where it is used: SUM(total) OVER (PARTITION BY client_id)"),
        ("SELECT id FROM _SESSION.o", "table_not_allowed",
         "Make it a step: WITH o AS (SELECT ...)"),
        ("SELECT id FROM shop.CRM.o", "table_not_allowed", "Did you mean `shop.crm.o`?"),
        ("SELECT id FROM crn.o", "table_not_allowed", "Did you mean `shop.crm.o`?"),
        ("SELECT id FROM shpo.crm.o", "table_not_allowed", "Did you mean `shop.crm.o`?"),
        ("SELECT id FROM hr.o", "table_not_allowed", None),
    ],
)  # fmt: skip
def test_a_slip_of_the_keys_is_answered_with_what_was_meant(
    sql: str, code: str, fix: str | None
) -> None:
    (finding,) = [it for it in judge(sql, SCOPE).findings if it.severity == "error"]
    assert finding.code == code
    assert finding.fix == fix or (fix is None and "Did you mean" not in finding.fix)


@pytest.mark.parametrize(
    ("sql", "is_open"),
    [
        ("SELECT * FROM crm.o", True),
        ("SELECT o.* FROM crm.o AS o", True),
        ("WITH a AS (SELECT * FROM crm.o) SELECT * FROM a", True),
        ("WITH a AS (SELECT id FROM crm.o) SELECT * FROM a", False),
        ("WITH a AS (SELECT id FROM crm.o), b AS (SELECT * FROM a) SELECT b.* FROM b", False),
        ("SELECT * FROM (SELECT id FROM crm.o)", False),
        ("SELECT * FROM (SELECT id FROM crm.o) JOIN crm.p USING (id)", True),
        ("SELECT id FROM crm.o UNION ALL SELECT * FROM crm.p", True),
        ("FROM crm.o", True),
        ("FROM crm.o |> EXTEND 1 AS x", True),
        ("FROM crm.o |> SELECT id", False),
        ("FROM crm.o |> AS s |> SELECT s.id |> EXTEND 1 AS x |> LIMIT 3", False),
        ("FROM crm.o |> AGGREGATE COUNT(*) AS n GROUP BY id", False),
        ("SELECT id FROM crm.o |> WHERE id > 1", False),
    ],
)
def test_a_star_is_reported_where_the_columns_of_a_table_come_out(sql: str, is_open: bool) -> None:
    codes = {finding.code for finding in judge(sql, SCOPE).findings}
    assert ("select_star" in codes) is is_open


def test_a_join_behind_the_alias_of_a_pipe_needs_a_condition() -> None:
    sql = "FROM crm.o |> AS s |> CROSS JOIN crm.p |> SELECT s.id"
    assert [finding.code for finding in judge(sql, SCOPE).findings] == ["cartesian_join"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("double", "FLOAT64"),
        ("double precision", "FLOAT64"),
        ("varchar(20)", "STRING"),
        ("nvarchar(max)", "STRING"),
        ("timestamp with time zone", "TIMESTAMP"),
        ("timestamp without time zone", "DATETIME"),
        ("timestamp(6)", "TIMESTAMP"),
        ("bigint(20)", "BIGINT"),
        ("ARRAY<varchar>", "ARRAY<STRING>"),
        ("STRUCT<double INT64, a text>", "STRUCT<double INT64, a STRING>"),
        ("quux", None),
    ],
)
def test_a_type_of_another_dialect_is_called_one(written: str, meant: str | None) -> None:
    sql = f"SELECT CAST(a AS {written}) AS id, b AS double FROM crm.orders"
    (finding,) = judge(sql, SCOPE).findings
    assert finding.code == "other_dialect"
    assert finding.message.endswith(("is no type of GoogleSQL.", "takes no length here."))
    at = (finding.column or 0) - 1
    assert (finding.replacement is None) is (meant is None)
    if meant is not None:
        end = (finding.end_column or 0) - 1
        fixed = sql[:at] + str(finding.replacement) + sql[end:]
        assert fixed == f"SELECT CAST(a AS {meant}) AS id, b AS double FROM crm.orders"
        assert judge(fixed, SCOPE).ok


@pytest.mark.parametrize("name", ["INT", "integer", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT"])
def test_bigquerys_other_names_of_an_integer_are_accepted_by_both_judges(name: str) -> None:
    sql = f"SELECT CAST('1' AS {name}) AS id"
    assert judge(sql, SCOPE).ok
    assert [column.type for column in analysis.analyze(sql)] == ["INT64"]


def test_all_types_of_another_dialect_are_named_in_one_answer() -> None:
    sql = "SELECT SAFE_CAST(a AS double), nope(b), CAST(c AS varchar(5)) FROM shop.secret.t"
    codes = [finding.code for finding in judge(sql, SCOPE).findings]
    assert sorted(codes) == [
        "other_dialect", "other_dialect", "table_not_allowed", "unknown_function"
    ]  # fmt: skip


def test_arrays_of_numbers_that_python_cannot_print_are_refused() -> None:
    array = f"UNNEST(GENERATE_ARRAY(1, {'9' * 4_299}))"
    verdict = judge(f"SELECT a AS id FROM {array} AS a, {array} AS b", SCOPE)
    assert "unbounded" in {finding.code for finding in verdict.findings}


def test_a_function_in_from_is_reported_at_its_place() -> None:
    sql = "SELECT id FROM crm.orders, crm.fresh(3) AS it"
    (found,) = [it for it in judge(sql, SCOPE).findings if it.code == "table_function"]
    assert found.column == sql.index("fresh") + 1


def test_a_hint_is_called_one_and_can_be_taken_out() -> None:
    (finding,) = judge("SELECT id FROM crm.orders@{scan = x} AS o", SCOPE).findings
    assert finding.message == (
        "@{scan = x} is a hint on how to run the query; that is left to BigQuery here."
    )
    assert (finding.column, finding.end_column, finding.replacement) == (26, 37, "")


@pytest.mark.parametrize(
    "aggregate",
    [
        "COUNT(*) AS n GROUP AND ORDER BY day",
        "COUNT(*) AS n, GROUP BY day",
        "COUNT(*) AS n,\n  GROUP AND ORDER BY day AS id DESC, status,",
        "GROUP AND ORDER BY day",
    ],
)
def test_a_pipe_groups_and_orders_at_once(aggregate: str) -> None:
    sql = f"FROM crm.orders |> AGGREGATE {aggregate} |> EXTEND 1 AS one, |> WHERE one = 1"
    assert judge(sql, SCOPE).ok
    assert differences(sql) == ("accepted", [])


def test_a_pattern_in_a_function_is_not_taken_for_a_table() -> None:
    sql = "SELECT SUBSTRING(note FROM 'at ([0-9]+)') AS id FROM crm.orders"
    assert not any("table" in finding.message for finding in judge(sql, SCOPE).findings)


def test_an_epoch_is_called_what_it_is() -> None:
    findings = judge("SELECT EXTRACT(EPOCH FROM created) AS id FROM crm.orders", SCOPE).findings
    assert [(it.code, it.column) for it in findings] == [("other_dialect", 16)]


WHERE = "SELECT id FROM shop.crm.orders WHERE"
SLIPS = {
    f"{WHERE} date >= '@start_date'": ("parameter", "@start_date", True),
    f"{WHERE} date >= :start_date": ("parameter", "@start_date", True),
    f"{WHERE} date BETWEEN :from_day AND 1": ("parameter", "WHERE date BETWEEN", False),
    f"{WHERE} date >= $1": ("parameter", "WHERE date BETWEEN", False),
    f"{WHERE} date >= {{start_date}}": ("template", "Paste the compiled SQL", False),
    f"{WHERE} doc:a = 1": ("other_dialect", "Write JSON_VALUE", False),
    f"{WHERE} date => @start_date": ("syntax", "Write >=", False),
    f"{WHERE} date =< @start_date": ("syntax", "Write <=", False),
    f"{WHERE} a UNION SELECT 1": ("syntax", "UNION DISTINCT SELECT ...; or UNION ALL", False),
    f"{WHERE} a EXCEPT SELECT 1": ("syntax", "EXCEPT DISTINCT SELECT ...", False),
    f"{WHERE} a MINUS SELECT 1": ("other_dialect", "EXCEPT DISTINCT", True),
    f"{WHERE} date BETWEEN 1, 2": ("syntax", "BETWEEN 1 AND 2", False),
    "SELECT limit FROM shop.crm.orders": ("syntax", "`limit`", True),
    "SELECT id FROM shop.crm.orders GROUPBY id": ("syntax", "GROUP BY id", False),
    f"{WHERE} a LIMIT (10)": ("syntax", "LIMIT 10, or best", False),
    f"{WHERE} a LIMIT -1": ("syntax", "LIMIT 10, or best", False),
    f"{WHERE} a = 1 && b = 2": ("syntax", "Write AND", False),
    f"{WHERE} a = 1 || b = 2": ("syntax", "Write OR", False),
    f"{WHERE} a IS NOT 'x'": ("syntax", "!= 'x'", False),
    f"{WHERE} a IN 'x'": ("syntax", "IN ('x', ...)", False),
    f"{WHERE} a REGEXP 'x'": ("syntax", "REGEXP_CONTAINS(", False),
    f"{WHERE} a ~ 'x'": ("syntax", "REGEXP_CONTAINS(", False),
    "SELECT CAST(id, STRING) FROM shop.crm.orders": ("syntax", "CAST(id AS STRING)", False),
    "SELECT IF(a THEN 1) FROM shop.crm.orders": ("syntax", "IF(a = 1, 'x', 'y')", False),
    "SELECT SUM(a) OVER PARTITION BY id FROM shop.crm.orders": ("syntax", "OVER (PARTITION", False),
    "SELECT id INTO t FROM shop.crm.orders": ("syntax", "Remove INTO", False),
    "SELECT id FROM shop.crm.orders FETCH FIRST 5 ROWS ONLY": ("syntax", "LIMIT 10", False),
    "SELECT id FROM shop.crm.orders LEFT OUTER shop.crm.p": ("syntax", "LEFT JOIN", False),
    "SELECT id FROM shop.crm.orders OUTER JOIN shop.crm.p": ("syntax", "LEFT OUTER JOIN", False),
    "SELECT id FROM shop.crm.orders CROSS APPLY items": ("syntax", "CROSS JOIN UNNEST", False),
    "SELECT 1st_order FROM shop.crm.orders": ("glued", "`1st_order`, or", False),
    f"```sql\n{WHERE} a": ("unreadable", "Remove it.", True),
}


@pytest.mark.parametrize("sql", SLIPS)
def test_a_slip_of_a_tired_hand_gets_its_true_reason(sql: str) -> None:
    code, fix, is_mended = SLIPS[sql]
    (finding,) = (it for it in judge(sql, SCOPE).findings if it.severity == "error")
    assert (finding.code, finding.fix[: len(fix)]) == (code, fix)
    assert (finding.replacement is not None) == is_mended
