"""Loaded tables as canonical ones: columns in one type, one newest row a key, nothing else."""

from __future__ import annotations

import re
import string
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from common.bigquery.sql import Sql, fill, identifier, join, table
from common.crm import identifiers, names, nested
from common.crm.connector import COLUMNS, IDENTIFIERS, Canonical, Mapped
from common.crm.identifiers import By, Contents, Found
from common.crm.paths import Reading, Schema, Value, as_bool, spelled
from common.untyped import Row

SCALARS = frozenset(
    {"STRING", "INTEGER", "FLOAT", "NUMERIC", "BIGNUMERIC", "BOOLEAN", "DATE"}
    | {"DATETIME", "TIMESTAMP"}
)


class Loaded:
    """One loaded table under its canonical name."""

    def __init__(
        self,
        canonical: Canonical,
        mapped: Mapped,
        path: str,
        schema: Schema,
        *,
        long_ids: bool = False,
        labels: Mapping[str, str] | None = None,
        extra: Mapping[str, tuple[str, ...]] | None = None,
        named: Mapping[str, tuple[str, ...]] | None = None,
        seen: Contents | None = None,
    ) -> None:
        self.canonical, self.path = canonical, path
        self._named, self._seen = named or {}, seen or {}
        self._mapped = mapped.model_copy(
            update={"columns": _with_named(mapped.columns, self._named)}
        )
        self._labels = labels or {}
        self._schema, self._long_ids = nested.opened(schema, self._labels), long_ids
        self._extra = extra or {}
        self._reading = Reading(schema)
        self._variants = _variants(schema)

    @property
    def attributes(self) -> dict[str, str]:
        """Columns that a canonical name does not speak for, by the name that they are given."""
        paths = {
            path.removeprefix("not ").split(" ")[0].lower()
            for paths in (*self._mapped.columns.values(), self._mapped.latest)
            for path in paths
        } | {path.lower() for found in self._identifiers.values() for path in found}
        spoken_for = paths | {path.split(".")[0].removesuffix("[]") for path in paths}
        given: dict[str, str] = {}
        for column in self._schema:
            name = str(column["name"])
            label = names.snake(self._labels.get(name.lower(), name))
            shown = name if name.lower() not in self._labels else label
            own = {name.lower(), nested.path_of(column).lower()}
            if not own & spoken_for and _is_plain(shown) and _holds_one(column):
                # two columns may have one label
                given.setdefault(shown, name)
        return given

    @property
    def candidates(self) -> dict[str, Value]:
        """Columns of text that might hold an identifier, by name."""
        return {
            str(column["name"]): value
            for column in self._schema
            if _is_plain(str(column["name"]))
            and _holds_one(column)
            and (value := self._reading.value(nested.path_of(column))) is not None
            and value.type == "STRING"
        }

    @property
    def found(self) -> list[Found]:
        """The identifiers that nobody named, and how their columns were found."""
        table = self.path.rsplit(".", 1)[-1]
        return [
            Found(id, table, column, by, self._seen.get(column))
            for id, listed in self._identified.items()
            for column, by in listed.items()
        ]

    def value_of(self, column: str) -> Value | None:
        """The value in the loader's column of this name; None for a record or a list."""
        found = next(each for each in self._schema if each["name"] == column)
        return self._reading.value(nested.path_of(found))

    def has(self, column: str) -> bool:
        """Whether some column of the table is read as this canonical one."""
        return bool(self.columns_of(column))

    def columns_of(self, name: str) -> list[str]:
        """The loader's columns that the canonical one is read from."""
        paths = self._mapped.columns.get(name, ())
        return [path for path in paths if self._reading.value(path) is not None]

    def subquery(self, attributes: Mapping[str, str]) -> Sql:
        """The rows, each key's newest, with the attributes by their given names."""
        columns = self._columns()
        own = [
            fill("{{ value }} AS {{ name }}", value=value, name=identifier(name))
            for name, value in columns.items()
        ]
        others = [self._attribute(given, name) for given, name in attributes.items()]
        # the newest row of a key is chosen before deleted ones are left out: without its tombstone
        # an older version would come alive
        key = [columns[name] for name in self._key]
        return fill(
            "(\n  SELECT {{ columns }}\n  FROM {{ table }} AS raw{{ lists }}\n  WHERE {{ known }}\n"
            "  QUALIFY {{ newest }}"
            "ROW_NUMBER() OVER (PARTITION BY {{ key }} ORDER BY {{ order }}) = 1\n)",
            columns=join(", ", [*own, *others]),
            table=table(self.path),
            lists=self._reading.lists,
            known=fill("{{ it }} IS NOT NULL", it=key[0]),
            newest=self._of_newest_list(columns),
            key=join(", ", key),
            order=self._newest_first(key[0], columns.get("deleted")),
        )

    @property
    def _key(self) -> tuple[str, ...]:
        """Of a row with an id of its own that id: what it ties together may change."""
        return ("row_id",) if self.has("row_id") else self._mapped.key

    def _of_newest_list(self, columns: Mapping[str, Sql]) -> Sql:
        """Of a key that ends in a list, the condition that its row is the newest with that list.

        Loads that append keep older versions: a contact taken off a deal stands in those alone.
        """
        opened = [name for name in self._key if self._is_in_list(name)]
        owners = [columns[name] for name in self._key if name not in opened]
        if not opened or not owners:
            return Sql("")
        return fill(
            "RANK() OVER (PARTITION BY {{ owner }} ORDER BY {{ order }}) = 1 AND {{ there }} AND ",
            owner=join(", ", owners),
            order=self._newest_first(owners[0]),
            there=join(" AND ", (fill("{{ it }} IS NOT NULL", it=columns[n]) for n in opened)),
        )

    def _is_in_list(self, name: str) -> bool:
        return any("[]" in path for path in self.columns_of(name))

    def _columns(self) -> dict[str, Sql]:
        wanted = dict(COLUMNS[self.canonical])
        wanted |= dict.fromkeys(self._extra, "STRING")
        paths = {**self._mapped.columns, **self._extra}
        if "deleted" in wanted:
            paths["deleted"] = (*paths.get("deleted", ()), *names.DELETED)
        found = self._identifiers
        columns = {
            name: self._typed(type_, [*paths.get(name, ()), *found.get(name, ())])
            for name, type_ in wanted.items()
        }
        if "client_id" in columns:
            columns["client_id"] = fill(_WITHOUT_PREFIX, it=columns["client_id"])
        return columns

    @property
    def _identifiers(self) -> dict[str, list[str]]:
        """Paths of the identifiers that nobody named."""
        by_name = {str(column["name"]): column for column in self._schema}
        return {
            id: [nested.path_of(by_name[column]) for column in listed]
            for id, listed in self._identified.items()
        }

    @property
    def _identified(self) -> dict[str, dict[str, By]]:
        """Columns by the identifier that their names, labels or contents speak of."""
        if not set(IDENTIFIERS) <= COLUMNS[self.canonical].keys():
            return {}
        called = {
            (name := str(column["name"])): self._labels.get(name.lower(), name)
            for column in self._schema
            if _is_plain(str(column["name"])) and _holds_one(column)
        }
        return {
            id: identifiers.chosen(id, called, self._seen)
            for id in IDENTIFIERS
            if id not in self._named
        }

    def _typed(self, type_: str, paths: Iterable[str]) -> Sql:
        wanted = list(paths)
        every = (each for path in wanted for each in (path, *self._variants.get(path.lower(), ())))
        values = [
            _without_fields(value, path, wanted)
            for path in every
            if (value := self._reading.value(path)) is not None
        ]
        match type_:
            case "FLAG":
                flags = join(
                    " OR ", (fill("COALESCE({{ it }}, FALSE)", it=as_bool(v)) for v in values)
                )
                return flags if values else _NEVER
            case "IDS":
                return _listed([self._cast("STRING", value) for value in values])
        casts = [self._cast(type_, value) for value in values]
        if not casts:
            return Sql(f"CAST(NULL AS {'STRING' if type_ == 'ID' else type_})")
        return casts[0] if len(casts) == 1 else fill("COALESCE({{ all }})", all=join(", ", casts))

    def _cast(self, type_: str, value: Value) -> Sql:
        if type_ == "BOOL":
            return as_bool(value)
        text = _CASTS[type_](value.type)
        if type_ == "ID" and self._long_ids:
            return fill(_long_id(), id=fill(text, column=value.sql))
        return fill(text, column=value.sql)

    def _newest_first(self, otherwise: Sql, gone: Sql | None = None) -> Sql:
        paths = dict.fromkeys((*_VERSIONED, *self._mapped.latest))
        values = [v for path in paths if (v := self._reading.value(path)) is not None]
        parts = [part for value in values for part in _descending(value)]
        if values and gone is not None and gone.text != _NEVER.text:
            # a tombstone may have nothing but the key, and is the last that is heard of a row
            text = "NULLIF(TRIM({{ it }}), '')" if values[0].type == "STRING" else "{{ it }}"
            last = fill(f"({{{{ gone }}}}) AND {text} IS NULL DESC", gone=gone, it=values[0].sql)
            parts.insert(0, last)
        # ROW_NUMBER needs an order, also where the loader keeps one row a key and no version
        return join(", ", [*parts, otherwise])

    def _attribute(self, given: str, name: str) -> Sql:
        value = self.value_of(name)
        assert value is not None
        return fill("{{ value }} AS {{ name }}", value=value.sql, name=identifier(given))


_NEVER = Sql("FALSE")
_WITHOUT_PREFIX = r"REGEXP_REPLACE({{ it }}, r'^GA\d\.\d\.', '')"
"""The cookie's text is GA1.2.123.456; GA4 knows the client as 123.456."""

_VERSIONED = ("_fivetran_active", "_dlt_valid_from")
"""Loaders that keep a history say in these which version is the newest, whatever the CRM is."""

_FIRST = frozenset({"created"})
"""Of these a named column is asked first, and what the loader has where it is empty."""


def _with_named(
    columns: Mapping[str, tuple[str, ...]], named: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    first = {name: (*paths, *columns.get(name, ())) for name, paths in named.items()}
    return {**columns, **named, **{name: first[name] for name in _FIRST & first.keys()}}


def nothing(canonical: Canonical, extra: Iterable[str] = ()) -> Sql:
    """The canonical table without a row."""
    columns = {**COLUMNS[canonical], **dict.fromkeys(extra, "STRING")}
    parts = (
        fill(
            "CAST(NULL AS {{ type }}) AS {{ name }}",
            type=_STANDARD.get(type_, type_),
            name=identifier(name),
        )
        for name, type_ in columns.items()
    )
    return fill("(SELECT {{ columns }} LIMIT 0)", columns=join(", ", parts))


def codes(schema: Schema) -> Iterator[str]:
    """Names of the columns that may hold codes: whole numbers, and whatever lies in JSON."""
    for column in schema:
        if spelled(column["type"]) == "INTEGER" or column.get(nested.HOLDS_ONE):
            yield str(column["name"])


_STANDARD = {"ID": "STRING", "IDS": "STRING", "FLAG": "BOOL"}


def _is_plain(name: str) -> bool:
    # names such as property_a-b need quoting that not every engine knows
    return name.replace("_", "a").isalnum() and name.isascii() and not name[0].isdigit()


def _holds_one(column: Row) -> bool:
    """Whether the column holds one value, as itself or as the field `value` of a record."""
    if column.get("mode") == "REPEATED":
        return False
    if spelled(str(column["type"])) in SCALARS or column.get(nested.HOLDS_ONE):
        return True
    return nested.path_of(column).endswith(".value")


_VARIANT = re.compile(r"(.+)__(v_[a-z_]+|st|it|fl|bo|ts|de)", re.IGNORECASE)
"""Where a column's type changes, dlt puts later values into x__v_double, Stitch into x__fl."""


def _variants(schema: Schema) -> Mapping[str, list[str]]:
    """Columns that hold a part of another one's values, by the small letters of that one."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for column in schema:
        if match := _VARIANT.fullmatch(str(column["name"])):
            found[match[1].lower()].append(match[0])
    return found


def _descending(value: Value) -> Iterator[Sql]:
    """The newest version first; written as text, numbers and moments come by what they mean."""
    if value.type == "STRING":
        yield fill("SAFE_CAST({{ it }} AS BIGNUMERIC) DESC", it=value.sql)
        yield fill(f"{_WRITTEN_MOMENT} DESC", column=value.sql)
    yield fill("{{ it }} DESC", it=value.sql)


def _listed(values: list[Sql]) -> Sql:
    if not values:
        return Sql("CAST(NULL AS STRING)")
    parts = join(", ", (fill("COALESCE({{ it }}, '')", it=value) for value in values))
    return fill("ARRAY_TO_STRING([{{ parts }}], ';')", parts=parts)


def _without_fields(value: Value, path: str, paths: Iterable[str]) -> Value:
    """The value, NULL where it is a record written as text, whose fields are read as well."""
    if value.type != "STRING" or not any(each.startswith(f"{path}.") for each in paths):
        return value
    return Value(fill(_PLAIN_TEXT, it=value.sql), "STRING")


_PLAIN_TEXT = "IF(STARTS_WITH(LTRIM({{ it }}), '{'), NULL, {{ it }})"


def _as_string(stored: str) -> str:
    plain = "{{ column }}" if stored == "STRING" else "CAST({{ column }} AS STRING)"
    return f"NULLIF(TRIM({plain}), '')"


def _as_id(stored: str) -> str:
    # a number that came as a float is no 12.0
    whole = "CAST({{ column }} AS INT64)" if stored in ("FLOAT", "NUMERIC", "BIGNUMERIC") else ""
    plain = _as_string(stored).replace("{{ column }}", whole) if whole else _as_string(stored)
    # Salesforce writes a missing id as fifteen zeros and three letters
    return f"NULLIF({plain}, '000000000000000AAA')"


def _as_timestamp(stored: str) -> str:
    match stored:
        case "TIMESTAMP":
            return "{{ column }}"
        case "DATE" | "DATETIME":
            return "TIMESTAMP({{ column }})"
        case "STRING":
            return _WRITTEN_TIMESTAMP
    return _EPOCH.replace("{{ column }}", "CAST(CAST({{ column }} AS INT64) AS STRING)")


_WRITTEN_MOMENT = (
    # +0000 is no offset to BigQuery, +00:00 is; Dataverse writes seven digits of a second, and
    # BigQuery reads six
    r"SAFE_CAST(REGEXP_REPLACE(REGEXP_REPLACE({{ column }}, r'(\.\d{6})\d+', r'\1'),"
    r" r'([+-]\d{2})(\d{2})$', r'\1:\2') AS TIMESTAMP)"
)
_EPOCH = (
    # since 1970, in seconds, milliseconds (as HubSpot's first API) or microseconds: from 2001 to
    # 2286 they have 10, 13 and 16 digits
    r"TIMESTAMP_MICROS(SAFE_CAST(RPAD(REGEXP_EXTRACT({{ column }},"
    r" r'^(\d{10}|\d{13}|\d{16})(?:\.\d*)?$'), 16, '0') AS INT64))"
)
_WRITTEN_TIMESTAMP = f"COALESCE({_WRITTEN_MOMENT}, {_EPOCH})"


def _as_float(stored: str) -> str:
    return "{{ column }}" if stored == "FLOAT" else "SAFE_CAST({{ column }} AS FLOAT64)"


_CASTS = {
    "ID": _as_id,
    "STRING": _as_string,
    "TIMESTAMP": _as_timestamp,
    "FLOAT64": _as_float,
}


def _long_id() -> str:
    """An id of 15 characters with the checksum that makes it one of 18.

    Each of the last three says which of five characters are capitals, the first the lowest bit.
    Source: Salesforce, "Convert record IDs to 18-character values".
    """
    id = "{{ id }}"
    capitals = f"TRANSLATE({id}, '{_UPPER}{_OTHER}', '{'1' * 26}{'0' * 36}')"
    letters = (
        f"SUBSTR('{_CHECKSUMS}', STRPOS('{_ROUND}', SUBSTR({capitals}, {start}, 5)), 1)"
        for start in (1, 6, 11)
    )
    return f"IF(LENGTH({id}) = 15, CONCAT({id}, {', '.join(letters)}), {id})"


_UPPER, _OTHER = string.ascii_uppercase, string.ascii_lowercase + string.digits
_ROUND = "00000100011001010011101011011111" + "0000"
"""Every row of five bits once (a de Bruijn sequence): where it begins says which row it is."""
_CHECKSUMS = "".join(
    (_UPPER + "012345")[int(_ROUND[place : place + 5][::-1], 2)] for place in range(32)
)
"""At the place where five characters' bits begin, capitals being 1, the letter that says so."""
