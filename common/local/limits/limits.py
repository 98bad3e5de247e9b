"""Who has used up what: counts of the calls of one engine, and BigQuery's answers beyond them.

Reasons and texts: https://cloud.google.com/bigquery/docs/troubleshoot-quotas, and public reports:
m-lab/etl-gardener#293 (DML queue: resourcesExceeded), pingcap-inc/tidb2dw#89 and #91 (loads:
rateLimitExceeded at table.write, quotaExceeded at load_job_per_table.long),
GoogleCloudPlatform/cortex-dag-generator#5 (partitions).
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from common.local.limits.figures import DAY_SECONDS, WINDOW_SECONDS, Figures

_MORE = "For more information, see https://cloud.google.com/bigquery/docs/troubleshoot-quotas"


class Refused(Exception):
    """A limit is reached: BigQuery's reason, its HTTP status, where, and its words."""

    def __init__(self, reason: str, status: int, message: str, location: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.status = status
        self.message = message
        self.location = location


class Limits:
    """The counts of one engine; `clock` tells seconds."""

    def __init__(
        self, figures: Figures | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.figures = figures or Figures()
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._outstanding: Counter[tuple[str, bool]] = Counter()
        self._read: deque[tuple[float, int]] = deque()
        self._parts: dict[str, deque[tuple[float, int]]] = defaultdict(deque)

    def write_table(self, table: str, *, is_partitioned: bool) -> None:
        """A load, or a query into the table; raises Refused."""
        with self._lock:
            # a job that fails has used up one of the day's all the same
            written = 0 if is_partitioned else self._count("day", table, DAY_SECONDS)
            if written > self.figures.modifications_a_day:
                raise Refused(
                    "quotaExceeded",
                    403,
                    "Quota exceeded: Your table exceeded quota for imports or query appends per "
                    f"table. {_MORE}",
                    "load_job_per_table.long",
                )
            self._update(table, is_partitioned)

    def define_table(self, table: str, *, is_partitioned: bool) -> None:
        """A definition, or a change of one; raises Refused."""
        with self._lock:
            self._update(table, is_partitioned)

    @contextmanager
    def change_rows(self, table: str, *, is_insert: bool) -> Iterator[None]:
        """Around a DML statement on the table; raises Refused at its beginning."""
        with self._lock:
            running, queued = self._places(table, is_insert)
            outstanding = (table, is_insert)
            if queued is not None and self._outstanding[outstanding] >= running + queued:
                raise Refused(
                    "resourcesExceeded",
                    400,
                    "Resources exceeded during query execution: Too many DML statements "
                    f"outstanding against table {table.replace('.', ':', 1)}, limit is {queued}.",
                )
            if self._count("dml", table, WINDOW_SECONDS, self.figures.dml) > self.figures.dml:
                raise _too_many("dml insert" if is_insert else "dml", False)
            self._count("update", table, WINDOW_SECONDS)
            self._outstanding[outstanding] += 1
        try:
            yield
        finally:
            with self._lock:
                self._outstanding[outstanding] -= 1

    def _places(self, table: str, is_insert: bool) -> tuple[int, int | None]:
        """How many such statements run on the table at once, and how many more wait; None: any."""
        figures = self.figures
        if not is_insert:
            return figures.mutating_running, figures.mutating_queued
        if self._count("insert", table, DAY_SECONDS) <= figures.inserts_at_once:
            return figures.inserts_running, None
        return figures.inserts_running, figures.inserts_queued

    def read_tables(self, sizes: Mapping[str, int], cap: int) -> None:
        """A query over tables of these bytes under `maximumBytesBilled`, 0 for none.

        Raises Refused.
        """
        least = self.figures.least_billed
        billed = sum(
            max(least, self.figures.declared.get(table, size)) for table, size in sizes.items()
        )
        if 0 < cap < billed:
            raise Refused(
                "bytesBilledLimitExceeded",
                500,
                f"Query exceeded limit for bytes billed: {cap}. {billed} or higher required.",
            )
        with self._lock:
            if self._spent(self._read) + billed > self.figures.bytes_a_day:
                raise Refused(
                    "quotaExceeded",
                    403,
                    "Custom quota exceeded: Your usage exceeded the custom quota for "
                    "QueryUsagePerDay, which is set by your administrator. For more information, "
                    "see https://cloud.google.com/bigquery/cost-controls",
                )
            self._read.append((self._clock(), billed))

    def check_text(self, sql: str, parameters: int, view: str) -> None:
        """The size of a statement, its parameters and the view that it makes; raises Refused."""
        figures = self.figures
        if parameters > figures.parameters:
            raise Refused(
                "invalid",
                400,
                f"Too many query parameters: {parameters}; the limit is {figures.parameters}.",
            )
        if len(sql) > figures.query_characters:
            raise Refused(
                "invalid",
                400,
                f"The query is too large. The maximum standard SQL query length is "
                f"{figures.query_characters / 1024:.2f}K characters, including comments and white "
                "space characters.",
            )
        if len(view) > figures.view_characters:
            raise Refused(
                "invalid",
                400,
                f"The view query is too large: {len(view)} characters; the limit is "
                f"{figures.view_characters // 1024}K characters.",
            )

    def check_partitions(self, written: int) -> None:
        """How many partitions one job writes; raises Refused."""
        allowed = self.figures.partitions_a_job
        if written > allowed:
            raise Refused(
                "invalidQuery",
                400,
                f"Too many partitions produced by query, allowed {allowed}, query produces at "
                f"least {written} partitions",
            )

    def modify_partitions(self, table: str, written: int) -> None:
        """So many partitions of the table, written by a load or a query; raises Refused."""
        with self._lock:
            spent = self._spent(self._parts[table])
            if spent + written > self.figures.partitions_a_day:
                raise Refused(
                    "quotaExceeded",
                    403,
                    "Quota exceeded: Your table exceeded quota for Number of partition "
                    f"modifications to a column partitioned table. {_MORE}",
                )
            self._parts[table].append((self._clock(), written))

    def _spent(self, taken: deque[tuple[float, int]]) -> int:
        """What was taken within a day."""
        while taken and taken[0][0] <= self._clock() - DAY_SECONDS:
            taken.popleft()
        return sum(amount for _, amount in taken)

    def _update(self, table: str, is_partitioned: bool) -> None:
        figures = self.figures
        allowed = figures.updates_if_partitioned if is_partitioned else figures.updates
        if self._count("update", table, WINDOW_SECONDS, allowed) > allowed:
            raise _too_many("update", is_partitioned)

    def _count(self, what: str, table: str, seconds: float, allowed: int | None = None) -> int:
        """How many there were in the last seconds, this one included; one too many is not kept."""
        now = self._clock()
        seen = self._seen[what, table]
        while seen and seen[0] <= now - seconds:
            seen.popleft()
        if allowed is None or len(seen) < allowed:
            seen.append(now)
            return len(seen)
        return len(seen) + 1


def _too_many(what: str, is_partitioned: bool) -> Refused:
    kind = "partitioned table" if is_partitioned else "table"
    return Refused(
        "rateLimitExceeded",
        403,
        f"Exceeded rate limits: too many {kind} {what} operations for this table. {_MORE}",
        "table.write",
    )
