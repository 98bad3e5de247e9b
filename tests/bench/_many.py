"""Time per conversion of a daily run as conversions become many, over few events.

python -m tests.bench._many [CONVERSIONS ...]

In one process on the embedded engine, without HTTP: what is measured is what a run does for each
conversion and for all of them together, such as plan, definitions, books and the common view.
"""

from __future__ import annotations

import io
import sys
import time
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from common.messaging.publisher import Bus
from functions.materialize.services import Services
from tests.materialize.world import QuickWorld

DAYS = range(1, 11)
MANY = (30, 300)


class OfOneProcess(QuickWorld):
    """Definitions are read again only where they have changed, as in a warm function."""

    def services(self, bus: Bus | None = None, warehouse: Any = None) -> Services:
        return replace(super().services(bus, warehouse), catalog=self.catalog)


def main(counts: list[int]) -> None:
    """Print milliseconds of the processor and statements of each conversion, for two runs."""
    for count in counts or MANY:
        world = OfOneProcess()
        _fill(world, count)
        for name, day in (("first", 9), ("next day", 10)):
            seconds, statements = _spent(world, date(2026, 11, day))
            each = f"{1000 * seconds / count:>8.1f} ms{statements / count:>7.1f} statements"
            print(f"{count:>5} conversions, {name:<9}{each} a conversion", flush=True)
        world.close()


def _fill(world: QuickWorld, count: int) -> None:
    world.events(
        {"at": datetime(2026, 11, day, 9, tzinfo=UTC), "name": "purchase", "client": f"c{day}",
         "order": f"T{day}", "value": 10.0 * day, "session": day,
         "page": "https://shop.example/a?gclid=1"}
        for day in DAYS
    )  # fmt: skip
    for number in range(count):
        over = {"dimension": "transaction_total", "operator": "greater_than", "value": number / 999}
        world.define(id=f"c{number}", event_type="purchase", filters=over, refunds={"days": 30})


def _spent(world: QuickWorld, day: date) -> tuple[float, int]:
    started, statements = time.process_time(), world.quick.statements
    with redirect_stdout(io.StringIO()):
        world.run(day)
    return time.process_time() - started, world.quick.statements - statements


if __name__ == "__main__":
    main([int(text) for text in sys.argv[1:]])
