"""Hostile variants of queries: quotes, comments and keywords where they hurt, seeded."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from functools import cache

from tests.guard.corpus import cases

_PIECE = re.compile(r"\s+|\w+|'(?:[^'\\\n]|\\.)*'|.", re.DOTALL)

_CHARACTERS = "'\"`\\\n\r\t;#-/*().,@$?!|<>=[]{}:%&^~ 015xrbeE_\u00a0\u200b\u2028é"

WORDS = """
' " ` ''' \"\"\" \\ \\' r' r" b' rb" -- /* */ # ; ;; ( ) [ ] . , .. |> || :: => -> @ @@ $ ? { } {{
}} /**/ /*'*/ --' --x #x 0 1 .5 5. 1e5 1e 0x 0xF 1.e-3 < > <> << >> - + * / = != !
SELECT FROM WHERE WITH AS ON JOIN UNION ALL DISTINCT EXCEPT REPLACE INTERSECT GROUP BY HAVING
QUALIFY WINDOW OVER PARTITION ORDER LIMIT OFFSET UNNEST ARRAY STRUCT CASE WHEN THEN ELSE END CAST
EXISTS IN LIKE ANY NOT NULL IS BETWEEN AND OR CROSS LEFT RIGHT FULL INNER OUTER NATURAL USING
LATERAL TABLESAMPLE PIVOT UNPIVOT RECURSIVE TABLE MODEL INTO VALUES FOR SYSTEM_TIME OF VALUE SET
INTERVAL EXTRACT DATE TIMESTAMP TIME DATETIME JSON NUMERIC SAFE NET ML AI IF COUNT DESC NULLS
IGNORE RESPECT ROLLUP CUBE GROUPING SETS COLLATE ESCAPE CURRENT ROW RANGE GROUPS HASH PROTO NEW
EXTEND DROP RENAME AGGREGATE CALL TEE FORK EXPORT INSERT CREATE DELETE DECLARE BEGIN EXECUTE
secret secret.t shop.secret.t `shop.secret.t` `secret`.t `secret.t` shop.crm.orders orders o e
INFORMATION_SCHEMA shop.crm.INFORMATION_SCHEMA.TABLES __TABLES__ t items _TABLE_SUFFIX
@start_date @end_date @x @@project_id start_date
""".split()
PHRASES = [
    " FROM shop.secret.t ",
    " UNION ALL SELECT * FROM shop.secret.t ",
    ", secret.t ",
    ", shop.secret.t AS secret, secret.t ",
    " JOIN secret.t ON TRUE ",
    " CROSS JOIN shop.secret.t ",
    "(SELECT 1 FROM shop.secret.t)",
    "(SELECT 1 FROM secret.t)",
    " AS secret ",
    " AS secret, secret.t ",
    "WITH secret AS (SELECT [1] AS t) ",
    "WITH RECURSIVE ",
    "crm.f(1)",
    "shop.crm.f(1)",
    "`crm.f`(1)",
    "ML.PREDICT(MODEL crm.m, TABLE shop.secret.t)",
    "EXTERNAL_QUERY('c', 'q')",
    "SESSION_USER()",
    "SAFE.",
    "(x).f()",
    " |> CALL crm.f() ",
    " |> EXPORT DATA OPTIONS (uri = 'x') ",
    " |> JOIN shop.secret.t USING (id) ",
    " |> WHERE TRUE ",
    " |> SELECT * ",
    " |> SELECT id ",
    " |> ORDER BY id ",
    " |> ORDER BY (SELECT MAX(x) FROM shop.secret.t) ",
    " |> AGGREGATE COUNT(*) AS id ",
    " |> LIMIT 1 ",
    " |> DROP id ",
    " |> SET id = 1 ",
    " |> AS secret ",
    " |> UNION ALL (SELECT * FROM shop.secret.t) ",
    " FOR SYSTEM_TIME AS OF CURRENT_TIMESTAMP() ",
    " TABLESAMPLE SYSTEM (1 PERCENT) ",
    " WITH OFFSET AS secret ",
    " PIVOT (COUNT(*) FOR a IN (1, 2)) ",
    " PIVOT (COUNT(*) FOR a IN (1, 2)) AS secret, secret.t ",
    " EXCEPT (a) ",
    "; DROP TABLE shop.crm.orders",
    ") SELECT * FROM shop.secret.t --",
    "1) UNION ALL (SELECT * FROM shop.secret.t",
    "\r\n",
    "\n--\n",
    "'\\''",
    "r'\\''",
    "'''\n\\''''",
    '"""\'"""',
    "my-project.secret.t",
    "shop-2.crm.orders",
    " EXTRACT(DAY FROM a-b.c.d) ",
]
FRAGMENTS = [*WORDS, *PHRASES]


def mutants(seed: int) -> Iterator[str]:
    """An endless stream of variants of the corpora's queries; the same seed gives the same."""
    chance = random.Random(seed)
    seeds, pool = _material()
    while True:
        sql = chance.choice(seeds)
        for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
            sql = _mutated(chance, sql, seeds, pool)
        yield sql


@cache
def _material() -> tuple[list[str], list[str]]:
    """Queries to vary, and every piece of one."""
    good = [case.sql for case in cases("good")]
    # Hostile queries lend their parts; good ones are what is varied most.
    seeds = good * 3 + [case.sql for case in cases("hostile") if len(case.sql) < 300]
    return seeds, sorted({piece for sql in seeds for piece in _pieces(sql)})


def _pieces(sql: str) -> list[str]:
    return _PIECE.findall(sql)


def _mutated(chance: random.Random, sql: str, seeds: Sequence[str], pool: Sequence[str]) -> str:
    pieces = _pieces(sql) or [" "]
    at = chance.randrange(len(pieces))
    kind = chance.randrange(12)
    if kind == 0:
        del pieces[at]
    elif kind == 1:
        pieces.insert(at, pieces[chance.randrange(len(pieces))])
    elif kind == 2:
        other = chance.randrange(len(pieces))
        pieces[at], pieces[other] = pieces[other], pieces[at]
    elif kind == 3:
        pieces[at] = chance.choice(pool)
    elif kind in (4, 5):
        pieces.insert(at, _spaced(chance, chance.choice(FRAGMENTS)))
    elif kind == 6:
        pieces[at] = _spaced(chance, chance.choice(FRAGMENTS))
    elif kind == 7:
        return _spliced(chance, sql, chance.choice(seeds))
    elif kind == 8:
        return _with_character(chance, sql)
    elif kind == 9:
        return _nested(chance, sql, chance.choice(seeds))
    elif kind == 10:
        return _reencoded(chance, pieces)
    else:
        pieces[at : at + chance.randrange(1, 6)] = [chance.choice(pool)]
    return "".join(pieces)


def _spaced(chance: random.Random, text: str) -> str:
    return chance.choice(("", " ", " ")) + text + chance.choice(("", " ", " "))


def _spliced(chance: random.Random, one: str, other: str) -> str:
    return one[: chance.randrange(len(one) + 1)] + other[chance.randrange(len(other) + 1) :]


def _with_character(chance: random.Random, sql: str) -> str:
    at = chance.randrange(len(sql) + 1)
    return sql[:at] + chance.choice(_CHARACTERS) + sql[at + chance.randrange(2) :]


def _nested(chance: random.Random, one: str, other: str) -> str:
    """The other query in brackets in place of a table, of a value, or around the first."""
    other = other.rstrip("; \n")
    form = chance.randrange(5)
    if form == 0:
        return re.sub(r"\b(FROM|JOIN)\s+\S+", rf"\1 ({_safe(other)}) AS secret", one, count=1)
    if form == 1:
        return re.sub(r"\bWHERE\b", f"WHERE x IN ({_safe(other)}) AND", one, count=1)
    if form == 2:
        return f"WITH secret AS (\n{other}\n) {one}"
    if form == 3:
        return f"{one}\n UNION ALL \n({other})"
    return re.sub(r"\bSELECT\b", f"SELECT ({_safe(other)}) AS t,", one, count=1)


def _safe(replacement: str) -> str:
    return replacement.replace("\\", r"\\")


def _reencoded(chance: random.Random, pieces: list[str]) -> str:
    """The same words in other clothes: case, gaps, comments, quotes."""
    gaps = (" ", "\n", "\t", "\r\n", "\u00a0", "/* x */", "/*'*/", "--'\n", "# x\n", "")

    def dressed(piece: str) -> str:
        if piece.isspace():
            return chance.choice(gaps)
        if chance.random() < 0.05 and piece.isidentifier():
            return f"`{piece}`"
        if chance.random() < 0.1 and piece.startswith("'"):
            return chance.choice(("r", "b", "R", "br")) + piece
        return piece.swapcase() if chance.random() < 0.2 else piece

    return "".join(map(dressed, pieces))
