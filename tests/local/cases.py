"""Statements that the stock emulator gets wrong, each with BigQuery's answer, patch by patch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

SETUP = """
CREATE TABLE d.events_20260101 AS
SELECT 1 AS id, 'u1' AS user, 'purchase' AS event_name,
  [STRUCT('value' AS key, STRUCT('10' AS text, 7 AS number) AS value),
   STRUCT('page' AS key, STRUCT('/a' AS text, NULL AS number) AS value)] AS params,
  [STRUCT('i1' AS item_id, 2.5 AS price, 2 AS quantity)] AS items;
CREATE TABLE d.events_20260102 AS
SELECT 2 AS id, 'u2' AS user, 'refund' AS event_name,
  [STRUCT('value' AS key, STRUCT('20' AS text, 8 AS number) AS value)] AS params,
  [STRUCT('i2' AS item_id, 1.5 AS price, 1 AS quantity)] AS items;
CREATE TABLE d.events_20260103 AS
SELECT 3 AS id, 'u3' AS user, 'purchase' AS event_name,
  [STRUCT('value' AS key, STRUCT('30' AS text, 9 AS number) AS value)] AS params, TRUE AS fresh;
CREATE TABLE d.deals AS
SELECT 1 AS id, 0.5 AS score, TIMESTAMP '2026-01-01 23:30:00' AS created UNION ALL
SELECT 2, 30.0, TIMESTAMP '2026-01-02 01:00:00.5' UNION ALL SELECT 3, NULL, NULL
"""


_BLANKS = (
    r" \t\n\v\f\r\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    r"\u200a\u2028\u2029\u202f\u205f\u3000"
)
"""What TRIM takes off, as SQL writes it. Source: Unicode's property White_Space, as GoogleSQL."""


@dataclass(frozen=True)
class Case:
    """One statement and the rows that BigQuery answers; `values` are its parameters."""

    patch: str
    sql: str
    rows: list[dict[str, Any]]
    values: dict[str, tuple[str, Any]] = field(default_factory=dict)

    @property
    def stands_alone(self) -> bool:
        """Whether it reads no table, so that the reference evaluator can answer it as it is."""
        return not any(name in self.sql for name in ("d.events", "d.deals"))


def constants(patch: str, expected: dict[str, Any]) -> Iterator[Case]:
    """One case for each expression with its value."""
    for expression, value in expected.items():
        yield Case(patch, f"SELECT {expression} AS it", [{"it": value}])


CASES = [
    *constants(
        "numbers",
        {
            "DIV(10 - 4, 3)": 2,
            "SAFE_MULTIPLY(2 + 3, 4)": 20,
            "SAFE_SUBTRACT(10, 2 + 3)": 5,
            "SAFE_NEGATE(1 + 2)": -3,
            "CAST(2.5 AS INT64)": 3,
            "CAST(-2.5 AS INT64)": -3,
            "SAFE_CAST('1.0' AS INT64)": None,
            "SAFE_CAST('1e3' AS INT64)": None,
            "SAFE_CAST('1_000' AS INT64)": None,
            "SAFE_CAST('yes' AS BOOL)": None,
            "SAFE_CAST('2026-01-02 03:04' AS DATE)": None,
            "CAST(123.0 AS STRING)": "123",
            "CAST(1e15 AS STRING)": "1e+15",
            "CAST(TIMESTAMP '2026-01-02 03:04:05.12' AS STRING)": "2026-01-02 03:04:05.120+00",
            "CAST(NUMERIC '1.50' AS STRING)": "1.5",
            "SAFE_CAST(NUMERIC '12345678901234567890.5' AS STRING)": "12345678901234567890.5",
            "CAST('0.123456789' AS NUMERIC)": Decimal("0.123456789"),
            "SIGN(-2.5)": -1.0,
            "-3 >> 1": 9223372036854775806,
            "PARSE_NUMERIC('1,234.5')": Decimal("1234.5"),
            "PARSE_NUMERIC(' - 12.3 ')": Decimal("-12.3"),
            "CAST(CAST('0.123456789' AS BIGNUMERIC) AS STRING)": "0.123456789",
        },
    ),
    *constants(
        "texts",
        {
            "FORMAT('%s', 'a')": "a",
            "FORMAT('%t', DATE '2026-01-02')": "2026-01-02",
            'FORMAT("%\'d", 1234567)': "1,234,567",
            "FORMAT('%x %X %o', -255, 255, -8)": "-ff FF -10",
            "TRIM('\\ta\\t')": "a",
            "UNICODE('')": 0,
            "SUBSTR('hello', 0, 2)": "he",
            r"'a_c' LIKE 'a\\_c'": True,
            "FARM_FINGERPRINT(b'abc')": 2640714258260161385,
            "INSTR('banana', 'an', -1)": 4,
            "INSTR('banana', 'an', -4)": 2,
            "INSTR('banana', 'an', -1, 2)": 2,
            "NET.HOST('https://user:word@www.Shop.example:8443/a?b=//c#d')": "www.Shop.example",
            "NET.HOST(' //shop.example/a ')": "shop.example",
            "NET.HOST('shop.example?a=b@c')": "shop.example",
            "NET.HOST('https://[::1]:80/')": "[::1]",
            "NET.HOST('mailto:somebody')": "mailto",
            r"NET.HOST('http:\\\\u@v@.shop.example..\\a')": "shop.example.",
            "NET.HOST('/thanks')": None,
            "NET.HOST('')": None,
        },
    ),
    Case(
        "texts",
        "SELECT TRIM(it) AS it, LTRIM(it) AS l, RTRIM(it) AS r"
        r" FROM UNNEST(['\ta b', '\u2028~a\n\u3000', '\u00a0\u00a0', 'a', '\u200ba\u200b ']) AS it"
        " WITH OFFSET AS place ORDER BY place",
        [
            {"it": "a b", "l": "a b", "r": "\ta b"},
            {"it": "~a", "l": "~a\n\u3000", "r": "\u2028~a"},
            {"it": "", "l": "", "r": ""},
            {"it": "a", "l": "a", "r": "a"},
            {"it": "\u200ba\u200b", "l": "\u200ba\u200b ", "r": "\u200ba\u200b"},
        ],
    ),
    *constants(
        "texts",
        {
            f"TRIM('{_BLANKS}a{_BLANKS}')": "a",
            r"TRIM('\u200b\u180e\ufeff\u2060 a')": "\u200b\u180e\ufeff\u2060 a",
        },
    ),
    Case(
        "numbers",
        "SELECT ARRAY(SELECT SAFE_CAST(part.f AS STRING) FROM UNNEST(it) AS part) AS texts,"
        " ARRAY(SELECT IFNULL(SAFE_CAST(part.t AS FLOAT64), 0) FROM UNNEST(it) AS part) AS numbers,"
        " ARRAY(SELECT IFNULL(SAFE_CAST(part.i AS FLOAT64), 0) FROM UNNEST(it) AS part) AS integers"
        " FROM (SELECT [STRUCT(123.0 AS f, '1_000' AS t, 7 AS i), (1e15, ' 2.5', NULL)] AS it)",
        [{"texts": ["123", "1e+15"], "numbers": [0.0, 2.5], "integers": [7.0, 0.0]}],
    ),
    *constants(
        "times",
        {
            "LAST_DAY(DATE '2026-01-05', WEEK(MONDAY))": date(2026, 1, 11),
            "LAST_DAY(DATE '2026-01-05', WEEK(THURSDAY))": date(2026, 1, 7),
            "LAST_DAY(DATETIME '2026-01-11 13:00:00', ISOWEEK)": date(2026, 1, 11),
            "FORMAT_DATE('%Y%n%d%t', DATE '2026-01-05')": "2026\n05\t",
        },
    ),
    *constants(
        "literals",
        {
            r"'\u00e9\x41'": "éA",
            r"TO_HEX(b'\x00\xff')": "00ff",
            r"LENGTH(rb'\d')": 2,
        },
    ),
    *constants(
        "times",
        {
            "TIMESTAMP_DIFF(TIMESTAMP '2026-01-02', TIMESTAMP '2026-01-01 23:30:00', DAY)": 0,
            "TIMESTAMP_DIFF(TIMESTAMP '2026-01-01 22:30:00', TIMESTAMP '2026-01-02', HOUR)": -1,
            "DATE_DIFF(DATE '2026-01-05', DATE '2026-01-04', WEEK(MONDAY))": 1,
            "DATE_DIFF(DATE '2026-01-05', DATE '2026-01-04', ISOWEEK)": 1,
            "DATE_TRUNC(DATE '2026-01-07', WEEK(MONDAY))": date(2026, 1, 5),
            "DATE_TRUNC(DATE '2026-01-07', ISOWEEK)": date(2026, 1, 5),
            "TIMESTAMP_TRUNC(TIMESTAMP '2026-01-07 10:11:12', WEEK)": datetime(
                2026, 1, 4, tzinfo=UTC
            ),
            "UNIX_SECONDS(TIMESTAMP '2026-01-02 03:04:05.923456')": 1767323045,
            "EXTRACT(MILLISECOND FROM TIMESTAMP '2026-01-02 03:04:05.123456')": 123,
            "FORMAT_TIMESTAMP('%H:%M:%E3S%Ez', TIMESTAMP '2026-01-02 03:04:05.12', 'Asia/Tokyo')": (
                "12:04:05.120+09:00"
            ),
            "FORMAT_TIMESTAMP('%s', TIMESTAMP '2026-01-02 03:04:05')": "1767323045",
            "FORMAT_DATE('%Q', DATE '2026-05-02')": "2",
            "PARSE_TIMESTAMP('%Y-%m-%d %H:%M', '2026-01-02 03:04', 'Europe/Berlin')": datetime(
                2026, 1, 2, 2, 4, tzinfo=UTC
            ),
            "PARSE_TIMESTAMP('%Y-%m-%dT%H:%M:%E*SZ', '2026-01-02T03:04:05.123Z')": datetime(
                2026, 1, 2, 3, 4, 5, 123000, tzinfo=UTC
            ),
            "STRING(TIMESTAMP '2026-01-02 03:04:05', 'Europe/Berlin')": "2026-01-02 04:04:05+01",
        },
    ),
    *constants(
        "documents",
        {
            "JSON_VALUE('no json', '$.a')": None,
            "JSON_QUERY('{\"a\": null}', '$.a')": None,
            "ARRAY_LENGTH(JSON_QUERY_ARRAY('null'))": None,
            "ARRAY_LENGTH(JSON_QUERY_ARRAY('{\"a\": 1}'))": None,
            "ARRAY_LENGTH(JSON_VALUE_ARRAY('{\"a\": 1}', '$.a'))": None,
            "TO_JSON_STRING(STRUCT(IF(TRUE, CAST(1.0 AS STRING), NULL) AS a,"
            " CASE WHEN FALSE THEN CAST(2.0 AS STRING) END AS b, IF(TRUE, [1], []) AS c,"
            " CAST(UNIX_MICROS(TIMESTAMP '1970-01-01 00:00:00.000007+00') AS STRING) AS d))": (
                '{"a":"1","b":null,"c":[1],"d":"7"}'
            ),
            "TO_JSON_STRING(STRUCT(1.0 AS a, TIMESTAMP '2026-01-02 03:04:05.5' AS b))": (
                '{"a":1,"b":"2026-01-02T03:04:05.500Z"}'
            ),
            "TO_JSON_STRING(NULL)": "null",
            "TO_JSON_STRING(9007199254740993)": '"9007199254740993"',
        },
    ),
    *constants(
        "structs",
        {
            "ARRAY(SELECT AS STRUCT it.* FROM UNNEST([STRUCT('a' AS key, 1 AS value)]) AS it)": [
                {"key": "a", "value": 1}
            ],
            "(SELECT ARRAY_AGG(STRUCT(x, y) ORDER BY x) FROM UNNEST([STRUCT(1 AS x, 'q' AS y)]))": [
                {"x": 1, "y": "q"}
            ],
        },
    ),
    *constants(
        "aggregates",
        {
            "(SELECT ARRAY_AGG(x IGNORE NULLS ORDER BY x LIMIT 1) FROM UNNEST([2, NULL]) AS x)": [
                2
            ],
        },
    ),
    *constants(
        "unnest",
        {
            "ARRAY(SELECT off FROM UNNEST(['a', 'b']) WITH OFFSET AS off ORDER BY off)": [0, 1],
        },
    ),
    Case(
        "names",
        "SELECT 1 + 1, 'x' AS named, CAST(named AS STRING) FROM (SELECT 1 AS named)",
        [{"f0_": 2, "named": "x", "f1_": "1"}],
    ),
    Case(
        "parameters",
        "SELECT @raw AS raw, '@raw' AS text, @none AS none",
        [{"raw": b"\x00\xff", "text": "@raw", "none": []}],
        {"raw": ("BYTES", b"\x00\xff"), "none": ("ARRAY<DATE>", [])},
    ),
    Case(
        "unnest",
        "SELECT id, key, value.number AS n FROM d.events_20260101, UNNEST(params) ORDER BY key",
        [{"id": 1, "key": "page", "n": None}, {"id": 1, "key": "value", "n": 7}],
    ),
    Case(
        "unnest",
        "SELECT id, params.key FROM d.events_20260102 AS t, UNNEST(t.params) AS params",
        [{"id": 2, "key": "value"}],
    ),
    Case(
        "unnest",
        "SELECT id FROM d.events_20260101 WHERE 'page' IN (SELECT key FROM UNNEST(params))",
        [{"id": 1}],
    ),
    Case(
        "lists",
        "SELECT (SELECT value.number FROM UNNEST(params) WHERE key = 'value') AS n,"
        " (SELECT SUM(price * quantity) FROM UNNEST(items)) AS total FROM d.events_20260101",
        [{"n": 7, "total": 5.0}],
    ),
    Case(
        "lists",
        "SELECT STRUCT(SUM(id) AS n, [SUM(id)] AS each) AS sums, SUM(id) AS plain,"
        " ARRAY(SELECT AS STRUCT SUM(n) / 2 AS half, SUM(n) AS whole FROM UNNEST([1, 2]) AS n)"
        " AS listed FROM d.events_20260101",
        [{"sums": {"n": 1, "each": [1]}, "plain": 1, "listed": [{"half": 1.5, "whole": 3}]}],
    ),
    Case(
        "lists",
        "SELECT ARRAY(SELECT key FROM UNNEST(params) ORDER BY 1) AS keys,"
        " ARRAY(SELECT key FROM UNNEST(params) ORDER BY key DESC) AS back,"
        " ARRAY(SELECT key FROM UNNEST(params) ORDER BY value.number) AS by_another,"
        " TO_JSON_STRING(ARRAY(SELECT value.number FROM UNNEST(params) ORDER BY 1)) AS with_null,"
        " (SELECT value.number FROM UNNEST(params) ORDER BY 1 LIMIT 1) AS least,"
        " user IN UNNEST(@users) AS yes, event_name IN UNNEST(@users) AS no,"
        " CAST(NULL AS STRING) IN UNNEST(@users) AS unknown,"
        " CAST(NULL AS STRING) IN UNNEST(@nobody) AS never"
        " FROM d.events_20260101",
        [
            {
                "keys": ["page", "value"],
                "back": ["value", "page"],
                "by_another": ["page", "value"],
                "with_null": "[null,7]",
                "least": None,
                "yes": True,
                "no": False,
                "unknown": None,
                "never": False,
            }
        ],
        {"users": ("ARRAY<STRING>", ["u1", "u2"]), "nobody": ("ARRAY<STRING>", [])},
    ),
    Case(
        "lists",  # three lookups of one list share what they read, and find what each alone finds
        "SELECT (SELECT value.text FROM UNNEST(params) WHERE key = 'value' LIMIT 1) AS first,"
        " (SELECT value.text FROM UNNEST(params) WHERE key = 'page' LIMIT 1) AS second,"
        " (SELECT value.text FROM UNNEST(params) WHERE key = 'nowhere' LIMIT 1) AS third,"
        " EXISTS(SELECT 1 FROM UNNEST(params) WHERE key = 'value' AND (value.text IN"
        " UNNEST(@texts) OR key IN UNNEST(@texts))) AS found,"
        " EXISTS(SELECT 1 FROM UNNEST(params) WHERE value.text IN UNNEST(@nothing)) AS missed"
        " FROM d.events_20260101",
        [{"first": "10", "second": "/a", "third": None, "found": True, "missed": False}],
        {"texts": ("ARRAY<STRING>", ["x", "10"]), "nothing": ("ARRAY<STRING>", [])},
    ),
    Case(
        "times",  # before 1970 a moment is a negative number
        "SELECT DATE(it, 'UTC') AS utc, DATE(it, 'Asia/Tokyo') AS tokyo,"
        " UNIX_SECONDS(it) AS seconds, UNIX_MICROS(it) AS micros"
        " FROM (SELECT TIMESTAMP '1969-12-31 23:30:00.6+00' AS it)",
        [
            {
                "utc": date(1969, 12, 31),
                "tokyo": date(1970, 1, 1),
                "seconds": -1800,
                "micros": -1_799_400_000,
            }
        ],
    ),
    Case(
        "windows",  # aggregates over whole partitions, of a key that may be NULL
        "SELECT t.n, MIN(t.n) OVER part AS least, COUNT(DISTINCT t.word) OVER part AS words,"
        " COUNTIF(t.n > 1) OVER part AS many, MAX(t.n) OVER (PARTITION BY t.key) AS most,"
        " SAFE_CAST('1_000' AS INT64) AS none FROM ("
        "SELECT 'k' AS key, 1 AS n, 'a' AS word UNION ALL SELECT 'k', 2, 'b' UNION ALL"
        " SELECT 'k', 9, NULL UNION ALL SELECT NULL, 3, 'a' UNION ALL SELECT NULL, 4, 'a'"
        ") AS t WHERE t.n < 9 WINDOW part AS (PARTITION BY t.key) ORDER BY t.n",
        [
            {"n": 1, "least": 1, "words": 2, "many": 1, "most": 2, "none": None},
            {"n": 2, "least": 1, "words": 2, "many": 1, "most": 2, "none": None},
            {"n": 3, "least": 3, "words": 1, "many": 2, "most": 4, "none": None},
            {"n": 4, "least": 3, "words": 1, "many": 2, "most": 4, "none": None},
        ],
    ),
    *constants(
        "lists",
        {
            "ARRAY_SLICE([7, 8, 9], 0, 1)": [7, 8],
            "ARRAY_SLICE([7, 8, 9], -9, 0)": [7],
            "ARRAY_SLICE([7, 8, 9], 1, 9)": [8, 9],
        },
    ),
    Case(
        "lists",
        "SELECT [7, 8, 9][OFFSET(n)] AS a, [7, 8, 9][SAFE_ORDINAL(n + 1)] AS b,"
        " [7, 8, 9][SAFE_OFFSET(DIV(n, 9))] AS c, [7, 8, 9][SAFE_OFFSET(n + 9)] AS d"
        " FROM (SELECT 1 AS n)",
        [{"a": 8, "b": 8, "c": 7, "d": None}],
    ),
    Case(
        "wildcards",
        "SELECT COUNT(*) AS n FROM `d.events_2*` WHERE _TABLE_SUFFIX = '0260101'"
        " OR _TABLE_SUFFIX = '0260102'",
        [{"n": 2}],
    ),
    Case(
        "wildcards",
        "WITH a AS (SELECT id FROM `d.events_*` WHERE _TABLE_SUFFIX = '20260101'),"
        " b AS (SELECT id FROM `d.events_*` WHERE _TABLE_SUFFIX = '20260102')"
        " SELECT a.id AS a, b.id AS b FROM a, b",
        [{"a": 1, "b": 2}],
    ),
    Case(
        "wildcards",
        "SELECT id, fresh FROM `d.events_*` AS e WHERE e._TABLE_SUFFIX BETWEEN @first AND @last"
        " ORDER BY id",
        [{"id": 2, "fresh": None}, {"id": 3, "fresh": True}],
        {"first": ("STRING", "20260102"), "last": ("STRING", "20260105")},
    ),
    Case(
        "wildcards",
        "SELECT id FROM `d.events_*` WHERE _TABLE_SUFFIX ="
        " FORMAT_DATE('%Y%m%d', DATE_SUB(DATE '2026-01-03', INTERVAL 2 DAY))",
        [{"id": 1}],
    ),
    Case("wildcards", "SELECT id FROM `d.events_*` WHERE _TABLE_SUFFIX = '2030'", []),
    Case(
        "wildcards",
        "SELECT * EXCEPT (params, fresh) FROM `d.events_*` e WHERE _TABLE_SUFFIX > '20260102'",
        [{"id": 3, "user": "u3", "event_name": "purchase"}],
    ),
    Case(
        "numbers",
        "SELECT id, CAST(score AS STRING) AS text FROM d.deals ORDER BY id",
        [{"id": 1, "text": "0.5"}, {"id": 2, "text": "30"}, {"id": 3, "text": None}],
    ),
]
