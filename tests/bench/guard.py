"""How long the static part of validate_sql takes: honest queries, and texts made to stall it.

It is the guard and the partition rule. Times are of the processor, which a busy machine does not
distort.

python -m tests.bench.guard
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from statistics import quantiles

from common.guard.judge import judge
from common.guard.reading import lexer
from common.guard.reading.text import MAXIMUM_BYTES, Source
from functions.validate_sql.partition import partition
from functions.validate_sql.partition.partition import Catalogue, Partition
from tests.guard.corpus import SCOPE, cases

# What may stand around an expression, over and over.
WRAPPERS = {
    "brackets": ("(", ")"),
    "arrays": ("[", "]"),
    "structs": ("STRUCT(", ")"),
    "named structs": ("STRUCT(", " AS a)"),
    "typed structs": ("STRUCT<a INT64>(", ")"),
    "typed arrays": ("ARRAY<INT64>[", "]"),
    "dates": ("DATE(", ")"),
    "timestamps": ("TIMESTAMP(", ")"),
    "datetimes": ("DATETIME(", ")"),
    "strings": ("STRING(", ")"),
    "safe calls": ("SAFE.SUBSTR(", ", 1)"),
    "network calls": ("NET.HOST(", ")"),
    "casts": ("CAST(", " AS STRING)"),
    "extracts": ("EXTRACT(DAY FROM ", ")"),
    "ifs": ("IF(TRUE, ", ", 1)"),
    "cases": ("CASE WHEN ", " THEN 1 END"),
    "subqueries": ("(SELECT ", ")"),
    "derived tables": ("(SELECT 1 FROM (SELECT ", ") AS t)"),
    "exists": ("EXISTS(SELECT ", ")"),
    "array subqueries": ("ARRAY(SELECT ", ")"),
    "unnest": ("a IN UNNEST(", ")"),
    "windows": ("SUM(a) OVER (ORDER BY ", ")"),
    "unions": ("(SELECT 1 UNION ALL SELECT ", ")"),
    "pivots": ("(SELECT 1 FROM a.b.c PIVOT(SUM(b) FOR c IN (", "))) "),
    "aggregates": ("ARRAY_AGG(", " IGNORE NULLS ORDER BY a LIMIT 1)"),
    "comparisons": ("a > (", ")"),
    "intervals": ("DATE_ADD(a, INTERVAL ", " DAY)"),
    "indexes": ("a[OFFSET(", ")]"),
    "nots": ("NOT (", ")"),
}

# What may stand around an item of FROM, over and over.
SOURCES = {
    "derived": ("(SELECT * FROM ", ")"),
    "joined": ("(", " JOIN crm.p ON TRUE)"),
    "steps": ("(WITH a AS (SELECT * FROM ", ") SELECT * FROM a)"),
    "piped": ("(FROM ", " |> WHERE a)"),
    "unnested": ("(SELECT * FROM crm.o, o.arr, ", ")"),
    "unions": ("(SELECT 1 FROM crm.o UNION ALL SELECT 1 FROM ", ")"),
}
BARE = 3
"""JOINs without ON in one FROM: each doubles what is read behind it."""


def side_by_side(words: int) -> Iterator[tuple[str, str]]:
    """Name and text of every shape that nests deep and is repeated: about so many words long."""
    shapes = {
        f"{name} x {depth}": ("SELECT ", f"{opening * depth}1{closing * depth} AS a")
        for name, (opening, closing) in WRAPPERS.items()
        for depth in (8, 30)
    }
    shapes |= {
        f"{name} x {depth} in FROM": ("SELECT 1 FROM ", f"{opening * depth}crm.o{closing * depth}")
        for name, (opening, closing) in SOURCES.items()
        for depth in (4, 8, 15)
    }
    for name, (start, part) in shapes.items():
        long = len(lexer.tokens(Source(part))[0]) + 1
        yield name, start + ", ".join([part] * (words // long or 1))
    joins = "JOIN crm.p " * BARE + "JOIN crm.q USING (a) " * (words // 8)
    yield f"{BARE} bare joins", f"SELECT 1 FROM crm.o {joins}"


def hostile() -> Iterator[tuple[str, str]]:
    """Name and text of every shape that might take long or much."""
    for name, (opening, closing) in WRAPPERS.items():
        for depth in (5, 8, 16, 31, 1_000):
            for core in ("1", "1 1", "a JOIN b JOIN c"):
                text = f"SELECT {opening * depth}{core}{closing * depth} AS a"
                yield f"{name} x {depth} around {core}", text
    names = list(WRAPPERS)
    for one, other in zip(names, names[1:] + names[:1], strict=True):
        (a, b), (c, d) = WRAPPERS[one], WRAPPERS[other]
        yield f"{one} in {other} x 15", f"SELECT {(a + c) * 15}1{(d + b) * 15} AS a"
    yield "100,000 brackets", "SELECT " + "(" * 100_000
    yield "1 MB literal", "SELECT '" + "x" * 1_000_000 + "' AS a"
    yield from _long()
    yield from _open()
    yield from side_by_side(lexer.MAXIMUM_TOKENS - 1_000)
    yield from side_by_side(2_000)


def _long() -> Iterator[tuple[str, str]]:
    """Texts as long as they may be."""
    room = MAXIMUM_BYTES - 200
    repeated = {
        "AND chain": ("SELECT 1 AS a WHERE TRUE", " AND a=1"),
        "sum": ("SELECT 1 ", "+1"),
        "columns": ("SELECT 1 AS a", ",a"),
        "path": ("SELECT a", ".a"),
        "table path": ("SELECT 1 FROM a", ".a"),
        "unions": ("SELECT 1 AS a", " UNION ALL SELECT 1"),
        "comma joins": ("SELECT 1 FROM crm.a", ",crm.a"),
        "joins": ("SELECT 1 FROM crm.a", " JOIN crm.a USING(a)"),
        "joins without ON": ("SELECT 1 FROM crm.a", " JOIN crm.a"),
        "steps": ("WITH a AS (SELECT 1)", ",a AS (SELECT 1)"),
        "steps of steps": ("WITH a AS (SELECT 1 FROM crm.a)", ",a AS (SELECT 1 FROM a)"),
        "steps that double": (
            "WITH a AS (SELECT 1 FROM crm.a)",
            ",a AS (SELECT 1 FROM a UNION ALL SELECT 1 FROM a)",
        ),
        "steps of two rows": ("WITH a AS (SELECT 1 FROM crm.a)", ",a AS (SELECT 1 FROM a,a)"),
        "pipes": ("FROM crm.a", " |> EXTEND 1 AS a"),
        "pipe filters": ("FROM crm.a", " |> WHERE a"),
        "pipe joins": ("FROM crm.a", " |> JOIN crm.a USING(a)"),
        "pipe unions": ("FROM crm.a", " |> UNION ALL (SELECT 1)"),
        "in list": ("SELECT a IN (1", ",1"),
        "whens": ("SELECT CASE", " WHEN a THEN 1"),
        "strings": ("SELECT 'a'", ",'a'"),
        "odd names": ("SELECT `a b`", ",`a b`"),
        "comments": ("SELECT 1 AS a", "/**/"),
        "escapes": ("SELECT '", "\\n"),
        "semicolons": ("SELECT 1 AS a", ";"),
        "froms": ("SELECT a", " FROM"),
        "dashes": ("SELECT 1 FROM a", "-a"),
        "dashed froms": ("SELECT 1", " FROM a-a.a"),
        "minus": ("SELECT 1", " - - 1"),
        "unknown functions": ("SELECT 1", ",XQ()"),
        "brackets closed": ("SELECT 1", ")"),
        "structs side by side": ("SELECT 1", ",STRUCT(1)"),
        "less than": ("SELECT a", "<a"),
        "intervals": ("SELECT 1", "+INTERVAL 1 DAY"),
        "ends": ("SELECT CASE WHEN a THEN b", " END"),
    }
    closing = {"in list": ")", "escapes": "'", "whens": " END"}
    closing |= {name: " SELECT 1 FROM a" for name in repeated if name.startswith("steps")}
    for name, (start, part) in repeated.items():
        words = len(lexer.tokens(Source(part))[0]) or 1
        just_read = (lexer.MAXIMUM_TOKENS - 100) // words
        for count in (50, 99, 1_000, just_read, room // len(part)):
            text = start + part * min(count, room // len(part)) + closing.get(name, "")
            yield f"{name} x {count}", text


def _open() -> Iterator[tuple[str, str]]:
    """Quotes and comments that are never closed."""
    room = MAXIMUM_BYTES - 200
    for opening in ("'", '"', "'''", '"""', "r'", "`", "/*", "--", "#", "\\'", "'\\", "'''\\'"):
        yield f"open {opening}", f"SELECT {opening}" + "x" * room
        yield f"many {opening}", "SELECT " + f"{opening} " * (room // (len(opening) + 1))


def statically(sql: str) -> None:
    """Everything that is said of a query before BigQuery is asked; every table has partitions."""
    verdict = judge(sql, SCOPE)
    if verdict.query:
        partitions = {path: Partition(path, "DATE", ("date",)) for path in verdict.tables}
        partition.check(verdict.query, Catalogue(SCOPE.project, partitions, {}), "UTC")


def measure(sql: str) -> float:
    """Seconds of the processor that the static part takes."""
    started = time.process_time()
    statically(sql)
    return time.process_time() - started


def peak(sql: str) -> int:
    """Bytes that the static part holds at most."""
    tracemalloc.start()
    statically(sql)
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return held


def main() -> None:
    """Prints the table."""
    queries = [case.sql for name in ("good", "hostile") for case in cases(name)]
    for sql in queries:
        statically(sql)
    times = sorted(measure(sql) * 1000 for sql in queries for _ in range(5))
    cuts = quantiles(times, n=100)
    print(f"{len(queries)} queries of the tests: p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms")
    slow = sorted(((measure(sql), name, sql) for name, sql in hostile()), reverse=True)
    print(f"{len(slow)} hostile texts, the slowest:")
    for seconds, name, sql in slow[:8]:
        print(f"  {name:40} {seconds:6.3f} s  {peak(sql) / 2**20:6.1f} MiB")


if __name__ == "__main__":
    main()
