"""One million conversions built into payloads: how long, and in how much memory.

Rows come one by one, as from BigQuery; each is judged, planned, normalized, hashed and built
(payloads), and each batch becomes the bytes of its request (requests: for Google the time of its
own JSON writer). Times are this process's own, so that a busy machine measures the same. The
baseline only hashes the same e-mail addresses and writes the rows as JSON: the least that any
exporter has to do.

`python -m tests.bench.export [rows]` prints the table.
"""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from functions.export.destinations import DESTINATIONS
from functions.export.entries import Scope
from functions.export.planner import Deliver
from functions.export.run import Brake, Census, Job, batches, decisions, waves
from functions.export.standing import Candidate, Standing
from tests.destinations.harness import NOW, plain, sample_row

ROWS = 1_000_000
LIMIT_SECONDS = 120
LIMIT_GROWTH = 64
"""MiB by which memory may grow between the first tenth and the end."""


@dataclass(frozen=True)
class Measured:
    """One line of the table; memory in MiB."""

    name: str
    rows: int
    payloads: float
    requests: float
    bytes: int
    growth: float

    def __str__(self) -> str:
        rate = self.rows / (self.payloads + self.requests)
        return (
            f"{self.name:24}{self.rows:>10,}{self.payloads:>12.1f}{self.requests:>12.1f}"
            f"{rate:>12,.0f}{self.bytes / self.rows:>10,.0f}{self.growth:>10.1f}"
        )


def main(rows: int = ROWS) -> None:
    """Measure every destination and print one line for each."""
    print(
        f"{'':24}{'rows':>10}{'payloads s':>12}{'requests s':>12}{'rows/s':>12}"
        f"{'bytes/row':>10}{'MiB grown':>10}"
    )
    print(baseline(rows))
    for kind in ("google_ads", "meta"):
        measured = measure(kind, rows)
        print(measured, *missed(measured), sep="\n  ", flush=True)
    for kind in sorted(set(DESTINATIONS) - {"google_ads", "meta"}):
        print(measure(kind, rows // 10), flush=True)


def missed(measured: Measured) -> Iterator[str]:
    """The targets that were not met, in words."""
    allowed = LIMIT_SECONDS * measured.rows / ROWS
    if measured.payloads > allowed:
        yield f"target not met: payloads in {allowed:.0f} s"
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
    for wave in waves(candidates(rows), destination):
        began = time.process_time()
        built = [
            decision.built
            for _, decision in decisions(wave, job, NOW, brake)
            if isinstance(decision, Deliver)
        ]
        payloads += time.process_time() - began
        began = time.process_time()
        for batch in batches(built, destination):
            size += len(destination.request(conversion, batch).body)
        requests += time.process_time() - began
        built_rows += len(built)
        if not first and built_rows >= rows / 10:
            first = peak()
    assert built_rows == rows, f"{kind}: {rows - built_rows} rows were not built"
    return Measured(kind, rows, payloads, requests, size, peak() - first)


def baseline(rows: int) -> Measured:
    """The least work: hash one address and write the row as JSON."""
    began, size = time.process_time(), 0
    for candidate in candidates(rows):
        row = candidate.row
        assert row is not None
        digest = hashlib.sha256((row.email or "").encode()).hexdigest()
        size += len(json.dumps({"id": row.id, "email": digest, "value": row.value}))
    return Measured("baseline: hash and dump", rows, time.process_time() - began, 0.0, size, 0.0)


def candidates(rows: int) -> Iterator[Candidate]:
    """So many new conversions of different people."""
    sample = sample_row()
    standing = Standing()
    for number in range(rows):
        row = replace(
            sample,
            id=f"order-{number}",
            client_id=f"{number}.1",
            order_id=f"order-{number}",
            created=NOW - timedelta(seconds=number % 86_400 + 60),
            email=f"Person.{number}@Example.com",
            phone=f"+44 113 49{number % 100_000:05d}",
            value=number % 1000 + 0.005,
            row_hash=number,
        )
        yield Candidate(row.id, standing, row)


def peak() -> float:
    """Largest resident memory so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
