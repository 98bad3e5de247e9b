"""GoogleSQL as data: text with slots, values as bound parameters, names through one gate."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType

from common.errors import UserError

_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,299}")
# projects of a domain are called example.com:project
_PROJECT = re.compile(r"[a-z][a-z0-9:.-]{2,60}[a-z0-9]")
_DATASET = re.compile(r"[A-Za-z0-9_]{1,1024}")
_TABLE = re.compile(r"[A-Za-z0-9_-]{1,1024}\*?")
_SLOT = re.compile(r"\{\{ ([a-z_]+) \}\}")


@dataclass(frozen=True)
class Parameter:
    """A bound value and its GoogleSQL type, such as DATE or ARRAY<STRING>."""

    type: str
    value: object


@dataclass(frozen=True)
class Sql:
    """A statement, or a part of one, with the parameters that it names."""

    text: str
    parameters: Mapping[str, Parameter] = field(default_factory=lambda: MappingProxyType({}))

    def __str__(self) -> str:
        return self.text


def identifier(name: str) -> Sql:
    """A column name in backquotes; raises UserError for anything but letters, digits and _."""
    if not _COLUMN.fullmatch(name):
        raise UserError(
            f"{name!r} is no column name.",
            code="bad_identifier",
            fix="Take letters of A to Z, digits and _, up to 300 of them and no digit in front.",
        )
    return Sql(f"`{name}`")


def table(path: str) -> Sql:
    """`project.dataset.table` in backquotes, a trailing * allowed; raises UserError otherwise."""
    project, dataset, name = ("", "", *path.rsplit(".", 2))[-3:]
    if not (_PROJECT.fullmatch(project) and _DATASET.fullmatch(dataset) and _TABLE.fullmatch(name)):
        raise UserError(
            f"{path!r} is no table path.",
            code="bad_identifier",
            fix="Write it as project.dataset.table.",
        )
    return Sql(f"`{project}.{dataset}.{name}`")


def dataset(path: str) -> Sql:
    """`project.dataset` in backquotes; raises UserError for anything else."""
    project, _, name = path.rpartition(".")
    if not (_PROJECT.fullmatch(project) and _DATASET.fullmatch(name)):
        raise UserError(
            f"{path!r} is no dataset.", code="bad_identifier", fix="Write it as project.dataset."
        )
    return Sql(f"`{project}.{name}`")


def parameter(value: object, type: str | None = None) -> Parameter:
    """The value with its GoogleSQL type, inferred unless given; None and [] need the type."""
    return Parameter(type or _type_of(value), value)


def bind(value: object, type: str | None = None) -> Sql:
    """A parameter of its own for a value met while a statement is built.

    Its name follows from type and value, so equal values share one parameter and building twice
    gives the same text.
    """
    bound = parameter(value, type)
    # short for the reader's sake: were two values ever to share it, `merged` would refuse them
    digest = hashlib.sha256(f"{bound.type}|{value!r}".encode()).hexdigest()[:12]
    return Sql(f"@v_{digest}", {f"v_{digest}": bound})


def join(separator: str, parts: Iterable[Sql]) -> Sql:
    """The parts in order with the separator between them, their parameters merged."""
    parts = list(parts)
    return Sql(separator.join(part.text for part in parts), merged(parts))


def fill(text: str, /, **slots: Sql | str) -> Sql:
    """The text with each {{ slot }} replaced; raises KeyError for unknown or unused slots.

    A plain string is text of our own; whatever comes from outside arrives as Sql.
    """
    wanted = set(_SLOT.findall(text))
    if wanted != set(slots):
        raise KeyError(f"slots wanted {sorted(wanted)}, given {sorted(slots)}")
    filled = _SLOT.sub(lambda match: str(slots[match[1]]), text)
    return Sql(filled, merged(part for part in slots.values() if isinstance(part, Sql)))


def template(module_file: str, /, name: str | None = None, **slots: Sql | str) -> Sql:
    """The .sql file beside the module (of the same stem unless named), its slots filled."""
    path = Path(module_file)
    return fill(_read(path.with_name(f"{name or path.stem}.sql")), **slots)


def with_parameters(sql: Sql, **values: object) -> Sql:
    """The same text with these values bound as well; a Parameter carries its own type."""
    bound = {
        name: value if isinstance(value, Parameter) else parameter(value)
        for name, value in values.items()
    }
    return Sql(sql.text, merged([sql, Sql("", bound)]))


def merged(parts: Iterable[Sql]) -> Mapping[str, Parameter]:
    """All parameters of the parts; raises ValueError when one name has two values."""
    union: dict[str, Parameter] = {}
    for part in parts:
        for name, bound in part.parameters.items():
            # the later value would silently take the place of the earlier
            if union.setdefault(name, bound) != bound:
                raise ValueError(f"parameter @{name} has two values")
    return MappingProxyType(union)


def transaction(statements: Iterable[Sql]) -> Sql:
    """One text that does all the statements or none of them, and that nobody sees half done.

    Source: cloud.google.com/bigquery/docs/transactions; a script that fails rolls back by itself.
    """
    inside = join(";\n", statements)
    text = f"BEGIN TRANSACTION;\n{inside.text};\nCOMMIT TRANSACTION;"
    return Sql(text, inside.parameters)


def create_table_as(table: Sql, rows: Sql, *, partition: str = "", cluster: str = "") -> Sql:
    """The statement that makes the table hold exactly these rows; the table is quoted already.

    Reads pay for the days of the column `partition` that they ask for, and where they ask for a
    value of the column `cluster`, for the rows that have it.
    """
    return fill(
        "CREATE OR REPLACE TABLE {{ table }} {{ partition }}{{ cluster }}AS\n{{ rows }}",
        table=table,
        partition=f"PARTITION BY {identifier(partition).text} " if partition else "",
        cluster=f"CLUSTER BY {identifier(cluster).text} " if cluster else "",
        rows=rows,
    )


def fingerprint(text: str) -> str:
    """An INT64 expression: the first 60 bits of the MD5 of a STRING expression.

    MD5 is native to every engine that we run on.
    """
    return f"CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5({text})), 1, 15)) AS INT64)"


@cache
def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8").rstrip("\n")


def _type_of(value: object) -> str:
    # before int, which a bool is to Python
    if isinstance(value, bool):
        return "BOOL"
    if isinstance(value, int):
        return "INT64"
    if isinstance(value, float):
        return "FLOAT64"
    if isinstance(value, str):
        return "STRING"
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a timestamp needs its time zone")
        return "TIMESTAMP"
    if isinstance(value, date):
        return "DATE"
    if isinstance(value, (list, tuple)) and value:
        return f"ARRAY<{_type_of(value[0])}>"
    raise ValueError(f"name the GoogleSQL type of {value!r}")
