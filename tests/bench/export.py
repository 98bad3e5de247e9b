"""One million conversions built into payloads: how long, and in how much memory.

Rows come one by one, as from BigQuery; each is judged, planned, normalized, hashed and built
(payloads), and each batch becomes the bytes of its request (requests). Times are this process's
own, so that a busy machine measures nearly the same. The baseline of each destination is the least
that any exporter does that sends nothing twice: json.dumps for the row, and hashlib for as many
hashes as the destination makes: those in the bytes, the key of the row, and that of what was
written, by which it is known that nothing has changed. `of bytes` holds the seconds against the
hashes in the bytes alone. For Google another line says what its own client takes to write the same
requests.

`python -m tests.bench.export [--rows N]` prints the table.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import math
import re
import resource
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain
from statistics import median
from typing import Any

from google.ads import datamanager_v1 as dm

from functions.export.destinations.registry import DESTINATIONS
from functions.export.ledger.entries import Scope
from functions.export.ledger.protocol import Census
from functions.export.reconcile.delivery_state import Candidate, DeliveryState
from functions.export.reconcile.membership import Membership
from functions.export.reconcile.reconcile import Deliver
from functions.export.send.run import WAVE, Brake, Job, batches, decisions, waves
from functions.export.transport.calls import Request
from tests.destinations.generated import FIRST, LAST
from tests.destinations.harness import NOW, plain, sample_row

ROWS = 1_000_000
LIMIT_SECONDS = 120
LIMIT_TIMES = 3.5
LIMIT_GROWTH = 64
"""MiB by which memory may grow between the first tenth and the end."""

KEY = re.compile(r'"c[0-9a-f]{31}"')

TRIES = 5
"""Measurements of a baseline, which takes a few hundredths of a second, of which the median counts.
"""

STEADY = 3
"""Waves after which memory is looked at first."""

ROW_LISTS = (
    *("data", "elements", "events", "OfflineConversions", "audienceMembers", "batch_data"),
    "CustomerListItems",
)
"""What platforms call the rows of a request."""

HASH = re.compile(r'"(?:[0-9a-f]{64}|[cp][0-9a-f]{31})"')
"""Whole, or shortened to a key of a conversion or of a person."""


@dataclass(frozen=True)
class Measured:
    """One line of the table: seconds of this process, bytes of all requests, memory in MiB."""

    name: str
    rows: int
    payloads: float
    requests: float
    bytes: int
    growth: float
    baseline: float
    of_bytes: float

    @property
    def seconds(self) -> float:
        return self.payloads + self.requests

    @property
    def times(self) -> float:
        return self.seconds / self.baseline

    def __str__(self) -> str:
        return (
            f"{self.name:24}{self.rows:>10,}{self.payloads:>12.1f}{self.requests:>12.1f}"
            f"{self.rows / self.seconds:>10,.0f}{self.bytes / self.rows:>11,.0f}"
            f"{self.growth:>11.1f}{self.baseline:>12.1f}{self.times:>7.1f}"
            f"{self.seconds / self.of_bytes:>10.1f}"
        )


def main() -> None:
    """Measure every destination and print one line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    rows = parser.parse_args().rows
    # as entry points do once they are loaded
    gc.freeze()
    print(
        f"{'':24}{'rows':>10}{'payloads s':>12}{'requests s':>12}{'rows/s':>10}"
        f"{'bytes/row':>11}{'MiB grown':>11}{'baseline s':>12}{'times':>7}{'of bytes':>10}"
    )
    for kind in sorted(DESTINATIONS):
        measured = measure(kind, rows)
        print(measured, *missed(measured), sep="\n  ", flush=True)
    for kind in ("google_ads", "google_customer_match"):
        seconds = client_seconds(kind) * rows
        print(f"{kind}: its own client writes {rows:,} rows in {seconds:.1f} s", flush=True)


def missed(measured: Measured) -> Iterator[str]:
    """The targets that were not met, in words."""
    allowed = LIMIT_SECONDS * measured.rows / ROWS
    if measured.seconds > allowed:
        yield f"target not met: payloads and requests in {allowed:.0f} s"
    if measured.times > LIMIT_TIMES:
        yield f"target not met: at most {LIMIT_TIMES} times the baseline"
    if measured.growth > LIMIT_GROWTH:
        yield f"target not met: memory grows by at most {LIMIT_GROWTH} MiB"


def measure(kind: str, rows: int) -> Measured:
    """Time and memory of planning and building so many rows for one destination."""
    destination, conversion = plain(kind)
    scope = Scope("bench", "account", conversion, 1, 1, "bench", 1)
    job = Job(destination, scope, "EUR")
    brake = Brake(Census(), destination.config, force=False)
    payloads = requests = 0.0
    size, first = 0, 0.0
    built_rows = 0
    membership = Membership(conversion)
    shown = first_requests(kind)
    least = median(least_seconds(shown) for _ in range(TRIES)) * rows
    whole = least + median(kept_seconds(shown) for _ in range(TRIES)) * rows
    for number, wave in enumerate(waves(candidates(rows), destination), start=1):
        began = time.process_time()
        built = [
            decision.built
            for _, decision in decisions(wave, job, NOW, brake, membership)
            if isinstance(decision, Deliver)
        ]
        payloads += time.process_time() - began
        began = time.process_time()
        for batch in batches(built, destination):
            size += len(destination.request(conversion, batch).body)
        requests += time.process_time() - began
        built_rows += len(built)
        # a wave is built while the one before is still there, and a set of who joined has its size
        # after the first ones: from then on nothing may grow
        if not first and built_rows >= rows / 10 and number >= STEADY:
            first = peak()
    assert built_rows == rows, f"{kind}: {rows - built_rows} rows were not built"
    growth = peak() - first if first else math.nan
    return Measured(kind, rows, payloads, requests, size, growth, whole, least)


def first_requests(kind: str) -> list[Request]:
    """The requests of the first wave."""
    destination, conversion = plain(kind)
    job = Job(destination, Scope("bench", "account", conversion, 1, 1, "bench", 1), "EUR")
    brake = Brake(Census(), destination.config, force=False)
    built = [
        decision.built
        for _, decision in decisions(candidates(WAVE), job, NOW, brake, Membership(conversion))
        if isinstance(decision, Deliver)
    ]
    return [destination.request(conversion, batch) for batch in batches(built, destination)]


def least_seconds(requests: Sequence[Request]) -> float:
    """Seconds a row to hash as many texts and to write the same rows with json.dumps."""
    rows = list(chain.from_iterable(rows_of(json.loads(request.body)) for request in requests))
    hashes = sum(len(HASH.findall(request.body.decode())) for request in requests)
    began = time.process_time()
    for number in range(hashes):
        hashlib.sha256(f"person.{number}@example.com".encode()).hexdigest()
    for row in rows:
        json.dumps(row)
    return (time.process_time() - began) / len(rows)


def kept_seconds(requests: Sequence[Request]) -> float:
    """Seconds a row to make a key that is not in the bytes, and to hash what was written."""
    rows = list(chain.from_iterable(rows_of(json.loads(request.body)) for request in requests))
    shown = any(KEY.search(request.body.decode()) for request in requests)
    texts = [json.dumps(row) for row in rows]
    began = time.process_time()
    for number, text in enumerate(texts):
        if not shown:
            hashlib.sha256(f"purchase/order-{number}".encode()).hexdigest()
        hashlib.sha256(text.encode()).hexdigest()
    return (time.process_time() - began) / len(rows)


def rows_of(body: dict[str, Any]) -> list[Any]:
    """The rows of a request's body."""
    found = body.get("payload") or body.get("CustomerListUserData") or body
    return next(found[name] for name in ROW_LISTS if name in found)


def client_seconds(kind: str) -> float:
    """Seconds a row that Google's own client takes to write its messages."""
    named = {"google_ads": dm.IngestEventsRequest}.get(kind, dm.IngestAudienceMembersRequest)
    messages = [named.from_json(request.body) for request in first_requests(kind)]
    began = time.process_time()
    for message in messages:
        named.to_json(message)
    return (time.process_time() - began) / WAVE


def candidates(rows: int) -> Iterator[Candidate]:
    """So many new conversions of different people; every fifth phone number is a national one."""
    sample = sample_row()
    delivery_state = DeliveryState()
    for number in range(rows):
        line = f"49{number % 100_000:05d}"
        row = replace(
            sample,
            id=f"order-{number}",
            client_id=f"{number}.1",
            user_id=f"u-{number}",
            order_id=f"order-{number}",
            gclid=f"Cj0-{number}",
            msclkid=f"ms-{number}",
            created=NOW - timedelta(seconds=number % 86_400 + 60),
            email=f"Person.{number}@Example.com",
            phone=f"0113 {line}" if number % 5 == 0 else f"+44 113 {line}",
            first_name=FIRST[number % len(FIRST)],
            last_name=f"{LAST[number % len(LAST)]} {number}",
            postal_code=f"M{number % 90} 1AE",
            value=number % 1000 + 0.005,
            row_hash=number,
        )
        yield Candidate(row.id, delivery_state, row)


def peak() -> float:
    """Largest resident memory so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
