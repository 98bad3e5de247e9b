"""`load TABLE FILE...`: data files into BigQuery, through the same load jobs as in the cloud.

Files of a GA4 export become daily shards with the export's own types; other files replace the table
they are loaded into. Loading a file again leaves the same rows.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import duckdb
from google.api_core import exceptions as google_errors
from google.cloud import bigquery

from common.local.data.files import FileError, Files, column_name, first_line, opened, selected
from common.local.emulator_patches.column_types import Field
from common.local.stack.attach import CommandError

_TABLE = re.compile(r"(?:([a-z][a-z0-9:.-]*[a-z0-9])\.)?([A-Za-z0-9_]+)\.([A-Za-z0-9_-]+\*?)")
_SHARD = re.compile(r"(events_(?:intraday_|fresh_)?)(\d{8})?\*?")
_GA4 = Path(__file__).parents[1] / "data" / "ga4_schema.json"
_NEEDED = ("event_date", "event_timestamp", "event_name", "event_params", "user_pseudo_id")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "table",
        metavar="TABLE",
        help="dataset.table, or project.dataset.table; analytics_1.events_ makes daily GA4 shards",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="parquet, ndjson, csv")
    parser.add_argument("--append", action="store_true", help="keep the rows that a table has")


def run(
    arguments: argparse.Namespace,
    client: bigquery.Client,
    out: IO[str],
    ga4_datasets: Sequence[str] | None = None,
) -> int:
    """Load the files, telling what was written; raises CommandError when that cannot be done.

    `ga4_datasets` are those whose events runs count, where that is known: days of others say so.
    """
    with duckdb.connect() as connection, tempfile.TemporaryDirectory() as scratch:
        # else times with a zone are written in this machine's
        connection.execute("SET TimeZone = 'UTC'")
        try:
            target = _target(arguments.table, client.project)
            files = opened(connection, arguments.files)
            loader = _Loader(client, connection, Path(scratch), out, arguments.append)
            (_load_days if target.shards else _load_table)(loader, target, files)
            if target.shards and ga4_datasets is not None and target.dataset not in ga4_datasets:
                loader.tell(_unread(target.dataset, ga4_datasets))
        except (FileError, google_errors.GoogleAPIError, duckdb.Error) as error:
            raise CommandError(first_line(error)) from error
    return 0


def _unread(dataset: str, read: Sequence[str]) -> str:
    return (
        f"{dataset} is no GA4 dataset of this project, so its events are counted nowhere: set"
        f" CONVERSIONS_GA4_DATASETS={','.join([*read, dataset])} before apply and run."
    )


@dataclass(frozen=True)
class _Target:
    """Where rows go; `shards` is events_, events_intraday_ or events_fresh_ for a GA4 export."""

    dataset: str
    table: str
    shards: str = ""
    day: str = ""


def _target(text: str, project: str) -> _Target:
    match = _TABLE.fullmatch(text.replace("`", "").replace(":", ".", 1))
    if match is None:
        raise FileError(f"{text!r} is no table; write dataset.table, such as crm.deals.")
    dataset, table = f"{match[1] or project}.{match[2]}", match[3]
    shard = _SHARD.fullmatch(table)
    if shard:
        return _Target(dataset, table, shard[1], shard[2] or "")
    if table.endswith("*"):
        raise FileError(f"{text!r} names many tables; only events_* can be written at once.")
    return _Target(dataset, table)


def _load_days(loader: _Loader, target: _Target, files: Files) -> None:
    names = {it["name"]: it["name"] for it in files.fields}
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise FileError(
            f"{files.paths[0]} is no GA4 export: it has no column {', '.join(missing)}."
            " Load other data into a table whose name does not begin with events_."
        )
    known = json.loads(_GA4.read_text(encoding="utf-8"))
    if records := _no_lists(files.fields, known):
        raise FileError(
            f"{', '.join(records)} of {files.paths[0]} is one record, and in GA4's export a list of"
            " records: write it as a list."
        )
    # the export's own types: of one day's rows a column may be empty or whole by chance
    schema = typed(files.fields, known)
    query = selected(files, schema, names)
    # looked at before the first load, so that a bad date leaves no half export behind
    days = loader.days(query)
    if target.day and days != [target.day]:
        raise FileError(
            f"The rows are of {_listed(days)}, not of {target.day} alone;"
            f" load them into {target.shards} to get one table a day."
        )
    loader.client.create_dataset(target.dataset, exists_ok=True)
    total = sum(
        loader.write(f"{target.dataset}.{target.shards}{day}", schema, _of_day(query, day))
        for day in days
    )
    loader.tell(f"{total:,} events of {len(days)} days in {target.dataset}.{target.shards}*")


def _load_table(loader: _Loader, target: _Target, files: Files) -> None:
    path = f"{target.dataset}.{target.table}"
    names = {column_name(it["name"]): it["name"] for it in files.fields}
    if len(names) < len(files.fields):
        raise FileError(
            f"{files.paths[0]} has columns whose names BigQuery takes for the same one."
        )
    found = [{**it, "name": column_name(it["name"])} for it in files.fields]
    existing = loader.schema(path)
    # a table that definitions read keeps its types, whatever this file would suggest
    schema = found if existing is None else _checked(path, found, existing)
    loader.client.create_dataset(target.dataset, exists_ok=True)
    loader.write(path, schema, selected(files, schema, names))
    kinds = {names[it["name"]]: it["type"] for it in schema}
    if times := [name for name in files.without_zone if kinds.get(name) == "TIMESTAMP"]:
        loader.tell(_of_times(times))


def _of_times(names: Sequence[str]) -> str:
    """What BigQuery's own autodetection does without a word."""
    local = f"TIMESTAMP(DATETIME({column_name(names[0])}), 'Europe/Berlin')"
    return (
        f"The times of {', '.join(names)} say no zone and are taken for UTC, as BigQuery does; a"
        f" query reads them as those of another zone by {local}."
    )


def _no_lists(found: Sequence[Field], known: Sequence[Field]) -> list[str]:
    """The records of the file that are lists of records in the export."""
    lists = {it["name"] for it in known if it.get("mode") == "REPEATED"}
    return [
        it["name"]
        for it in found
        if it["name"] in lists and it["type"] == "RECORD" and it.get("mode") != "REPEATED"
    ]


def typed(found: Sequence[Field], known: Sequence[Field]) -> list[Field]:
    """The found columns with the types that they are known to have, inner ones too.

    A column that is always empty in a file has any type there.
    """
    kinds = {it["name"]: it for it in known}
    return [_typed(it, kinds[it["name"]]) if it["name"] in kinds else it for it in found]


def _typed(found: Field, known: Field) -> Field:
    if known.get("fields") and found.get("fields"):
        fields = typed(found["fields"], known["fields"])
        return {**known, "fields": fields}
    # copies keep records as JSON in a text, and it stays one
    return found if known.get("fields") and found["type"] == "STRING" else dict(known)


def _checked(path: str, found: Sequence[Field], existing: Sequence[Field]) -> list[Field]:
    have = {it["name"].lower() for it in found}
    unknown = sorted(have - {it["name"].lower() for it in existing})
    missing = sorted(
        it["name"]
        for it in existing
        if it.get("mode") == "REQUIRED" and it["name"].lower() not in have
    )
    if unknown or missing:
        faults = [
            f"{path} has no column {', '.join(unknown)}" if unknown else "",
            f"the file has no column {', '.join(missing)}, which is required" if missing else "",
        ]
        raise FileError(
            f"{'; '.join(filter(None, faults))}. Mend the file, or load it into a new table."
        )
    spelled = {it["name"].lower(): it["name"] for it in found}
    return [
        {**it, "name": spelled[it["name"].lower()]}
        for it in existing
        if it["name"].lower() in spelled
    ]


def _of_day(query: str, day: str) -> str:
    return f"SELECT * FROM ({query}) WHERE event_date = '{day}'"


def _listed(days: Sequence[str]) -> str:
    return ", ".join(days) if len(days) < 4 else f"{len(days)} days ({days[0]} to {days[-1]})"


@dataclass(frozen=True)
class _Loader:
    """Writes query results into tables, one load job each."""

    client: bigquery.Client
    connection: duckdb.DuckDBPyConnection
    scratch: Path
    out: IO[str]
    append: bool

    def tell(self, line: str) -> None:
        print(line, file=self.out, flush=True)

    def schema(self, path: str) -> list[Field] | None:
        """The columns of a table, or None when there is none."""
        try:
            return [it.to_api_repr() for it in self.client.get_table(path).schema]
        except google_errors.NotFound:
            return None

    def days(self, query: str) -> list[str]:
        """The event dates in the rows, in order; raises FileError for one that is no date."""
        rows = self.connection.execute(f"SELECT DISTINCT event_date FROM ({query})").fetchall()
        strange = [day for (day,) in rows if not re.fullmatch(r"\d{8}", str(day))]
        if strange:
            raise FileError(f"event_date must look like 20260131; there is {strange[0]!r} too.")
        return sorted(day for (day,) in rows)

    def write(self, path: str, schema: Sequence[Field], query: str) -> int:
        """The number of rows written; they replace the table's own unless they are appended."""
        file = self.scratch / "rows.parquet"
        # parquet carries the types; from JSON or CSV BigQuery would guess them anew
        self.connection.execute(f"COPY ({query}) TO '{file}' (FORMAT parquet)")
        parquet = bigquery.ParquetOptions()  # type: ignore[no-untyped-call]
        # else a list is loaded as a record list.element (BigQuery, "Loading Parquet data")
        parquet.enable_list_inference = True
        config = bigquery.LoadJobConfig(
            schema=[bigquery.SchemaField.from_api_repr(it) for it in schema],
            source_format=bigquery.SourceFormat.PARQUET,
            write_disposition="WRITE_APPEND" if self.append else "WRITE_TRUNCATE",
        )
        config.parquet_options = parquet
        with file.open("rb") as rows:
            job = self.client.load_table_from_file(rows, path, job_config=config)
            job.result()
        written = int(job.output_rows or 0)
        self.tell(f"{path}: {written:,} rows")
        return written
