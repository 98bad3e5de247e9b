"""Limits at the wire: what is too much, too often or too large fails as it fails at BigQuery."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from common.bigquery.refusals import translate
from common.bigquery.sql import Sql, transaction
from common.bigquery.warehouse import Warehouse
from common.errors import ConflictError, ProductError, QuotaError, RetryableError, UserError
from common.local.limits.figures import Figures
from common.local.limits.limits import Limits, Refused
from common.local.stack.bigquery import EmbeddedBigQuery
from common.settings import Settings

PROJECT = "shop"
SETTINGS = Settings(project=PROJECT, location="US", maximum_bytes_billed=50 * 1024**2)
ONCE: dict[str, Any] = {"job_retry": None}
UNTRIED: dict[str, Any] = {"retry": None}


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


CLOCK = Clock()


@pytest.fixture(scope="module")
def limits() -> Limits:
    return Limits(Figures(declared={f"{PROJECT}.d.huge": 3 * 1024**4}), CLOCK)


@pytest.fixture(scope="module")
def client(limits: Limits) -> Iterator[bigquery.Client]:
    with EmbeddedBigQuery(limits=limits) as engine, engine.client(PROJECT) as connected:
        connected.create_dataset("d")
        connected.query("CREATE TABLE d.huge AS SELECT 1 AS id").result()
        yield connected


@pytest.fixture(autouse=True)
def a_day_later() -> None:
    CLOCK.now += 100_000


def reason_of(call: Callable[[], object]) -> str:
    with pytest.raises(exceptions.GoogleAPICallError) as refused:
        call()
    return str(refused.value.errors[0]["reason"])


def ask(client: bigquery.Client, sql: str) -> Callable[[], object]:
    return lambda: client.query(sql, **ONCE).result()


def test_a_query_over_its_cap_fails_as_an_internal_error_with_a_reason_of_its_own(
    client: bigquery.Client,
) -> None:
    config = bigquery.QueryJobConfig(maximum_bytes_billed=10**6)
    with pytest.raises(exceptions.InternalServerError) as refused:
        client.query("SELECT id FROM d.huge", job_config=config, **ONCE).result()
    assert refused.value.errors[0]["reason"] == "bytesBilledLimitExceeded"
    with pytest.raises(UserError) as ours:
        list(Warehouse(client, SETTINGS).rows(Sql("SELECT id FROM d.huge")))
    assert ours.value.code == "bytes_cap"
    assert "maximum_bytes_billed = 3298534883328" in ours.value.fix
    assert "18.75 USD" in ours.value.fix


def test_the_least_that_is_billed_is_ten_mebibytes_a_table(client: bigquery.Client) -> None:
    ask(client, "CREATE TABLE d.one AS SELECT 1 AS id")()
    ask(client, "CREATE TABLE d.two AS SELECT 1 AS id")()
    sql = "SELECT one.id FROM d.one CROSS JOIN d.two"
    config = bigquery.QueryJobConfig(maximum_bytes_billed=20 * 1024**2)
    client.query(sql, job_config=config, **ONCE).result()
    config.maximum_bytes_billed -= 1
    with pytest.raises(exceptions.InternalServerError, match="20971520 or higher required"):
        client.query(sql, job_config=config, **ONCE).result()


def test_a_day_has_so_many_bytes(client: bigquery.Client, limits: Limits) -> None:
    limits.figures = replace(limits.figures, bytes_a_day=4 * 1024**4)
    ask(client, "SELECT id FROM d.huge")()
    assert reason_of(ask(client, "SELECT id FROM d.huge")) == "quotaExceeded"
    unbound = Warehouse(client, replace_cap(2**60))
    with pytest.raises(QuotaError, match="QueryUsagePerDay"):
        list(unbound.rows(Sql("SELECT id FROM d.huge")))
    limits.figures = replace(limits.figures, bytes_a_day=200 * 1024**4)


def replace_cap(cap: int) -> Settings:
    return SETTINGS.model_copy(update={"maximum_bytes_billed": cap})


def test_a_table_is_replaced_five_times_in_ten_seconds(client: bigquery.Client) -> None:
    sql = "CREATE OR REPLACE TABLE d.again AS SELECT 1 AS id"
    for _ in range(5):
        ask(client, sql)()
    assert reason_of(ask(client, sql)) == "rateLimitExceeded"
    CLOCK.now += 10
    ask(client, sql)()


def test_a_partitioned_table_fifty_times(client: bigquery.Client) -> None:
    sql = "CREATE OR REPLACE TABLE d.parted PARTITION BY day AS SELECT DATE '2026-01-01' AS day"
    for _ in range(50):
        ask(client, sql)()
    assert reason_of(ask(client, sql)) == "rateLimitExceeded"


def test_the_api_defines_a_table_five_times_in_ten_seconds_too(client: bigquery.Client) -> None:
    ask(client, "CREATE TABLE d.told AS SELECT 1 AS id")()
    table = client.get_table("d.told")
    for number in range(4):
        table.description = str(number)
        client.update_table(table, ["description"], **UNTRIED)
    assert reason_of(lambda: client.update_table(table, ["description"], **UNTRIED)) == (
        "rateLimitExceeded"
    )


def test_a_table_is_loaded_1500_times_a_day(client: bigquery.Client, limits: Limits) -> None:
    ask(client, "CREATE TABLE d.loaded AS SELECT DATE '2026-01-01' AS day")()
    rows = [{"day": "2026-01-02"}]
    config = bigquery.LoadJobConfig(schema=client.get_table("d.loaded").schema)

    def load() -> object:
        return client.load_table_from_json(rows, "d.loaded", job_config=config).result()

    with lowered(limits, modifications_a_day=3):
        load()
        load()
        assert reason_of(load) == "quotaExceeded"
        CLOCK.now += 86_400
        load()


@contextmanager
def lowered(limits: Limits, **figures: int) -> Iterator[None]:
    before = limits.figures
    limits.figures = replace(before, **figures)  # type: ignore[arg-type]
    try:
        yield
    finally:
        limits.figures = before


def load_days(client: bigquery.Client, table: str, days: list[str]) -> None:
    config = bigquery.LoadJobConfig(schema=[bigquery.SchemaField("day", "DATE")])
    rows = [{"day": day} for day in days]
    client.load_table_from_json(rows, table, job_config=config).result()


def test_one_load_writes_four_thousand_partitions(client: bigquery.Client) -> None:
    ask(client, "CREATE TABLE d.days (day DATE) PARTITION BY day")()
    days = [f"20{year:02}-{month:02}-01" for year in range(99) for month in range(1, 13)]
    days += [f"{year}-01-02" for year in range(1000, 4000)]
    with pytest.raises(exceptions.BadRequest, match="Too many partitions produced by query"):
        load_days(client, "d.days", days)
    assert count(client, "d.days") == 0


def count(client: bigquery.Client, table: str) -> int:
    return int(next(iter(client.query(f"SELECT COUNT(*) FROM {table}").result()))[0])


DAYS = "SELECT day FROM UNNEST(GENERATE_DATE_ARRAY('2026-01-30', '2026-02-03')) AS day"
"""Five days of two months."""
TOO_MANY = [
    f"CREATE TABLE d.made PARTITION BY day AS {DAYS}",
    f"CREATE OR REPLACE TABLE d.five PARTITION BY day AS {DAYS}",
    f"INSERT INTO d.empty (day, n) SELECT day, 1 FROM ({DAYS})",
    "UPDATE d.five SET n = n + 1 WHERE TRUE",
    "DELETE FROM d.five WHERE TRUE",
    "MERGE d.five AS t USING d.five AS s ON t.day = s.day WHEN MATCHED THEN DELETE",
    f"MERGE d.empty AS t USING ({DAYS}) AS s ON t.day = s.day"
    " WHEN NOT MATCHED THEN INSERT (day, n) VALUES (s.day, 1)",
    f"BEGIN TRANSACTION; INSERT INTO d.empty (day, n) SELECT day, 1 FROM ({DAYS});"
    " COMMIT TRANSACTION",
]
"""cloud.google.com/bigquery/quotas, "Partitioned tables": each job operation, query or load;
GoogleCloudPlatform/cortex-dag-generator#5 is a MERGE, Google's jaketf splits DML for it."""
FEW_ENOUGH = [
    "UPDATE d.five SET n = n + 1 WHERE day < '2026-02-03'",
    "DELETE FROM d.five WHERE day > '2026-01-30'",
    f"CREATE TABLE d.months PARTITION BY DATE_TRUNC(day, MONTH) AS {DAYS}",
    f"CREATE TABLE d.plain AS {DAYS}",
    "BEGIN TRANSACTION; DELETE FROM d.five WHERE day = '2026-01-30';"
    " DELETE FROM d.five WHERE day > '2026-01-30'; COMMIT TRANSACTION",
]


@pytest.fixture
def five(client: bigquery.Client) -> Iterator[None]:
    """Two tables by day: one with five days, one without any."""
    ask(client, f"CREATE TABLE d.five PARTITION BY day AS SELECT day, 1 AS n FROM ({DAYS})")()
    ask(client, "CREATE TABLE d.empty (day DATE, n INT64) PARTITION BY day")()
    yield
    for name in ("five", "empty", "made", "months", "plain"):
        client.delete_table(f"d.{name}", not_found_ok=True)


@pytest.mark.usefixtures("five")
@pytest.mark.parametrize("sql", TOO_MANY)
def test_no_statement_writes_more_partitions(
    client: bigquery.Client, limits: Limits, sql: str
) -> None:
    """And what it would have written is not there."""
    before = list(client.query("SELECT day, n FROM d.five ORDER BY day").result())
    with lowered(limits, partitions_a_job=4):
        with pytest.raises(exceptions.BadRequest, match="allowed 4, query produces at least 5"):
            client.query(sql, **ONCE).result()
        with pytest.raises(UserError, match="Too many partitions") as ours:
            Warehouse(client, SETTINGS).execute(Sql(sql))
    assert ours.value.code == "too_many_partitions"
    assert "fewer days" in ours.value.fix
    assert list(client.query("SELECT day, n FROM d.five ORDER BY day").result()) == before
    assert count(client, "d.empty") == 0


@pytest.mark.usefixtures("five")
@pytest.mark.parametrize("sql", FEW_ENOUGH)
def test_what_writes_as_many_as_are_allowed_is_done(
    client: bigquery.Client, limits: Limits, sql: str
) -> None:
    with lowered(limits, partitions_a_job=4):
        job = client.query(sql, **ONCE)
        job.result()
    if sql.startswith(("UPDATE", "DELETE")):
        assert job.num_dml_affected_rows == 4


@pytest.mark.usefixtures("five")
def test_a_copy_counts_like_a_load(client: bigquery.Client, limits: Limits) -> None:
    with lowered(limits, partitions_a_job=4), pytest.raises(exceptions.BadRequest, match="at leas"):
        client.copy_table("d.five", "d.made", **UNTRIED).result()
    client.copy_table("d.five", "d.made").result()
    assert count(client, "d.made") == 5


@pytest.mark.usefixtures("five")
def test_a_partitioned_table_counts_partitions_of_a_day_instead_of_loads(
    client: bigquery.Client, limits: Limits
) -> None:
    """cloud.google.com/bigquery/docs/optimize-load-jobs; DML does not count."""
    with lowered(limits, partitions_a_day=4, modifications_a_day=1):
        load_days(client, "d.empty", ["2026-01-01", "2026-01-02"])
        load_days(client, "d.empty", ["2026-01-01", "2026-01-02"])
        with pytest.raises(exceptions.Forbidden, match="partition modifications") as refused:
            load_days(client, "d.empty", ["2026-01-03"])
        ask(client, f"INSERT INTO d.empty (day, n) SELECT day, 1 FROM ({DAYS})")()
        assert isinstance(translate(refused.value), QuotaError)
        CLOCK.now += 86_400
        load_days(client, "d.empty", ["2026-01-03"])


def test_25_changes_of_rows_in_ten_seconds(client: bigquery.Client) -> None:
    ask(client, "CREATE TABLE d.busy AS SELECT 1 AS id")()
    for _ in range(25):
        ask(client, "UPDATE d.busy SET id = id + 1 WHERE TRUE")()
    assert reason_of(ask(client, "INSERT INTO d.busy (id) VALUES (1)")) == "rateLimitExceeded"


def test_the_23rd_change_that_waits_is_one_too_many(limits: Limits) -> None:
    with many(limits, 22), pytest.raises(Refused) as refused, many(limits, 1):
        """Never reached."""
    assert refused.value.reason == "resourcesExceeded"
    assert "Too many DML statements outstanding against table p:d.t, limit is 20" in str(
        refused.value
    )
    CLOCK.now += 10
    with many(limits, 22):
        """There is room again."""


@contextmanager
def many(limits: Limits, count: int) -> Iterator[None]:
    if count == 0:
        yield
    else:
        with limits.change_rows("p.d.t", is_insert=False), many(limits, count - 1):
            yield


def test_inserts_wait_for_one_another_once_there_were_many_in_a_day() -> None:
    """cloud.google.com/bigquery/docs/data-manipulation-language, "INSERT DML concurrency"; with
    what reason one too many is refused, no document says: as a full queue of UPDATEs is."""
    few = Limits(Figures(inserts_at_once=3, inserts_running=1, inserts_queued=2), Clock())
    with ExitStack() as held:
        for _ in range(3):
            held.enter_context(few.change_rows("p.d.t", is_insert=True))
        with pytest.raises(Refused, match="limit is 2") as refused:
            held.enter_context(few.change_rows("p.d.t", is_insert=True))
        assert refused.value.reason == "resourcesExceeded"
        held.enter_context(few.change_rows("p.d.other", is_insert=True))
    with few.change_rows("p.d.t", is_insert=True):
        pass


def test_a_view_has_256_k_characters(client: bigquery.Client) -> None:
    text = f"SELECT '{'x' * 262_144}' AS a"
    assert reason_of(ask(client, f"CREATE VIEW d.v AS {text}")) == "invalid"


def test_a_statement_has_ten_thousand_parameters(client: bigquery.Client, limits: Limits) -> None:
    limits.figures = replace(limits.figures, parameters=2)
    given = [bigquery.ScalarQueryParameter(f"p{n}", "INT64", n) for n in range(3)]
    config = bigquery.QueryJobConfig(query_parameters=given)
    assert reason_of(
        lambda: client.query("SELECT @p0 + @p1 + @p2 AS a", job_config=config, **ONCE).result()
    ) == ("invalid")
    limits.figures = replace(limits.figures, parameters=10_000)


def test_what_comes_too_often_is_done_after_a_while(
    client: bigquery.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statements and loads of ours wait and try again under an id of their own."""
    paused: list[float] = []

    def sleep(seconds: float) -> None:
        paused.append(seconds)
        CLOCK.now += seconds

    monkeypatch.setattr("common.bigquery.warehouse.time.sleep", sleep)
    warehouse = Warehouse(client, SETTINGS)
    sql = Sql("CREATE OR REPLACE TABLE d.mine AS SELECT 1 AS id")
    for number in range(7):
        warehouse.execute(sql, job_id=f"mine_{number}")
    incident = {
        "date": "2026-11-29",
        "recorded_at": "2026-11-29T00:00:00Z",
        "incident_id": "i",
        "code": "c",
        "severity": "error",
    }
    warehouse.ensure_dataset(f"{PROJECT}.conversions")
    warehouse.ensure_table(warehouse.path("incidents"), "incidents")
    slept = len(paused)
    for _ in range(55):
        warehouse.append("incidents", [incident])
    assert 0 < slept < len(paused)
    count = f"SELECT COUNT(*) AS loaded FROM `{warehouse.path('incidents')}`"
    assert list(warehouse.rows(Sql(count))) == [{"loaded": 55}]


def test_nothing_of_a_write_can_begin_once_it_is_forestalled(
    client: bigquery.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever of its attempts a paused worker goes on with."""
    warehouse = Warehouse(client, SETTINGS)
    warehouse.execute(Sql("CREATE TABLE d.merged AS SELECT n FROM UNNEST([1, 2, 3]) AS n"))
    for _ in range(25):
        warehouse.execute(Sql("UPDATE d.merged SET n = n WHERE n = 1"))
    change = Sql("UPDATE d.merged SET n = n + 1 WHERE TRUE")

    def sleep(seconds: float) -> None:
        CLOCK.now += 60
        warehouse.forestall("merge_7")

    monkeypatch.setattr("common.bigquery.warehouse.time.sleep", sleep)
    with pytest.raises(RetryableError, match="taken over"):
        warehouse.execute(change, job_id="merge_7")
    warehouse.forestall("merge_8")
    with pytest.raises(RetryableError, match="taken over"):
        warehouse.execute(change, job_id="merge_8")
    assert sorted(row["n"] for row in warehouse.rows(Sql("SELECT n FROM d.merged"))) == [1, 2, 3]
    assert warehouse.execute(change, job_id="merge_9").affected_rows == 3
    warehouse.forestall("merge_9")


def test_each_statement_of_a_transaction_counts(client: bigquery.Client) -> None:
    ask(client, "CREATE TABLE d.counted AS SELECT 1 AS n")()
    insert = Sql("INSERT INTO d.counted (n) SELECT 1")
    assert reason_of(ask(client, transaction([insert] * 26).text)) == "rateLimitExceeded"
    config = bigquery.QueryJobConfig(maximum_bytes_billed=10**6)
    huge = transaction([insert, Sql("INSERT INTO d.counted (n) SELECT id FROM d.huge")])
    with pytest.raises(exceptions.InternalServerError, match="bytes billed"):
        client.query(huge.text, job_config=config, **ONCE).result()


def test_an_id_whose_tries_all_failed_for_a_while_is_free_again(
    client: bigquery.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids are taken for ever: the statement of such an id could never have run again."""
    monkeypatch.setattr("common.bigquery.warehouse.time.sleep", lambda seconds: None)
    warehouse = Warehouse(client, SETTINGS)
    warehouse.execute(Sql("CREATE TABLE d.crowded AS SELECT 1 AS n"))
    with pytest.raises(ConflictError, match="crowded"):
        warehouse.execute(Sql("CREATE TABLE d.crowded AS SELECT 1 AS n"))
    with suppress(RetryableError):
        for _ in range(40):
            warehouse.execute(Sql("UPDATE d.crowded SET n = n WHERE TRUE"))
    change = Sql("UPDATE d.crowded SET n = n + 1 WHERE TRUE")
    with pytest.raises(RetryableError):
        warehouse.execute(change, job_id="only_one")
    CLOCK.now += 60
    for _ in range(2):
        Warehouse(client, SETTINGS).execute(change, job_id="only_one")
    assert list(warehouse.rows(Sql("SELECT n FROM d.crowded"))) == [{"n": 2}]


def test_the_queue_of_a_table_is_no_fault_of_the_query() -> None:
    """m-lab/etl-gardener#293: reason resourcesExceeded, which a query too large has as well."""
    words = (
        "Resources exceeded during query execution: Too many DML statements outstanding against "
        "table p:d.t, limit is 20."
    )
    error = exceptions.BadRequest(words)  # type: ignore[no-untyped-call]
    error._errors = [{"reason": "resourcesExceeded", "message": words}]
    ours: ProductError | None = translate(error)
    assert isinstance(ours, RetryableError)
    assert ours.code == "contention"


def test_counts_hold_under_threads() -> None:
    limits = Limits(clock=lambda: 0.0)
    refused: list[Refused] = []

    def write() -> None:
        try:
            limits.write_table("p.d.t", is_partitioned=False)
        except Refused as error:
            refused.append(error)

    threads = [threading.Thread(target=write) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 15
