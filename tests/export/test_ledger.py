"""The ledger's SQL says what its model in memory says, whatever happened before."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud import bigquery

from common.bigquery.leases import lease
from common.bigquery.sql import Sql
from common.bigquery.warehouse import Warehouse
from common.settings import Settings
from functions.export.contract.base import Op
from functions.export.ledger.entries import FIRST_POLL, Entry, Scope
from functions.export.ledger.ledger import BigQueryLedger
from functions.export.ledger.outcomes import Exchange
from functions.export.ledger.protocol import Census
from functions.export.payload.money import money
from functions.export.payload.rows import ConversionRow
from functions.export.reconcile.delivery_state import Sent, State
from tests import leases
from tests.conftest import PROJECT
from tests.export.memory import MemoryLedger, Store, TableRun
from tests.export.shop import load_rows
from tests.export.simulation import Google, SimulatedConfig, simulated_config
from tests.quick import QuickWarehouse

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
START = (NOW - timedelta(days=20)).date()
LIFE: tuple[State, ...] = ("sending", "sending", "accepted", "retry", "unknown", "rejected")
OF_REQUESTS = (*LIFE, "absent", "failed", "parked")
STATES: tuple[State, ...] = (
    *LIFE,
    "skipped",
    "expired",
    "ambiguous",
    "unsupported_change",
    "requested",
    "absent",
    "failed",
    "parked",
    "erased",
)


SETTINGS = Settings(project=PROJECT, dataset="export_ledger", staging_dataset="export_staging")


@pytest.fixture
def quick() -> Warehouse:
    warehouse = QuickWarehouse(SETTINGS)
    warehouse.ensure_tables()
    return warehouse


@pytest.fixture(scope="module")
def warehouse(client: bigquery.Client) -> Iterator[Warehouse]:
    warehouse = Warehouse(client, SETTINGS)
    warehouse.ensure_tables()
    yield warehouse
    for dataset in ("export_ledger", "export_staging"):
        client.delete_dataset(f"{PROJECT}.{dataset}", delete_contents=True)


@dataclass
class Pair:
    """One history, in the memory and in BigQuery."""

    memory: MemoryLedger
    stored: BigQueryLedger


def pair(warehouse: Warehouse, store: Store, name: str, *, qualified_only: bool = True) -> Pair:
    """Both ledgers of a conversion of this name, as a run with the newest fence sees them."""
    scope = Scope("sim", "account", name, 2, 1, f"run_{name}_{store.fence}", store.fence)
    config = SimulatedConfig(**{**simulated_config(), "qualified_only": qualified_only})
    return Pair(
        MemoryLedger(store, scope, START, qualified_only),
        BigQueryLedger(warehouse, scope, Google(config), start_date=START, lease=f"lease_{name}"),
    )


def write_table(warehouse: Warehouse, store: Store, name: str) -> None:
    """The conversion table and the ledger of its runs as the store has them."""
    warehouse.ensure_table(warehouse.path(f"conversion_{name}"), "conversion")
    rows: list[dict[str, Any]] = [
        {
            "id": row.id,
            "created": row.created.isoformat(),
            "date": row.date.isoformat(),
            "value": row.value,
            "currency": row.currency,
            "is_qualified": row.is_qualified,
            "row_hash": row.row_hash,
            "updated_at": row.created.isoformat(),
            "gclid": row.gclid,
            "params": [],
        }
        for row in store.table.values()
    ]
    load_rows(warehouse, f"conversion_{name}", rows)
    warehouse.append(
        "runs",
        [
            {
                "date": run.at.date(),
                "recorded_at": run.at,
                "run_id": f"m{number}",
                "conversion": name,
                "status": run.status,
                "start_date": run.start,
                "end_date": run.end,
                "rows_read": run.rows_read,
            }
            for number, run in enumerate(store.runs)
        ],
    )


def random_store(chance: random.Random) -> Store:
    """A table, runs of it, and any history of entries, likely or not."""
    store = Store()
    for number in range(chance.randint(1, 9)):
        row = random_row(chance, f"o{number}")
        if chance.random() < 0.7:
            store.table[row.id] = row
    for _ in range(chance.randint(0, 4)):
        first = NOW.date() - timedelta(days=chance.randint(0, 30))
        store.runs.append(
            TableRun(
                first,
                first + timedelta(days=chance.randint(0, 20)),
                chance.choice(("applied", "unchanged", "recovered", "held", "failed", "planned")),
                NOW - timedelta(minutes=chance.randint(0, 10_000)),
                chance.choice((0, 1, 5)),
            )
        )
    return store


def random_row(chance: random.Random, name: str) -> ConversionRow:
    created = NOW - timedelta(days=chance.randint(0, 30), minutes=chance.randint(0, 600))
    return ConversionRow(
        name,
        created,
        created.date(),
        value=chance.choice((None, 10.0, 12.5)),
        currency="EUR",
        is_qualified=chance.choice((True, True, False, None)),
        row_hash=chance.choice((-(2**62), 7, 8, None)),
        updated_at=created,
        gclid="g",
    )


def write_history(chance: random.Random, both: Pair, name: str) -> None:
    """The same random entries into both ledgers, append by append."""
    for batch in range(chance.randint(0, 7)):
        entries = [
            random_entry(chance, f"o{number}", batch * 100 + number)
            for number in range(9)
            if chance.random() < 0.5
        ]
        for ledger in (both.memory, both.stored):
            assert ledger.append(entries, only_as_holder=False)
    for minute in range(chance.randint(0, 12)):
        known_by = (f"o{chance.randrange(9)}", f"{name}-p{chance.randrange(4)}")
        for ledger in (both.memory, both.stored):
            ledger.append_members([known_by], NOW + timedelta(minutes=minute))


def random_entry(chance: random.Random, name: str, seq: int) -> Entry:
    at = NOW - timedelta(minutes=chance.randint(0, 20_000))
    state = chance.choice(STATES)
    sent = Sent(
        chance.choice(("create", "restate", "retract")),
        chance.choice((None, money(10, "EUR"), money(3, "JPY"))),
        at,
        f"f{chance.randint(0, 3)}",
        {"gclid": "g"} if chance.random() < 0.5 else {},
        at,
    )
    return Entry(
        name,
        chance.choice((None, at.date())),
        state,
        chance.choice(("", "why")),
        chance.choice((7, 8, None)),
        sent if state in OF_REQUESTS else None,
        seq,
        at,
        chance.choice(("", "r1", "r2")) if state in OF_REQUESTS else "",
    )


@pytest.mark.parametrize("seed", range(60))
def test_sql_and_model_agree_on_any_history(quick: Warehouse, seed: int) -> None:
    agree(quick, seed, "purchase")


@pytest.mark.parametrize("seed", range(3))
def test_they_agree_over_http_to_the_embedded_bigquery(warehouse: Warehouse, seed: int) -> None:
    agree(warehouse, seed, f"c{seed}")


def agree(warehouse: Warehouse, seed: int, name: str) -> None:
    """Census and candidates of a random history are the same from both."""
    chance = random.Random(seed)
    store = random_store(chance)
    both = pair(warehouse, store, name, qualified_only=chance.random() < 0.7)
    write_table(warehouse, store, name)
    write_history(chance, both, name)
    assert both.stored.census() == both.memory.census()
    found = list(both.stored.candidates(NOW))
    expected = list(both.memory.candidates(NOW))
    assert [each.conversion_id for each in found] == [each.conversion_id for each in expected]
    assert [comparable(each) for each in found] == [comparable(each) for each in expected]


def test_a_retraction_refused_later_took_nothing_back(quick: Warehouse) -> None:
    history = [
        ("accepted", "create", "r1"),
        ("accepted", "retract", "r2"),
        # r2 failed so that time helps, and the next retraction failed for good
        ("unknown", "retract", "r2"),
        ("accepted", "retract", "r3"),
        ("failed", "retract", "r3"),
    ]
    for ledger in lived(quick, history):
        assert ledger.census() == Census(held=1, leaving=1)
        assert list(ledger.candidates(NOW)) == []


@pytest.mark.parametrize("doubts", [("create",), ("retract", "create"), ("create", "retract")])
def test_a_refused_retraction_leaves_the_doubt_of_another_copy(
    quick: Warehouse, doubts: tuple[Op, ...]
) -> None:
    history = [
        *(("unknown", op, "") for op in doubts),
        ("accepted", "retract", "r1"),
        ("failed", "retract", "r1"),
    ]
    for ledger in lived(quick, history):
        [candidate] = ledger.candidates(NOW)
        assert candidate.row is None
        assert candidate.delivery_state.refused_in_doubt


def test_who_joined_while_a_late_removal_landed_is_put_in_once_more(quick: Warehouse) -> None:
    row = replace(random_row(random.Random(1), "o1"), row_hash=7, is_qualified=True)
    store = Store(table={"o1": row}, runs=[TableRun(START, NOW.date(), "applied", NOW)])
    both = pair(quick, store, "purchase")
    write_table(quick, store, "purchase")
    states: list[list[State | None]] = []
    for ledger in (both.memory, both.stored):
        at = NOW - timedelta(hours=1)
        sent = Sent("create", None, at, "as create", {}, at)
        sending = Entry("o1", row.date, "sending", "", 7, sent, 1, at)
        ledger.append_members([("o1", "who")], at)
        ledger.append([sending], only_as_holder=False)
        ledger.rejoin(["who"], at)
        ledger.append([replace(sending, state="accepted", seq=2)], only_as_holder=False)
        first = [each.delivery_state.state for each in ledger.candidates(NOW)]
        ledger.append([replace(sending, seq=3)], only_as_holder=False)
        ledger.append([replace(sending, state="accepted", seq=4)], only_as_holder=False)
        states += [first, [each.delivery_state.state for each in ledger.candidates(NOW)]]
    assert states == [["requested"], []] * 2


def lived(quick: Warehouse, history: Any) -> tuple[MemoryLedger, BigQueryLedger]:
    """Both ledgers of one conversion that has left its table, with this history."""
    store = Store(runs=[TableRun(START, NOW.date(), "applied", NOW)])
    both = pair(quick, store, "purchase")
    write_table(quick, store, "purchase")
    for seq, (state, op, request_id) in enumerate(history):
        at = NOW - timedelta(hours=9 - seq)
        sent = Sent(op, None, at, f"as {op}", {}, at)
        entry = Entry("o1", NOW.date(), state, "", None, sent, seq, at, request_id)
        for ledger in (both.memory, both.stored):
            assert ledger.append([entry], only_as_holder=False)
    return both.memory, both.stored


def comparable(candidate: Any) -> Any:
    """A candidate without what only one of the two can know."""
    row = candidate.row
    known = row and (row.id, row.created, row.value, row.row_hash, row.gclid, row.is_qualified)
    return replace(candidate, row=None), known


def test_entries_are_written_only_by_the_holder_of_the_lease(warehouse: Warehouse) -> None:
    store = Store()
    warehouse.ensure_table(warehouse.path("conversion_leased"), "conversion")
    first = lease.acquire(warehouse, "lease_leased", "one", seconds=1)
    assert first
    store.fence = first.fence
    old = pair(warehouse, store, "leased").stored
    entry = replace(random_entry(random.Random(1), "o1", 1), state="expired", sent=None)
    assert old.append([entry], only_as_holder=True)
    lease.release(warehouse, first)
    second = lease.acquire(warehouse, "lease_leased", "two")
    assert second
    assert not old.append([replace(entry, seq=2)], only_as_holder=True)
    assert old.append([replace(entry, seq=3)], only_as_holder=False)


def test_an_append_that_is_repeated_writes_once(warehouse: Warehouse) -> None:
    store = Store()
    warehouse.ensure_table(warehouse.path("conversion_twice"), "conversion")
    ledger = pair(warehouse, store, "twice").stored
    entry = replace(random_entry(random.Random(1), "o1", 1), state="retry")
    for _ in range(2):
        assert ledger.append([entry], only_as_holder=False)
    path = warehouse.table("export_attempts")
    rows = list(warehouse.rows(Sql(f"SELECT COUNT(*) AS n FROM {path} WHERE conversion = 'twice'")))
    assert rows == [{"n": 1}]


def test_a_replay_is_once_for_each_conversion_however_it_is_named(quick: Warehouse) -> None:
    row = ConversionRow("o1", NOW, NOW.date())
    for name in ("first", "second"):
        store = Store(table={row.id: row})
        write_table(quick, store, name)
        ledger = pair(quick, store, name).stored
        ledger._scope = replace(ledger._scope, run_id="replay_again")
        for _ in range(2):
            ledger.request_again(NOW.date(), NOW.date(), NOW, lost=False)
        path = quick.table("export_attempts")
        found = quick.rows(Sql(f"SELECT COUNT(*) AS n FROM {path} WHERE conversion = '{name}'"))
        assert next(found) == {"n": 1}


def test_a_request_is_kept_with_its_fingerprint_and_the_time_to_ask(warehouse: Warehouse) -> None:
    store = Store()
    ledger = pair(warehouse, store, "asked").stored
    ledger.append_requests([Exchange("r-1", 3, "ab" * 32, NOW, "accepted")], NOW)
    [row] = warehouse.rows(
        Sql(f"SELECT * FROM {warehouse.table('export_requests')} WHERE conversion = 'asked'")
    )
    asked = (row["row_count"], row["body_sha256"], row["next_poll_at"])
    assert asked == (3, "ab" * 32, NOW + FIRST_POLL)


def test_a_lease_that_lapsed_is_released_once_and_for_all(warehouse: Warehouse) -> None:
    held = lease.acquire(warehouse, "lapsed", "one")
    assert held
    leases.free(warehouse)
    lease.release(warehouse, held)
    assert lease.ask_again(warehouse, "lapsed", "more") is False
