"""Every case of whole runs: raw events and CRM rows in, day after day, conversion tables out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from common.errors import UserError
from common.messaging.messages import CrmLoaded
from tests.case_files import CASES, Story, load_story, moment, stories
from tests.expected import Expected
from tests.materialize.export_histories import WRONG
from tests.materialize.listening import Listening, Made, assert_judge_agrees
from tests.materialize.world import QuickWorld
from tests.quick import database
from tests.test_cases import RATES, plain

ORDERS = "test-project.quick_crm.orders"
COLUMNS: list[dict[str, Any]] = [
    {"name": name, "type": type_, "mode": "NULLABLE"}
    for name, type_ in {
        "id": "STRING", "client_id": "STRING", "user_id": "STRING", "created": "TIMESTAMP",
        "date": "DATE", "value": "FLOAT", "currency": "STRING", "lead_id": "STRING",
        "is_qualified": "BOOLEAN",
    }.items()
]  # fmt: skip


@pytest.fixture(scope="module")
def connection() -> Iterator[Any]:
    """One database for all stories."""
    made = database()
    # a plan that is run once over twenty rows costs more to better than it saves
    made.execute("PRAGMA disable_optimizer")
    yield made
    made.close()


@pytest.fixture
def shown(request: pytest.FixtureRequest, connection: Any) -> Iterator[tuple[Story, QuickWorld]]:
    story = load_story(request.param)
    properties = ("ga4",) if any("events" in step or step["export"] for step in story.steps) else ()
    world = QuickWorld(
        connection, has_rates=bool(story.rates), properties=properties, **story.world
    )
    if any(step["export"] for step in story.steps):
        # a situation as somebody reported it, by rows of GA4's own shape
        world.warehouse = Listening(world)
    world.replace("test-project.quick_crm.rates", RATES, story.rates)
    define(world, story.definitions)
    yield story, world
    world.close()


@pytest.mark.parametrize("shown", stories(), ids=lambda folder: folder.name, indirect=True)
def test_a_story_ends_each_day_as_it_is_written(
    shown: tuple[Story, QuickWorld], expecting: Expected, request: pytest.FixtureRequest
) -> None:
    story, world = shown
    days: list[Any] = []
    wanted_days: list[Any] = []
    for step, found, wanted in lived(story, world):
        days.append(found)
        wanted_days.append(wanted)
        assert expecting.update or found == wanted, step
    expecting.rows(request.node.callspec.params["shown"] / "expected.yaml", days, wanted_days)
    if isinstance(world.warehouse, Listening):
        for made in counting(world.warehouse.made).values():
            assert_judge_agrees(made)


FOUND_OUT = {
    "LendsToReadDaysAlone": "a_day_that_lands_late_lends_its_source_to_later_direct_visits",
    "counts_a_late_day_alone": (
        "a_refund_of_a_day_that_lands_late_lowers_a_purchase_long_before_it"
    ),
    "counts_rows_alone": "a_value_that_is_corrected_weeks_later_is_read",
}
"""Wrong ways of reading an export that few histories come across: the story that shows each."""


@pytest.mark.parametrize(
    ("wrong", "shown"),
    [(wrong, CASES / "runs" / story) for wrong, story in FOUND_OUT.items()],
    ids=list(FOUND_OUT),
    indirect=["shown"],
)
def test_a_wrong_way_of_reading_an_export_is_found_out_by_a_story(
    shown: tuple[Story, QuickWorld], wrong: str
) -> None:
    story, world = shown
    design, patched = WRONG[wrong]
    world.warehouse = design(world.quick)
    with patched():
        assert any(found != wanted for _, found, wanted in lived(story, world))


def lived(story: Story, world: QuickWorld) -> Iterator[tuple[dict[str, Any], Any, Any]]:
    """Each step when it is done: the step, what there is then, and what there should be."""
    arrived: list[dict[str, Any]] = []
    for number, (step, expected) in enumerate(zip(story.steps, story.expected, strict=True)):
        arrived += [
            {**event, "at": moment(event["at"])}
            for pattern in step.get("events", ())
            for event in repeated(pattern)
        ]
        prepare(world, step, arrived)
        refused = carried_out(world, step, f"step {number}")
        found = {name: seen(world, name, wanted) for name, wanted in expected.items()}
        found |= {"refused": refused} if "refused" in expected else {}
        yield step, found, {name: comparable(wanted) for name, wanted in expected.items()}


def counting(made: Iterable[Made]) -> dict[str, Made]:
    """The last reading of the export and the last count of each conversion."""
    return {
        "scan" if it.is_scan else re.sub(r"_\d+_", "_", it.path): it
        for it in made
        if it.is_scan or it.path.endswith("_candidates")
    }


def repeated(pattern: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The event, `times` over with clients and orders of their own where it says so."""
    event = {name: value for name, value in pattern.items() if name != "times"}
    if "times" not in pattern:
        yield event
    for number in range(pattern.get("times", 0)):
        own = {name for name in ("client", "order") if name in event}
        yield {**event, **{name: f"{event[name]}{number}" for name in own}}


def define(world: QuickWorld, definitions: list[dict[str, Any]]) -> None:
    for definition in definitions:
        reads = (ORDERS,) if definition.get("kind") == "custom" else ()
        world.define(**definition, reads=reads)


def prepare(world: QuickWorld, step: dict[str, Any], arrived: list[dict[str, Any]]) -> None:
    """The sources as the step's run finds them in the morning after its day."""
    world.now = morning(step["day"])
    define(world, step.get("define", []))
    for day in step.get("gone", ()):
        # what a deleted table held arrives no more, but for what comes after
        of_table = ZoneInfo(world.property_timezone)
        arrived[:] = [it for it in arrived if it["at"].astimezone(of_table).date() != day]
        path = f"{world.dataset}_ga4.events_{day:%Y%m%d}"
        world.quick.drop(path)
        world.landed.pop(path, None)
    if "events" in step:
        world.events(arrived)
    for prefix, rows in step["export"].items():
        world.export(rows, prefix)
    if "orders" in step:
        zone = world.settings.timezone
        rows = [order(row, zone) for row in step["orders"]]
        world.replace(ORDERS, COLUMNS, rows)
        world.quick.changed[ORDERS] = world.now - timedelta(hours=1)


def order(row: dict[str, Any], zone: str) -> dict[str, Any]:
    created = moment(row["created"])
    day = created.astimezone(ZoneInfo(zone)).date() if created else None
    return {"date": day, **row, "created": created}


def carried_out(world: QuickWorld, step: dict[str, Any], key: str) -> str | None:
    """Carry out the step's run or load; the code of its refusal, None when it ran."""
    try:
        if "load" in step:
            world.handle(
                CrmLoaded(source="erp", table=ORDERS, partitions=step["load"], load_id=key)
            )
        else:
            world.handle(world.tick(key, force=step.get("force", False)))
    except UserError as refusal:
        return refusal.code
    return None


def morning(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 6, tzinfo=UTC) + timedelta(days=1)


def seen(world: QuickWorld, name: str, wanted: Any) -> Any:
    """What there is of a word of expected.yaml."""
    match name:
        case "status":
            return {id: world.ledger(id)[-1]["status"] for id in wanted}
        case "until":
            return {id: world.ledger(id)[-1]["end_date"] for id in wanted}
        case "causes":
            return {id: causes(world, id) for id in wanted}
        case "counted":
            return {id: len(world.rows(id, "id")) for id in wanted}
        case "incidents":
            return sorted(set(world.incidents()))
        case "refused":
            return None
    columns = sorted({column for row in wanted for column in row}) or ["id"]
    return [
        {column: plain(row[column]) for column in columns} for row in world.rows(name, *columns)
    ]


def causes(world: QuickWorld, id: str) -> list[str]:
    """What happened to which row of the conversion, and why, in order."""
    changes = world.query(
        f"SELECT * FROM `{world.warehouse.path('conversion_changes')}`"
        f" WHERE date > '2000-01-01' AND definition_id = '{id}' ORDER BY changed_at, id"
    )
    return [f"{row['id']} {row['change']} {row['cause']}" for row in changes]


def comparable(wanted: Any) -> Any:
    """Rows of expected.yaml with every column that any of them names."""
    if not isinstance(wanted, list) or not all(isinstance(row, dict) for row in wanted):
        return wanted
    columns = sorted({column for row in wanted for column in row})
    return [{column: plain(moment(row.get(column))) for column in columns} for row in wanted]
