"""How the files of a load job are read: each format with the columns that the table has."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
from bqemulator.domain.errors import InvalidQueryError

from common.local.emulator_patches.column_types import Field, duckdb_type
from common.untyped import JsonObject

_LINES = "format = 'newline_delimited', maximum_object_size = 104857600"


@dataclass(frozen=True)
class Source:
    """Files of one load: its options as in the API, and the columns of its table."""

    options: JsonObject
    fields: list[Field]

    @property
    def _format(self) -> str:
        form = str(self.options.get("sourceFormat") or "CSV").upper()
        form = {"NEWLINE_DELIMITED_JSON": "JSON"}.get(form, form)
        if form not in ("CSV", "JSON", "PARQUET"):
            raise InvalidQueryError(f"Files of format {form} are not read here.")
        return form

    def append(self, connection: duckdb.DuckDBPyConnection, target: str, path: str) -> int:
        """The number of rows of the file, now in the table; raises for a field it has not."""
        form = self._format
        if form == "JSON" and not self.options.get("ignoreUnknownValues"):
            self._refuse_unknown(connection, path)
        statement = {
            "PARQUET": f"INSERT INTO {target} BY NAME SELECT * FROM read_parquet(?)",
            "JSON": f"INSERT INTO {target} BY NAME SELECT {self._columns()} FROM {self._json()}",
            "CSV": f"INSERT INTO {target} SELECT * FROM {self._csv()}",
        }[form]
        row = connection.execute(statement, [path]).fetchone()
        return int(row[0]) if row else 0

    def shown(self) -> str | None:
        """A query of all columns that a file shows, or None when it may not define a table."""
        form = self._format
        if form == "PARQUET":
            return "SELECT * FROM read_parquet(?)"
        if not self.options.get("autodetect"):
            return None
        return f"SELECT * FROM {'read_csv(?)' if form == 'CSV' else f'read_json(?, {_LINES})'}"

    def _json(self) -> str:
        kinds = ", ".join(f"'{it['name']}': '{_quoted(_as_read(it))}'" for it in self.fields)
        return f"read_json(?, {_LINES}, columns = {{{kinds}}})"

    def _csv(self) -> str:
        kinds = ", ".join(f"'{it['name']}': '{_quoted(duckdb_type(it))}'" for it in self.fields)
        delimiter = _quoted(self.options.get("fieldDelimiter") or ",")
        skipped = int(self.options.get("skipLeadingRows") or 0)
        return (
            f"read_csv(?, header = false, skip = {skipped}, columns = {{{kinds}}},"
            f" delim = '{delimiter}', "
            """quote = '"', escape = '"', nullstr = '', auto_detect = false)"""
        )

    def _columns(self) -> str:
        return ", ".join(_column(it) for it in self.fields)

    def _refuse_unknown(self, connection: duckdb.DuckDBPyConnection, path: str) -> None:
        keys = f"SELECT DISTINCT UNNEST(json_keys(json)) FROM read_json_objects(?, {_LINES})"
        known = {it["name"].lower() for it in self.fields}
        found = (key for (key,) in connection.execute(keys, [path]).fetchall())
        unknown = sorted(key for key in found if key.lower() not in known)
        if unknown:
            given = f"Error while reading data, error message: No such field: {unknown[0]}."
            raise InvalidQueryError(given)


def _as_read(field: Field) -> str:
    """JSON carries bytes as text in base64."""
    return duckdb_type({**field, "type": "STRING"} if field["type"] == "BYTES" else field)


def _column(field: Field) -> str:
    name = f'"{field["name"]}"'
    if field["type"] == "BYTES":
        return f"from_base64({name}) AS {name}"
    if field.get("mode") == "REPEATED":
        return f"COALESCE({name}, []) AS {name}"
    return name


def _quoted(text: str) -> str:
    return text.replace("'", "''")
