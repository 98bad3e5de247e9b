"""Data files as a person has them (parquet, ndjson, csv), read with the types they should have."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from common.local.emulator_patches.column_types import Field, described, duckdb_type

_FORMATS = {
    ".parquet": "parquet",
    ".ndjson": "json",
    ".jsonl": "json",
    ".json": "json",
    ".csv": "csv",
}
_READERS = {
    # a month's file may have a column that an earlier one lacks
    "parquet": "read_parquet({files}, union_by_name = true)",
    # types by all rows, as the first thousands may be empty; rows as large as BigQuery loads them
    # (100 MB); no MAP, which BigQuery has not
    "json": "read_json({files}, union_by_name = true, sample_size = -1,"
    " maximum_object_size = 104857600, map_inference_threshold = -1{columns})",
    "csv": "read_csv({files}, union_by_name = true, header = true, sample_size = -1{columns})",
}
_SMALL = 4096
"""A larger file is not looked at for whether it holds more than blanks."""
_CLIENT_ID = r"^[0-9]+\.[0-9]{9,10}$"
"""A Google client id looks like a number, which would lose its last digits."""

_ZONE = r"(?i)(z|utc|gmt|[+-]\d{2}(:?\d{2})?)\s*$"
"""How the text of a time ends that says its zone."""


class FileError(ValueError):
    """A file that cannot be loaded; the message says which one, why and what to do."""


@dataclass(frozen=True)
class Files:
    """Files of one format: what DuckDB calls them, and the columns that they show."""

    paths: tuple[Path, ...]
    format: str
    fields: tuple[Field, ...]
    source: str
    """What DuckDB reads; of csv and json the columns are told anew."""
    without_zone: tuple[str, ...] = ()
    """Columns of times that say no zone, and are taken for UTC."""


def opened(connection: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> Files:
    """The files with their columns; raises FileError for one that cannot be read."""
    formats = {_format(path) for path in paths}
    if len(formats) > 1:
        raise FileError("Files of one call have one format; load the others with a second call.")
    form = formats.pop()
    source = _reader(form, paths)
    try:
        # opened here and not by suffix alone: a broken file is named before anything is written
        fields = described(connection, f"SELECT * FROM {source}")
        if form == "parquet" and any(map(_has_wrapped, fields)):
            source = f"(SELECT {', '.join(map(_unwrapped_column, fields))} FROM {source})"
            fields = described(connection, f"SELECT * FROM {source}")
        if form == "csv":
            fields = _with_client_ids(connection, paths, fields)
    except duckdb.Error as error:
        named = ", ".join(map(str, paths))
        if "not utf-8 encoded" in str(error):
            raise FileError(f"{named} is no text in UTF-8; save it as such.") from error
        raise FileError(f"{named} cannot be read as {form}: {first_line(error)}") from error
    _refuse_one_column(form, paths, fields)
    # text carries no time zone, and BigQuery's own autodetection takes such a time for UTC; parquet
    # says which of both a time is (python-bigquery#985: without a zone it is a DATETIME)
    if form == "parquet":
        return Files(tuple(paths), form, tuple(fields), source)
    zoned = tuple(_in_utc(it) for it in fields)
    times = [it["name"] for it in fields if it["type"] == "DATETIME" and it["mode"] != "REPEATED"]
    without_zone = _without_zone(connection, form, paths, times)
    return Files(tuple(paths), form, zoned, source, without_zone)


def selected(files: Files, target: Sequence[Field], names: Mapping[str, str]) -> str:
    """A query for the target columns; `names` says what each is called in the files."""
    if files.format == "json":
        kinds = ", ".join(f"{_text(names[it['name']])}: {_text(duckdb_type(it))}" for it in target)
        source = _reader("json", files.paths, f", columns = {{{kinds}}}")
        columns = (_renamed(it, names) for it in target)
    else:
        texts = [names[it["name"]] for it in target if it["type"] == "STRING"]
        # a postcode read as a number has lost its zeros before it could be cast back
        is_csv = files.format == "csv"
        source = _reader("csv", files.paths, _as_texts(texts)) if is_csv else files.source
        columns = (_cast(it, names) for it in target)
    return f"SELECT {', '.join(columns)} FROM {source}"


def column_name(name: str) -> str:
    """The name as BigQuery takes it: letters, digits and underscores, no digit in front."""
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name.strip()) or "_"
    return f"_{plain}" if plain[0].isdigit() else plain


def first_line(error: BaseException) -> str:
    """What went wrong, without DuckDB's advice for programmers."""
    return str(error).partition("\n")[0]


def _format(path: Path) -> str:
    suffixes = [it for it in path.suffixes if it != ".gz"]
    if not path.exists():
        raise FileError(f"There is no file {path}.")
    if path.is_dir():
        raise FileError(
            f"{path} is a directory; name the files in it, for example {path}/*.parquet."
        )
    if not suffixes or suffixes[-1].lower() not in _FORMATS:
        known = ", ".join(_FORMATS)
        raise FileError(f"{path} has none of the endings {known} (ndjson and csv also with .gz).")
    if path.stat().st_size < _SMALL and not path.read_bytes().removeprefix(BOM_UTF8).strip():
        raise FileError(f"{path} is empty.")
    return _FORMATS[suffixes[-1].lower()]


def _refuse_one_column(form: str, paths: Sequence[Path], fields: Sequence[Field]) -> None:
    """Where rows and header differ in their numbers of columns, DuckDB takes lines for values."""
    if form == "csv" and len(fields) == 1 and re.search(r"[,;\t|]", fields[0]["name"]):
        raise FileError(
            f"{', '.join(map(str, paths))} has a header of several columns,"
            f" {fields[0]['name']!r}, and rows of other numbers of them. Mend the rows, or put"
            " quotes around values that hold the separator."
        )


def _reader(form: str, paths: Sequence[Path], columns: str = "") -> str:
    files = f"[{', '.join(_text(str(path)) for path in paths)}]"
    return _READERS[form].format(files=files, columns=columns)


def _with_client_ids(
    connection: duckdb.DuckDBPyConnection, paths: Sequence[Path], fields: Sequence[Field]
) -> list[Field]:
    """The fields, as texts those that hold client ids which no number would give back."""
    numbers = [it["name"] for it in fields if it["type"] == "FLOAT"]
    if not numbers:
        return list(fields)
    lost = ", ".join(
        f"coalesce(bool_or(regexp_matches({name}, {_text(_CLIENT_ID)})"
        f" AND CAST(CAST({name} AS DOUBLE) AS VARCHAR) <> {name}), false)"
        for name in map(_name, numbers)
    )
    source = _reader("csv", paths, _as_texts(numbers))
    row = connection.execute(f"SELECT {lost} FROM {source}").fetchone() or ()
    ids = {name for name, is_lost in zip(numbers, row, strict=True) if is_lost}
    return [{**it, "type": "STRING"} if it["name"] in ids else it for it in fields]


def _without_zone(
    connection: duckdb.DuckDBPyConnection, form: str, paths: Sequence[Path], times: Sequence[str]
) -> tuple[str, ...]:
    """Those of the columns of times in which one says no zone."""
    if not times:
        return ()
    kinds = ", ".join(f"{_text(name)}: 'VARCHAR'" for name in times)
    read = _reader(form, paths, f", columns = {{{kinds}}}" if form == "json" else _as_texts(times))
    lacks = ", ".join(
        f"coalesce(bool_or(NOT regexp_matches({name}, {_text(_ZONE)})), false)"
        for name in map(_name, times)
    )
    row = connection.execute(f"SELECT {lacks} FROM {read}").fetchone() or ()
    return tuple(name for name, is_lacking in zip(times, row, strict=True) if is_lacking)


def _has_wrapped(field: Field) -> bool:
    return _is_wrapped(field) or any(map(_has_wrapped, field.get("fields", ())))


def _is_wrapped(field: Field) -> bool:
    """Whether it is a list that was written as records list.element.

    So loads BigQuery the lists of Parquet files where nobody asks it for lists, and so it exports
    them again (cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet, list inference).
    """
    inner = field.get("fields", ())
    return (
        [it["name"] for it in inner] == ["list"]
        and inner[0].get("mode") == "REPEATED"
        and [it["name"] for it in inner[0].get("fields", ())] in (["element"], ["item"])
    )


def _unwrapped_column(field: Field) -> str:
    return f"{_unwrapped(_name(field['name']), field)} AS {_name(field['name'])}"


def _unwrapped(value: str, field: Field, depth: int = 0) -> str:
    """The value with lists for what was written as records, inner ones too."""
    if not _has_wrapped(field):
        return value
    part = f"part{depth}"
    if field.get("mode") == "REPEATED":
        one = _unwrapped(part, {**field, "mode": "NULLABLE"}, depth + 1)
        return f"list_transform({value}, lambda {part}: {one})"
    if _is_wrapped(field):
        (inner,) = field["fields"][0]["fields"]
        element = _unwrapped(f"{part}.{_name(inner['name'])}", inner, depth + 1)
        return f"list_transform({value}.list, lambda {part}: {element})"
    parts = []
    for it in field["fields"]:
        name = _name(it["name"])
        parts.append(f"{name} := {_unwrapped(f'{value}.{name}', it, depth)}")
    return f"CASE WHEN {value} IS NOT NULL THEN struct_pack({', '.join(parts)}) END"


def _as_texts(names: Sequence[str]) -> str:
    """What tells the reader of a csv to leave these columns as they are written."""
    kinds = ", ".join(f"{_text(name)}: 'VARCHAR'" for name in names)
    return f", types = {{{kinds}}}" if names else ""


def _in_utc(field: Field) -> Field:
    if field["type"] == "RECORD":
        return {**field, "fields": [_in_utc(it) for it in field["fields"]]}
    return {**field, "type": "TIMESTAMP"} if field["type"] == "DATETIME" else field


def _cast(field: Field, names: Mapping[str, str]) -> str:
    return f"CAST({_name(names[field['name']])} AS {duckdb_type(field)}) AS {_name(field['name'])}"


def _renamed(field: Field, names: Mapping[str, str]) -> str:
    return f"{_name(names[field['name']])} AS {_name(field['name'])}"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
