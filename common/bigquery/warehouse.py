"""BigQuery in a few verbs: the only place that knows its client.

Every job names its bytes cap and time limit; a job id that is already taken means that the work was
submitted before, so its answer is awaited instead of running twice.
"""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from itertools import count
from typing import Any, TypeVar

from google.api_core import exceptions as google_errors
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_JOB_RETRY, DEFAULT_RETRY
from requests import RequestException

from common import privacy, schemas
from common.bigquery import migrations
from common.bigquery.insertion import insertion
from common.bigquery.refusals import Caller, translate
from common.bigquery.sql import Parameter, Sql, template, transaction, with_parameters
from common.bigquery.sql import table as quoted
from common.errors import AccessError, ConflictError, NotFoundError, RetryableError, UserError
from common.settings import Settings
from common.untyped import JsonObject, Row

Result = TypeVar("Result")

CLAIM = "SELECT 1 AS claimed"
"""What a job does that only takes an id."""
RECALLED = 100
"""How many answers a process remembers; a run asks for a handful."""
JOB_SECONDS = 480
"""Longest time one job may run: under the 540 s of the function that waits for it."""

RETRY = DEFAULT_RETRY.with_timeout(60)
JOB_RETRY = DEFAULT_JOB_RETRY.with_timeout(60)
"""How long the client repeats a request by itself; its default is 600 s, longer than a function."""

_TRIES = {"contention": 6, "rate_limited": 5, "backend_error": 3}
"""How often a statement is tried in this process before the whole message comes again. BigQuery
counts over ten seconds, so the pauses for a rate make 15 s at least."""
_FIRST_PAUSE = {"contention": 0.1, "rate_limited": 1.0, "backend_error": 1.0}
"""Seconds before the second try; each pause after it is twice as long, with jitter."""

_OF_LIMITS = ("bytes_cap", "rate_limited", "quota_exceeded")
"""Errors whose words name a limit and a table and never a row's value."""


@dataclass(frozen=True)
class Executed:
    """What a finished job reports; None is unknown."""

    job_id: str
    affected_rows: int | None
    bytes_processed: int | None
    referenced_tables: tuple[str, ...] = ()
    """Full paths of the tables that it read, views opened; () where BigQuery does not tell."""


@dataclass(frozen=True)
class DryRun:
    """What BigQuery says of a statement without running it; zero bytes count as unknown."""

    schema: list[JsonObject]
    bytes_processed: int | None
    referenced_tables: tuple[str, ...]
    statement_type: str


@dataclass(frozen=True)
class TableInfo:
    """How a table lies in BigQuery; a date partition without a column is by time of ingestion."""

    kind: str
    """TABLE, VIEW, MATERIALIZED_VIEW, EXTERNAL or SNAPSHOT."""
    columns: tuple[JsonObject, ...]
    is_partitioned: bool = False
    partition_column: str = ""
    view_sql: str = ""
    changed_at: datetime | None = None
    """When its rows changed last; None where BigQuery does not tell, as of views."""

    def type_of(self, column: str) -> str:
        """The API's type of a top-level column in any case, "" when there is none."""
        named = (c for c in self.columns if c["name"].lower() == column.lower())
        return next((str(c["type"]) for c in named), "")


@dataclass(frozen=True)
class TableVersion:
    """What tells that a table is still what it was, without reading it."""

    rows: int | None
    changed_at: datetime | None


class Warehouse:
    """One project's BigQuery, spoken to with one identity."""

    def __init__(
        self, client: bigquery.Client, settings: Settings, job_seconds: int = JOB_SECONDS
    ) -> None:
        self.client = client
        self.settings = settings
        self.job_seconds = job_seconds
        self._done: set[str] = set()
        self._recalled: dict[str, list[JsonObject]] = {}
        self._listed: tuple[str, set[str]] = ("", set())
        self._caller = Caller(
            account=_account_of(client),
            bytes_cap=settings.maximum_bytes_billed,
            price_per_tebibyte=settings.price_per_tebibyte,
        )

    def path(self, table: str) -> str:
        """project.dataset.table of one of the product's own tables."""
        return f"{self.settings.project}.{self.settings.dataset}.{table}"

    def staging_path(self, table: str) -> str:
        """project.dataset.table of a short-lived table."""
        return f"{self.settings.project}.{self.settings.staging_dataset}.{table}"

    def table(self, table: str) -> Sql:
        """The product's table as a quoted name."""
        return quoted(self.path(table))

    def staging(self, table: str) -> Sql:
        """The short-lived table as a quoted name."""
        return quoted(self.staging_path(table))

    def rows(
        self, sql: Sql, *, labels: Mapping[str, str] | None = None, page_size: int = 10_000
    ) -> Iterator[JsonObject]:
        """The rows of a query as dictionaries, fetched page by page."""
        with self._translated(reads_rows=True):
            # one request where the answer is quick and small; only reading may be done twice
            result = self.client.query_and_wait(
                sql.text,
                job_config=self._config(sql, labels),
                page_size=page_size,
                wait_timeout=self.job_seconds,
                retry=RETRY,
                job_retry=JOB_RETRY,
            )
        return self._paged(result)

    def _paged(self, result: Iterable[Any]) -> Iterator[JsonObject]:
        # a later page may be refused long after the first one came
        with self._translated(reads_rows=True):
            for row in result:
                yield dict(row.items())

    def execute(
        self, sql: Sql, *, job_id: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Executed:
        """Run one statement to its end; a taken `job_id` waits for the job that has it.

        Raises UserError when BigQuery refuses the statement, AccessError, NotFoundError, or
        RetryableError when the same call may succeed later.
        """
        return self._patiently(self._attempts(sql, job_id, labels))

    def _attempts(
        self, sql: Sql, job_id: str | None, labels: Mapping[str, str] | None = None
    ) -> Callable[[], Executed]:
        """What runs the statement under the next id that is free, or waits for the one job of this
        id that did not fail for a reason that passes.

        An id is taken for ever: a statement of which every try of one process failed could never
        run again if the tries of the next began with those ids.
        """
        ids = (_next(job_id, number) for number in count())

        def attempt() -> Executed:
            while True:
                try:
                    return self._run(sql, next(ids), labels)
                except _SpentError:
                    continue

        return attempt

    def execute_together(self, statements: Sequence[Sql], *, job_id: str) -> None:
        """Run statements that change rows as one job, which does all of them or none.

        Raises as `execute` does; how many rows they change, BigQuery does not tell of a script.
        """
        self.execute(transaction(statements), job_id=job_id)

    def forestall(self, job_id: str) -> bool:
        """Make sure that nothing that `execute` was to run under this id runs or can still begin.

        An empty job takes the first id that no attempt has taken, so that a paused process finds it
        taken. True when nobody had taken the id itself. Raises RetryableError while an attempt
        runs, ConflictError where another account made it.
        """
        for number in count():
            attempt = str(_next(job_id, number))
            if self.claim(attempt):
                return number == 0
            with self._translated():
                if not self._known(attempt).error_result:
                    return False
        raise AssertionError("unreachable")

    def _patiently(self, attempt: Callable[[], Result]) -> Result:
        """What the first attempt returns that is not refused for a reason that passes by itself."""
        for number in count():
            try:
                with self._translated(reads_rows=True):
                    return attempt()
            except RetryableError as error:
                if number + 1 >= _TRIES.get(error.code, 1):
                    raise
                # with jitter, or all that were refused together would come again together
                time.sleep(_FIRST_PAUSE[error.code] * random.uniform(1, 3) * 2**number)
        raise AssertionError("unreachable")

    def once(self, job_id: str, statement: Callable[[], Sql]) -> int | None:
        """Run what many ask for and one has to do; whoever comes second waits for the first one.

        A job id runs once for all processes; this one remembers what it has waited for. The bytes
        processed, to the caller whose job it was; None to all others. Raises as `execute` does.
        """
        if job_id in self._done:
            return None
        done = self.execute(statement(), job_id=job_id)
        self._done.add(job_id)
        return done.bytes_processed

    def recalled(self, key: str, sql: Sql) -> list[JsonObject]:
        """The rows of a query that many of a run ask alike: under one key this process asks once.

        What other processes ask, BigQuery's cache of answers holds as long as no table changes.
        """
        if key not in self._recalled:
            if len(self._recalled) >= RECALLED:
                self._recalled.pop(next(iter(self._recalled)))
            self._recalled[key] = list(self.rows(sql))
        return self._recalled[key]

    def claim(self, id: str) -> bool:
        """True for the first caller of this id (letters, digits, _ and -), False for all others.

        A job of that id is the mark. A caller whose answer gets lost does not know that it was
        first, so whatever is claimed needs somebody who looks for what was left undone.
        """
        sql = Sql(CLAIM)
        with self._translated():
            try:
                self.client.query(
                    sql.text,
                    job_config=self._config(sql, None),
                    job_id=id,
                    location=self.settings.location,
                    job_retry=None,
                )
            except google_errors.Conflict:
                return False
        return True

    def dry_run(self, sql: Sql, *, timeout: float = 20) -> DryRun:
        """What the statement would return and read; raises as `execute` does."""
        config = self._config(sql, None)
        config.dry_run = True
        # a statement whose answer is cached is said to read nothing
        config.use_query_cache = False
        with self._translated():
            job = self.client.query(sql.text, job_config=config, timeout=timeout, job_retry=None)
        return DryRun(
            schema=[field.to_api_repr() for field in job.schema or ()],
            # the local engine says 0 of every statement
            bytes_processed=job.total_bytes_processed or None,
            referenced_tables=_referenced(job),
            statement_type=job.statement_type or "",
        )

    def append(self, table: str, rows: Iterable[Row]) -> None:
        """Add rows to one of the append-only product tables, once, in one statement.

        What one statement does not hold is loaded, and what would have to wait for long: BigQuery
        takes 25 in ten seconds of each table, and of loads only so many a day.
        """
        rows = list(rows)
        if not rows:
            return
        columns = schemas.load(table)["schema"]
        statement = insertion(self.path(table), columns, rows)
        if statement is None or not self._has_run(statement):
            self._append_by_load(table, columns, rows)

    def _has_run(self, statement: Sql) -> bool:
        """Run the statement once; False when the rate of its table refused it again and again."""
        attempts = self._attempts(statement, f"append_{uuid.uuid4().hex}")
        try:
            self._patiently(attempts)
        except RetryableError as error:
            if error.code != "rate_limited":
                raise
            return False
        return True

    def _append_by_load(self, table: str, columns: list[JsonObject], rows: list[Row]) -> None:
        """Load rows, written down one by one."""
        ready = ({name: _json(value) for name, value in row.items()} for row in rows)
        written = "\n".join(map(json.dumps, ready)).encode()
        config = bigquery.LoadJobConfig(
            schema=_fields(columns),
            write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
            # the default asks for tables.create on the dataset even where the table exists
            create_disposition=bigquery.CreateDisposition.CREATE_NEVER,
            source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
        )
        # an id of our own: where the answer is lost the job is asked for, not sent again
        load_id = f"append_{uuid.uuid4().hex}"
        ids = (str(_next(load_id, number)) for number in count())
        self._patiently(lambda: self._load(written, self.path(table), config, next(ids)))

    def _load(self, written: bytes, path: str, config: bigquery.LoadJobConfig, job_id: str) -> None:
        """Load the rows under this job id, once, even where an answer is lost."""
        try:
            job = self.client.load_table_from_file(
                BytesIO(written),
                path,
                size=len(written),
                job_id=job_id,
                job_config=config,
                location=self.settings.location,
            )
        except (google_errors.Conflict, google_errors.ServerError, RequestException) as error:
            # the job may have been made all the same: its id tells
            try:
                self._ended(job_id)
            except google_errors.NotFound:
                raise error from None
        else:
            job.result(retry=RETRY)

    def ensure_tables(self) -> None:
        """Create the datasets and fixed tables that are missing, and bring older tables up."""
        for dataset in (self.settings.dataset, self.settings.staging_dataset):
            self.ensure_dataset(f"{self.settings.project}.{dataset}")
        for name in schemas.fixed_tables():
            self.ensure_table(self.path(name), name)

    def ensure_dataset(self, path: str) -> None:
        """Create the dataset project.dataset unless it exists."""
        dataset = bigquery.Dataset(path)
        dataset.location = self.settings.location
        with self._translated():
            self.client.create_dataset(dataset, exists_ok=True, retry=RETRY)

    def ensure_table(self, path: str, schema: str) -> list[str]:
        """Create the table in the shape of a schema file, or bring an older one up to it.

        The names of the columns that were added to a table that was there.
        """
        shape = schemas.load(schema)
        table = bigquery.Table(path, schema=_fields(shape["schema"]))
        table.description = shape["description"]
        table.labels = migrations.labels(shape)
        table.clustering_fields = shape["cluster"] or None
        if shape["partition"]:
            table.time_partitioning = bigquery.TimePartitioning(field=shape["partition"])
            table.require_partition_filter = shape["require_partition_filter"]
        with self._translated():
            found = self.client.create_table(table, exists_ok=True, retry=RETRY)
        return self._migrate(path, found, shape)

    def ensure_table_of_run(self, run_id: str, table: str, schema: str) -> None:
        """`ensure_table` of one of the product's tables, unless it was there in this shape when
        this process first asked for the run: one list for all of a run's tables."""
        if self._listed[0] != run_id:
            self._listed = run_id, self._tables_as_in(schema)
        if table not in self._listed[1]:
            self.ensure_table(self.path(table), schema)
            self._listed[1].add(table)

    def _tables_as_in(self, schema: str) -> set[str]:
        """Names of the product's tables that are no older than the schema file."""
        shape = schemas.load(schema)
        dataset = f"{self.settings.project}.{self.settings.dataset}"
        with self._translated():
            listed = self.client.list_tables(dataset, page_size=1_000, retry=RETRY)
            return {
                each.table_id for each in listed if not migrations.is_behind(each.labels, shape)
            }

    def migrate_table(self, path: str, schema: str) -> list[str]:
        """Bring the table up to the version of a schema file; the names of the added columns.

        Raises NotFoundError when there is no such table.
        """
        with self._translated():
            found = self.client.get_table(path, retry=RETRY)
        return self._migrate(path, found, schemas.load(schema))

    def _migrate(self, path: str, found: bigquery.Table, shape: schemas.TableSchema) -> list[str]:
        if not migrations.is_behind(found.labels, shape):
            return []
        added = migrations.missing({field.name for field in found.schema}, shape)
        for field in added:
            self.execute(migrations.addition(path, field))
        # last, so that a migration that broke off is taken up again
        labelled = bigquery.Table(path)
        labelled.labels = found.labels | migrations.labels(shape)
        with self._translated():
            self.client.update_table(labelled, ["labels"], retry=RETRY)
        return [field.name for field in added]

    def schema_of(self, path: str) -> list[JsonObject] | None:
        """The table's columns in BigQuery's API form, or None when there is no such table."""
        try:
            with self._translated():
                return [
                    field.to_api_repr() for field in self.client.get_table(path, retry=RETRY).schema
                ]
        except NotFoundError:
            return None

    def table_info(self, path: str) -> TableInfo | None:
        """How the table is stored, or None when it does not exist or may not be seen."""
        try:
            with self._translated():
                table = self.client.get_table(path, retry=RETRY)
        except (NotFoundError, AccessError):
            # who may not see a table shall not learn whether it exists
            return None
        partition = table.time_partitioning
        return TableInfo(
            kind=table.table_type or "TABLE",
            columns=tuple(field.to_api_repr() for field in table.schema),
            is_partitioned=partition is not None,
            partition_column=(partition.field or "") if partition else "",
            view_sql=_view_sql(table),
            changed_at=_changed_at(table),
        )

    def tables_in(self, dataset: str) -> list[str]:
        """Names of the tables of project.dataset, the one that was created last at the end.

        [] when there is no such dataset.
        """
        try:
            with self._translated():
                # 50 on a page is BigQuery's default, and an export has a table for each day
                listed = self.client.list_tables(dataset, page_size=1_000, retry=RETRY)
                return [table.table_id for table in sorted(listed, key=_created_at)]
        except NotFoundError:
            return []

    def table_versions(self, dataset: str, first: str, last: str) -> dict[str, TableVersion]:
        """Name → version of the tables of project.dataset from the name `first` to `last`.

        Partitioned by year, because BigQuery reads at most 1,000 tables' metadata at once; {} when
        there is no such dataset.
        """
        found: dict[str, TableVersion] = {}
        for start, end in _by_year(first, last):
            sql = template(__file__, "warehouse_versions", partitions=_partitions(dataset))
            try:
                rows = list(self.rows(with_parameters(sql, first=start, last=end)))
            except NotFoundError:
                return {}
            found |= {
                row["table_name"]: TableVersion(row["rows_total"], row["changed_at"])
                for row in rows
            }
        return found

    def drop(self, path: str) -> None:
        """Delete a table if it exists."""
        with self._translated():
            self.client.delete_table(path, not_found_ok=True, retry=RETRY)

    def _translated(self, *, reads_rows: bool = False) -> _Translated:
        return _Translated(self._caller, reads_rows=reads_rows)

    def _run(self, sql: Sql, job_id: str | None, labels: Mapping[str, str] | None) -> Executed:
        job: Any
        is_ours = True
        try:
            job = self.client.query(
                sql.text,
                job_config=self._config(sql, labels),
                job_id=job_id,
                location=self.settings.location,
                # a job with an id of its own runs once; `execute` decides what is tried again
                job_retry=JOB_RETRY if job_id is None else None,
                retry=RETRY,
            )
            # a short statement may be over with the answer to its beginning
            if job.state != "DONE" or job.error_result:
                job.result(timeout=self.job_seconds, retry=RETRY)
        except google_errors.Conflict:
            # of a statement without an id it is the table that is there already
            if job_id is None:
                raise
            is_ours = False
            job = self._known(job_id)
            if job.query == CLAIM:
                raise RetryableError(
                    f"What the job {job_id} was to do was taken over by another run.",
                    code="forestalled",
                ) from None
            if job.error_result:
                error = job.exception()
                passes = isinstance(translate(error, self._caller), RetryableError)
                raise _SpentError if passes else error from None
        return Executed(
            job.job_id,
            job.num_dml_affected_rows,
            # what another call has run is on that one's bill
            (job.total_bytes_processed or None) if is_ours else None,
            _referenced(job),
        )

    def _ended(self, job_id: str) -> Any:
        """The job that has this id, once it is over; raises its error."""
        job = self._known(job_id)
        if job.error_result:
            raise job.exception()
        return job

    def _known(self, job_id: str) -> Any:
        """The job that has this id, once it is over, failed or not; raises NotFound without one.

        Its results are not asked for: BigQuery forgets those after a day, the job only later.
        """
        until = time.monotonic() + self.job_seconds
        try:
            job: Any = self.client.get_job(job_id, location=self.settings.location, retry=RETRY)
        except google_errors.Forbidden as error:
            # only who made a job may read it, and an id is unique in the whole project
            raise ConflictError(
                f"Another account has run the job {job_id}.",
                code="job_of_another_account",
                fix="Nothing is lost: whoever ran it answers for what it did.",
            ) from error
        while job.state != "DONE" and time.monotonic() < until:
            time.sleep(1)
            job.reload()
        if job.state != "DONE":
            raise RetryableError(f"The job {job_id} is still running.", code="job_running")
        return job

    def _config(self, sql: Sql, labels: Mapping[str, str] | None) -> bigquery.QueryJobConfig:
        return bigquery.QueryJobConfig(
            query_parameters=[_query_parameter(*named) for named in sql.parameters.items()],
            labels={"app": "conversions", **(labels or {})},
            maximum_bytes_billed=self.settings.maximum_bytes_billed,
            job_timeout_ms=self.job_seconds * 1000,
            # the API's own default is legacy SQL
            use_legacy_sql=False,
        )


class _SpentError(Exception):
    """The job of this id failed for a reason that passes: its id is of no use to anybody."""


class _Translated:
    """Turns Google's exceptions into ours, so that callers know what to do next.

    What BigQuery says of a statement that reads rows may quote a row's value: it is masked, and the
    original exception is no part of ours, for a traceback would print it.
    """

    def __init__(self, caller: Caller, *, reads_rows: bool) -> None:
        self._caller = caller
        self._reads_rows = reads_rows

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or (ours := translate(error, self._caller)) is None:
            return
        if not self._reads_rows:
            raise ours from error
        if ours.code not in _OF_LIMITS and isinstance(ours, (UserError, RetryableError)):
            ours = type(ours)(privacy.without_values(ours.detail), code=ours.code, fix=ours.fix)
        raise ours from None


def _account_of(client: bigquery.Client) -> str:
    """The e-mail that the client's credentials know; one of the platform knows "default" only."""
    credentials = getattr(client, "_credentials", None)
    email = getattr(credentials, "service_account_email", None)
    return email if isinstance(email, str) and "@" in email else ""


def _referenced(job: Any) -> tuple[str, ...]:
    return tuple(
        f"{table.project}.{table.dataset_id}.{table.table_id}"
        for table in getattr(job, "referenced_tables", None) or ()
    )


def _view_sql(table: bigquery.Table) -> str:
    by_kind = {"VIEW": table.view_query, "MATERIALIZED_VIEW": table.mview_query}
    return by_kind.get(table.table_type) or ""


def _partitions(dataset: str) -> Sql:
    return Sql(f"{quoted(f'{dataset}.INFORMATION_SCHEMA').text[:-1]}.PARTITIONS`")


def _by_year(first: str, last: str) -> Iterator[tuple[str, str]]:
    """Names events_YYYYMMDD from `first` to `last` in pieces of one year each."""
    stem, (start, end) = first[:-8], (int(name[-8:-4]) for name in (first, last))
    for year in range(start, end + 1):
        yield max(first, f"{stem}{year}0101"), min(last, f"{stem}{year}1231")


def _created_at(table: Any) -> datetime:
    """Of a table that does not tell it, before all others."""
    return table.created or datetime.min.replace(tzinfo=UTC)


def _changed_at(table: bigquery.Table) -> datetime | None:
    """Rows that wait in the streaming buffer are not in `modified` yet."""
    known = table.table_type == "TABLE" and table.streaming_buffer is None
    return table.modified if known else None


def _next(job_id: str | None, attempt: int) -> str | None:
    return f"{job_id}_{attempt}" if job_id and attempt else job_id


def _query_parameter(
    name: str, bound: Parameter
) -> bigquery.ScalarQueryParameter | bigquery.ArrayQueryParameter:
    value: Any = bound.value
    if bound.type.startswith("ARRAY<"):
        return bigquery.ArrayQueryParameter(name, bound.type[6:-1], list(value))
    return bigquery.ScalarQueryParameter(name, bound.type, value)


def _fields(schema: list[JsonObject]) -> list[bigquery.SchemaField]:
    return [bigquery.SchemaField.from_api_repr(column) for column in schema]


def _json(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
