"""Many instances of every function at once, on one thread of time: what their messages end in.

    python -m tests.local.instances CONVERSIONS INSTANCES [SEED]

The real handlers of materialize and export work on real tables and send to running platforms. At
every statement and every request whoever works may have to wait for another one, as the dice of the
seed say, so that a schedule is the same each time and needs no clock. Pub/Sub is modelled by its
rules: a message that is not acknowledged comes again, later each time, and is a dead letter after
MAXIMUM_ATTEMPTS (https://cloud.google.com/pubsub/docs/handling-failures). So is Cloud Run: a
request waits for an instance for a while, then it is refused with 429, which counts as an attempt
(https://cloud.google.com/run/docs/troubleshooting, "The request was aborted because there was no
available instance").
"""

from __future__ import annotations

import random
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, cast

from common.errors import RetryableError
from common.local.stack.provision import MAXIMUM_ATTEMPTS
from common.messaging.messages import ExportContinuation, ExportTick, Materialized, Message
from functions.export.send import service
from functions.materialize.runs.run import handle
from tests.export.shop import Killable, KillableWarehouse, Shop, opened
from tests.materialize.world import QuickWorld
from tests.quick import QuickWarehouse

DAY = date(2026, 11, 19)
PAUSE = 20
"""Steps before a message comes again for the first time; doubled each time."""
LONGEST_PAUSE = 1_200
PATIENCE = PAUSE
"""Steps that a request waits for an instance: ten seconds, as long as the first pause is."""
DISPATCHER = 0
"""The participant that hands messages to free instances."""
INSTANCE = "instance "
ROWS = [
    {"name": "id", "type": "STRING"},
    {"name": "email", "type": "STRING"},
    {"name": "page_location", "type": "STRING"},
    {"name": "user_agent", "type": "STRING"},
    {"name": "value", "type": "FLOAT"},
    {"name": "currency", "type": "STRING"},
    {"name": "created", "type": "TIMESTAMP"},
]
SEEN = {"page_location": "https://shop.example/thanks", "user_agent": "Mozilla/5.0"}
TWICE = 0.15
"""Share of acknowledged messages that come once more all the same, as any message may."""
AT = f"{DAY}T10:00:00+00:00"


class Turns(Killable):
    """Who of several threads works: one at a time, the next one drawn at each step."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.dice = random.Random(seed)
        self._wakes: dict[int, threading.Event] = {}
        self._names: dict[int, int] = {}

    def join(self, name: int) -> None:
        """The present thread takes part under this name."""
        self._wakes[name] = threading.Event()
        self._names[threading.get_ident()] = name

    def step(self) -> None:
        """Go on, or let somebody else and wait for one's turn; strangers always go on."""
        self.steps += 1
        name = self._names.get(threading.get_ident())
        if name is not None:
            self._let(self.dice.choice(sorted(self._wakes)), name)

    def wait(self, name: int) -> None:
        """Sleep until it is this one's turn."""
        self._wakes[name].wait()
        self._wakes[name].clear()

    def leave(self, name: int) -> None:
        """Take part no more; the dispatcher is next."""
        del self._wakes[name], self._names[threading.get_ident()]
        self._wakes[DISPATCHER].set()

    def _let(self, following: int, name: int) -> None:
        if following != name:
            self._wakes[following].set()
            self.wait(name)


class SharedWarehouse(QuickWarehouse):
    """One connection for all that take turns; the renewal of a lease still has one of its own."""

    def _of_thread(self) -> Any:
        takes_turns = threading.current_thread().name.startswith(INSTANCE)
        return self.connection if takes_turns else super()._of_thread()


@dataclass
class Delivery:
    """A message on its way, how often it came, and the step from which on it may come again."""

    message: Message
    attempts: int = 0
    due: int = 0


@dataclass
class Outcome:
    """What became of all messages."""

    published: Counter[str] = field(default_factory=Counter)
    pushes: int = 0
    refused: int = 0
    """Requests that no instance was free for: 429."""
    dead: list[str] = field(default_factory=list)
    most_at_once: int = 0


class PubSub:
    """Takes what functions publish, and pushes it to as many instances as there are of each."""

    def __init__(self, turns: Turns, instances: int, world: QuickWorld, shop: Shop) -> None:
        self.turns, self.instances = turns, instances
        self.world, self.shop = world, shop
        self.outcome = Outcome()
        self._waiting: list[Delivery] = []
        self._busy: Counter[str] = Counter()
        self._started = 0

    def publish(self, message: Message) -> None:
        """A function's publisher."""
        self.outcome.published[type(message).__name__] += 1
        self._waiting.append(Delivery(message, due=self.turns.steps))

    def run(self) -> Outcome:
        """Push until nothing waits and nobody works."""
        self.turns.join(DISPATCHER)
        while self._waiting or self._busy.total():
            self._dispatch()
            if self._busy.total():
                self.turns.step()
            elif self._waiting:
                self.turns.steps = max(self.turns.steps, min(each.due for each in self._waiting))
        return self.outcome

    def _dispatch(self) -> None:
        ready = [each for each in self._waiting if each.due <= self.turns.steps]
        self.turns.dice.shuffle(ready)
        for delivery in ready:
            function = function_of(delivery.message)
            if self._busy[function] < self.instances:
                self._waiting.remove(delivery)
                self._start(function, delivery)
            elif self.turns.steps - delivery.due > PATIENCE:
                self._waiting.remove(delivery)
                delivery.attempts += 1
                self.outcome.refused += 1
                self._later(delivery)

    def _later(self, delivery: Delivery) -> None:
        """The message comes again, later each time, or is a dead letter."""
        if delivery.attempts == MAXIMUM_ATTEMPTS:
            self.outcome.dead.append(repr(delivery.message))
            return
        delivery.due = self.turns.steps + min(PAUSE * 2**delivery.attempts, LONGEST_PAUSE)
        self._waiting.append(delivery)

    def _start(self, function: str, delivery: Delivery) -> None:
        self._started += 1
        self._busy[function] += 1
        self.outcome.most_at_once = max(self.outcome.most_at_once, self._busy.total())
        name, there = self._started, threading.Event()

        def work() -> None:
            self.turns.join(name)
            there.set()
            self.turns.wait(name)
            try:
                self._push(function, delivery)
            finally:
                self._busy[function] -= 1
                self.turns.leave(name)

        threading.Thread(target=work, name=f"{INSTANCE}{name}", daemon=True).start()
        there.wait()

    def _push(self, function: str, delivery: Delivery) -> None:
        self.outcome.pushes += 1
        delivery.attempts += 1
        try:
            self._handle(function, delivery.message)
        except RetryableError:
            self._later(delivery)
        except Exception as error:
            self.outcome.dead.append(f"{error!r} {delivery.message!r}")
        else:
            if delivery.attempts == 1 and self.turns.dice.random() < TWICE:
                delivery.due = self.turns.steps + PAUSE
                self._waiting.append(delivery)

    def _handle(self, function: str, message: Message) -> None:
        if function == "export":
            service.handle(self.shop.services, message)
        else:
            house = cast("Any", KillableWarehouse(self.world.quick, self.turns))
            handle(self.world.services(self, house), message)


def function_of(message: Message) -> str:
    """The function that a message is pushed to."""
    return (
        "export"
        if isinstance(message, Materialized | ExportContinuation | ExportTick)
        else "materialize"
    )


@dataclass(frozen=True)
class Result:
    """What became of messages, and of each conversion's row at each destination."""

    outcome: Outcome
    states: dict[str, dict[str, str]]
    """Destination → conversion → state of its one row."""
    deliveries: list[int]
    """How often each conversion was counted by each platform."""
    tasks: int


DESTINATIONS = {
    "google_ads": {"conversion_action_id": "987654321"},
    "meta": {"event_name": "Purchase"},
    "tiktok": {"event": "CompletePayment"},
}


def simulate(conversions: int, instances: int, seed: int) -> Result:
    """A daily run of so many conversions to three destinations, by so many instances of each."""
    turns = Turns(seed)
    world = QuickWorld(properties=())
    world.quick.__class__ = SharedWarehouse
    ids = [f"c{number:02}" for number in range(conversions)]
    table = f"{world.dataset}_crm.rows"
    same = {"value": 10.0, "currency": "USD", "created": AT, **SEEN}
    world.replace(table, ROWS, [{"id": id, "email": f"{id}@shop.example", **same} for id in ids])
    for id in ids:
        days = "DATE(created) BETWEEN @start_date AND @end_date"
        sql = f"SELECT * FROM `{table}` WHERE id = '{id}' AND {days}"
        world.define(id=id, kind="custom", sql=sql, reads=[table])
    with opened(world.warehouse, process=turns) as shop:
        for kind, mapped in DESTINATIONS.items():
            shop.add_destination(kind, conversions=[{"conversion": id, **mapped} for id in ids])
        pubsub = PubSub(turns, instances, world, shop)
        shop.services = replace(shop.services, bus=lambda: pubsub)
        pubsub.publish(world.tick("daily"))
        outcome = pubsub.run()
        held = [
            each.count for stand_in in shop.stand_ins.values() for each in stand_in.held.values()
        ]
        attempts = world.warehouse.table("export_attempts")
        found = world.query(
            f"SELECT e.destination, e.conversion, e.state FROM {attempts} AS e QUALIFY ROW_NUMBER()"
            " OVER (PARTITION BY e.destination, e.conversion"
            " ORDER BY e.recorded_at DESC, e.fence DESC, e.seq DESC) = 1"
        )
    states: dict[str, dict[str, str]] = {}
    for row in found:
        states.setdefault(row["destination"], {})[row["conversion"]] = row["state"]
    world.close()
    return Result(outcome, states, held, conversions * len(DESTINATIONS))


def main() -> None:
    conversions, instances, *seed = map(int, sys.argv[1:])
    result = simulate(conversions, instances, *(seed or [0]))
    print(f"{result.tasks} tasks, {result.outcome}, counted {Counter(result.deliveries)}")
    print({name: Counter(states.values()) for name, states in result.states.items()})
    sent = result.outcome.published.total()
    if result.outcome.dead or sent > 3 * result.tasks or set(result.deliveries) != {1}:
        sys.exit("More messages than three a task, a dead letter, or a conversion counted twice.")


if __name__ == "__main__":
    main()
