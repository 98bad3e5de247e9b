"""What became of each lead: one deal, one lead, and only what was known by then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest

from common.bigquery.sql import Sql, fill
from common.bigquery.warehouse import Executed
from common.catalog.definitions import Catalog
from common.errors import UserError
from common.model.window import Window
from functions.score_leads.data import sources
from functions.score_leads.data.sources import Lacks, Staged, Warehouses
from functions.score_leads.operate import first_seen, history, training_incidents
from tests.score_leads.department import CRM, DEAL_COLUMNS, LEAD_COLUMNS, Department

KNOWN_UNTIL = datetime(2024, 6, 1, tzinfo=UTC)
YEAR = Window(date(2024, 1, 1), date(2024, 5, 31))
LEADS: list[dict[str, Any]] = [
    {"lead_id": "a", "user_id": "p", "created": "2024-01-01T10:00:00Z", "channel": "search"},
    {"lead_id": "b", "user_id": "p", "created": "2024-02-01T10:00:00Z", "channel": "search"},
    {"lead_id": "c", "user_id": "q", "created": "2024-03-01T10:00:00Z", "channel": "social"},
]


@pytest.fixture(scope="module")
def everyone() -> Iterator[Department]:
    built = Department({"currency": "EUR", "rates_table": f"{CRM}.rates"})
    built.define()
    yield built
    built.warehouse.connection.close()


@pytest.fixture
def department(everyone: Department) -> Department:
    """Three leads of two persons, and rates of two currencies."""
    rates = {"date": "DATE", "currency": "STRING", "rate": "FLOAT"}
    rows = [{"date": "2024-01-01", "currency": "USD", "rate": 0.5}]
    rows += [{"date": f"2024-{month:02d}-14", "currency": "USD", "rate": 0.5}
             for month in range(1, 6)]  # fmt: skip
    everyone.table(f"{CRM}.rates", rates, rows)
    everyone.table(f"{CRM}.leads", {**LEAD_COLUMNS, "channel": "STRING"}, LEADS)
    return everyone


def deal(**facts: Any) -> dict[str, Any]:
    usual = {"deal_id": "d", "status": "won", "deal_value": 100.0, "currency": "EUR"}
    return {**usual, **facts}


def staged(department: Department, *deals: dict[str, Any], id: str = "leads") -> Staged:
    department.table(f"{CRM}.deals", DEAL_COLUMNS, deals)
    warehouse = department.warehouse
    conversion = Catalog(warehouse).get(id).conversion
    return sources.stage(Warehouses(warehouse, warehouse), conversion, YEAR, KNOWN_UNTIL)


def outcomes(department: Department, *deals: dict[str, Any]) -> dict[str, dict[str, Any]]:
    there = staged(department, *deals)
    rows = department.warehouse.rows(fill("SELECT * FROM {{ table }}", table=there.outcomes))
    return {row["id"]: row for row in rows}


def test_leads_of_many_years_are_remembered_by_statements_of_few_days(
    department: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job writes 4,000 partitions: a CRM of twenty years has more days."""
    monkeypatch.setattr(first_seen, "MOST_DAYS", 45)
    there, seen = staged(department), ("r", KNOWN_UNTIL)
    pieces: list[tuple[Any, Any]] = []
    execute = department.warehouse.execute

    def counted(sql: Sql, **options: Any) -> Executed:
        bound = sql.parameters
        pieces.append((bound["start_date"].value, bound["end_date"].value))
        return execute(sql, **options)

    monkeypatch.setattr(department.warehouse, "execute", counted)
    assert first_seen.remember(department.warehouse, "old", there, *seen, YEAR) == 3
    assert first_seen.remember(department.warehouse, "old", there, *seen, YEAR) == 0
    assert {(end - start).days < 45 for start, end in pieces} == {True}
    assert (pieces[0][0], pieces[3][1], len(pieces)) == (YEAR.start, YEAR.end, 8)


def test_a_deal_goes_to_the_last_lead_before_it(department: Department) -> None:
    found = outcomes(
        department,
        deal(user_id="p", deal_created="2024-02-03T00:00:00Z", outcome_at="2024-02-11T10:00:00Z"),
    )
    assert set(found) == {"b"}
    assert found["b"]["won_after"] == pytest.approx(10)
    assert found["b"]["status"] == "won"


def test_a_deal_before_its_lead_goes_to_the_first_lead_before_its_end(
    department: Department,
) -> None:
    found = outcomes(
        department,
        deal(user_id="q", deal_created="2024-02-20T00:00:00Z", outcome_at="2024-03-05T10:00:00Z"),
    )
    assert set(found) == {"c"}


def test_a_deal_that_ended_before_any_lead_is_nobodys(department: Department) -> None:
    ended = deal(user_id="q", deal_created="2024-01-01T00:00:00Z",
                 outcome_at="2024-02-01T00:00:00Z")  # fmt: skip
    assert outcomes(department, ended) == {}


def test_one_deal_of_two_contacts_is_counted_once(department: Department) -> None:
    both = [
        deal(user_id=person, deal_created="2024-03-02T00:00:00Z",
             outcome_at="2024-03-12T00:00:00Z") for person in ("p", "q")
    ]  # fmt: skip
    found = outcomes(department, *both)
    assert set(found) == {"c"}
    assert [win["value"] for win in found["c"]["wins"]] == [100]


def test_deals_without_an_id_are_deals_of_their_own(department: Department) -> None:
    facts = {"lead_id": "a", "deal_id": None, "deal_created": "2024-01-02T00:00:00Z"}
    both = [deal(**facts, outcome_at=f"2024-01-{day}T10:00:00Z") for day in (11, 12)]
    assert [win["value"] for win in outcomes(department, *both)["a"]["wins"]] == [100, 100]


def test_several_deals_of_one_lead_add_up_inside_its_window(department: Department) -> None:
    bought = [
        deal(deal_id=f"d{day}", lead_id="a", deal_created="2024-01-02T00:00:00Z",
             outcome_at=f"2024-{day}T10:00:00Z", deal_value=value)
        for day, value in (("01-11", 10.0), ("01-21", 20.0), ("05-30", 40.0))
    ]  # fmt: skip
    there = staged(department, *bought)
    first_seen.remember(department.warehouse, "leads", there, "run", KNOWN_UNTIL, YEAR)
    past = history.past(department.warehouse, "leads", there, YEAR, KNOWN_UNTIL, 40)
    assert past is not None
    assert past.outcomes.value[0] == 30
    assert past.outcomes.won.tolist() == [True, False, False]


def test_a_deal_of_unknown_worth_leaves_the_money_of_its_lead_unknown(
    department: Department,
) -> None:
    """The part that is known would be learnt as all of it."""
    bought = [
        deal(deal_id=f"d{day}", lead_id="b", deal_created="2024-02-02T00:00:00Z",
             outcome_at=f"2024-02-{day}T10:00:00Z", deal_value=value)
        for day, value in (("11", 10.0), ("12", None))
    ]  # fmt: skip
    there = staged(department, *bought)
    first_seen.remember(department.warehouse, "leads", there, "run", KNOWN_UNTIL, YEAR)
    past = history.past(department.warehouse, "leads", there, YEAR, KNOWN_UNTIL, 40)
    assert past is not None
    assert past.outcomes.won.tolist() == [False, True, False]
    assert np.isnan(past.outcomes.value[1])


@pytest.mark.parametrize("ends", ["2024-06-01T00:00:00Z", "2024-07-01T00:00:00Z", None])
def test_an_end_that_is_not_known_yet_leaves_the_lead_open(
    department: Department, ends: str | None
) -> None:
    """A lost deal beside an open one does not make the lead lost."""
    lost = deal(deal_id="x", lead_id="a", status="lost", deal_created="2024-01-02T00:00:00Z",
                outcome_at="2024-01-05T00:00:00Z")  # fmt: skip
    going = deal(lead_id="a", status="won" if ends else "open",
                 deal_created="2024-01-03T00:00:00Z", outcome_at=ends)  # fmt: skip
    alone = outcomes(department, lost)["a"]
    assert (alone["status"], alone["lost_after"]) == ("lost", pytest.approx(3.58, abs=0.01))
    found = outcomes(department, lost, going)["a"]
    assert (found["status"], found["won_after"], found["lost_after"]) == ("open", None, None)


def test_a_deal_that_was_made_later_is_not_known(department: Department) -> None:
    later = deal(lead_id="a", status="open", deal_created="2024-06-02T00:00:00Z")
    assert outcomes(department, later) == {}


def test_an_end_without_a_moment_counts_from_the_best_known_and_is_reported(
    department: Department,
) -> None:
    made = "2024-03-05T10:00:00Z"
    there = staged(
        department,
        deal(deal_id="1", lead_id="c", deal_created=made, outcome_at=None),
        deal(deal_id="2", lead_id="b", deal_created=None, outcome_at=None, status="lost"),
        deal(deal_id="3", lead_id="a", deal_created=made, outcome_at=made),
        deal(deal_id="4", lead_id="a", deal_created=made, outcome_at=None, status="open"),
    )
    rows = department.warehouse.rows(fill("SELECT * FROM {{ table }}", table=there.outcomes))
    found = {row["id"]: row for row in rows}
    assert {id: row["status"] for id, row in found.items()} == {"a": "won", "b": "lost", "c": "won"}
    assert (found["c"]["won_after"], found["b"]["lost_after"]) == (4.0, 0.0)
    lacking = sources.lacks(department.warehouse, there, KNOWN_UNTIL)
    assert (lacking.undated, lacking.ended) == (2, 3)
    (incident,) = training_incidents.of_sources(lacking, "EUR")
    assert incident.code == "deals_undated"
    assert "2 of 3 outcomes" in incident.detail


def test_a_deal_whose_lead_is_gone_goes_to_its_person(department: Department) -> None:
    gone = deal(lead_id="archived", user_id="p", deal_created="2024-01-15T00:00:00Z",
                outcome_at="2024-02-20T00:00:00Z")  # fmt: skip
    assert set(outcomes(department, gone)) == {"a"}
    stranger = {**gone, "deal_created": "2023-12-01T00:00:00Z"}
    assert outcomes(department, stranger) == {}


def test_money_is_in_the_projects_currency_at_the_rate_of_the_day(department: Department) -> None:
    foreign = deal(lead_id="a", currency="USD", deal_created="2024-01-10T00:00:00Z",
                   outcome_at="2024-01-15T00:00:00Z")  # fmt: skip
    (win,) = outcomes(department, foreign)["a"]["wins"]
    assert win["value"] == 50
    unknown = {**foreign, "currency": "XXX"}
    (win,) = outcomes(department, unknown)["a"]["wins"]
    assert win["value"] is None


def test_contact_data_is_hashed_and_personal_columns_are_no_attributes(
    department: Department,
) -> None:
    columns = {**LEAD_COLUMNS, "email": "STRING", "phone": "STRING", "first_name": "STRING",
               "channel": "STRING"}  # fmt: skip
    person = {**LEADS[0], "email": " Ann@Firm.example", "phone": "+49 30 1234567",
              "first_name": "Ann"}  # fmt: skip
    department.table(f"{CRM}.leads", columns, [person])
    there = staged(department)
    (row,) = department.warehouse.rows(fill("SELECT * FROM {{ table }}", table=there.leads))
    assert len(row["email"]) == len(row["phone"]) == 64
    assert row["attributes"] == '{"channel":"search"}'


def passing(department: Department, *filters: dict[str, Any]) -> set[str]:
    """Ids of the leads that a definition with these filters stages."""
    department.define(lead_filters=filters)
    warehouse = department.warehouse
    conversion = Catalog(warehouse).get("leads").conversion
    try:
        there = sources.stage(Warehouses(warehouse, warehouse), conversion, YEAR, KNOWN_UNTIL)
    finally:
        department.define()
    return {row["id"] for row in warehouse.rows(fill("SELECT id FROM {{ it }}", it=there.leads))}


def test_only_leads_that_pass_all_filters_are_leads(department: Department) -> None:
    department.table(f"{CRM}.deals", DEAL_COLUMNS, [])
    search = {"column": "Channel", "operator": "one_of", "values": ["SEARCH", "mail"]}
    assert passing(department, search) == {"a", "b"}
    assert passing(department, {**search, "operator": "not_one_of"}) == {"c"}
    missing = {"column": "client_id", "operator": "is_missing"}
    assert passing(department, search, missing) == {"a", "b"}
    assert passing(department, search, {**missing, "operator": "is_present"}) == set()
    with pytest.raises(UserError, match="no column chanel") as refused:
        passing(department, {**search, "column": "chanel"})
    assert refused.value.fix == "Did you mean channel?"


def test_a_text_that_looks_like_a_missing_attribute_stays_whole(department: Department) -> None:
    """Broken JSON of one lead, whose form anybody may fill in, would end every training."""
    moment = "2024-01-01T10:00:00Z"
    columns = {**LEAD_COLUMNS, "city": "STRING", "message": "STRING", "plan": "STRING"}
    texts = [":null,", ',":null', '"x":null,', "a,", "\\"]
    others: list[dict[str, Any]] = [{"city": ",", "plan": ":null"}, {"city": None, "plan": None}]
    rows = [
        {"lead_id": f"{place}", "created": moment, "message": text, **others[place % 2]}
        for place, text in enumerate(texts)
    ]
    department.table(f"{CRM}.leads", columns, rows)
    there = staged(department)
    query = fill("SELECT id, attributes FROM {{ table }} ORDER BY id", table=there.leads)
    found = [json.loads(row["attributes"]) for row in department.warehouse.rows(query)]
    assert [each["message"] for each in found] == texts
    assert [set(each) for each in found[:2]] == [{"city", "message", "plan"}, {"message"}]


def test_leads_outside_the_window_or_without_an_id_are_left_out(department: Department) -> None:
    extra: list[dict[str, Any]] = [
        {"lead_id": "old", "created": "2023-12-31T23:00:00Z"},
        {"lead_id": None, "created": "2024-02-01T10:00:00Z"},
        {"lead_id": "a", "created": "2024-04-01T10:00:00Z"},
    ]
    department.table(f"{CRM}.leads", {**LEAD_COLUMNS, "channel": "STRING"}, [*LEADS, *extra])
    there = staged(department)
    rows = department.warehouse.rows(fill("SELECT id, date FROM {{ table }}", table=there.leads))
    assert {row["id"]: row["date"].month for row in rows} == {"a": 1, "b": 2, "c": 3}


def test_a_predicted_value_needs_the_user_id(department: Department) -> None:
    sql = f"SELECT lead_id AS id, client_id, created FROM `{CRM}.leads`"
    department.define(
        "asked", kind="custom", sql=sql, predicted_value={"target": "paid", "window_days": 40}
    )
    warehouse = department.warehouse
    conversion = Catalog(warehouse).get("asked").conversion
    with pytest.raises(UserError, match="returns no user_id"):
        sources.stage(Warehouses(warehouse, warehouse), conversion, YEAR, KNOWN_UNTIL)


def test_money_in_the_home_currency_counts_where_no_rate_is_known(department: Department) -> None:
    facts = {"lead_id": "c", "outcome_at": "2024-03-11T10:00:00Z", "currency": "GBP"}
    columns = {**DEAL_COLUMNS, "home_value": "FLOAT", "home_currency": "STRING"}
    for home, value in (("EUR", 117.0), ("USD", None)):
        priced = deal(**facts, home_value=117.0, home_currency=home)
        department.table(f"{CRM}.deals", columns, [priced])
        warehouse = department.warehouse
        conversion = Catalog(warehouse).get("leads").conversion
        there = sources.stage(Warehouses(warehouse, warehouse), conversion, YEAR, KNOWN_UNTIL)
        rows = warehouse.rows(fill("SELECT * FROM {{ table }}", table=there.outcomes))
        assert [row["wins"][0]["value"] for row in rows] == [value]
        found = sources.lacks(warehouse, there, KNOWN_UNTIL)
        assert (found.unpriced, found.wins) == (int(value is None), 1)


def test_money_without_a_rate_is_reported_and_a_deal_without_money_is_not(
    department: Department,
) -> None:
    facts = {"lead_id": "c", "outcome_at": "2024-03-11T10:00:00Z"}
    there = staged(
        department,
        deal(deal_id="1", **facts, currency="GBP"),
        deal(deal_id="2", **facts, deal_value=None),
        deal(deal_id="3", **facts),
    )
    lacking = sources.lacks(department.warehouse, there, datetime(2024, 3, 10, tzinfo=UTC))
    assert lacking == Lacks(
        1, 3, leads=3, with_client_id=0, recent=1, recent_with_client_id=0, ended=3
    )
    (incident,) = training_incidents.of_sources(lacking, "EUR")
    assert incident.code == "deals_without_rate"
    assert not list(training_incidents.of_sources(Lacks(0, 3, 3, 0, 3, 0), "EUR"))


def test_leads_that_no_visit_can_be_found_for_are_reported() -> None:
    (incident,) = training_incidents.of_sources(Lacks(0, 0, 500, 0, 40, 0), "EUR")
    assert (incident.code, incident.severity) == ("no_client_ids", "warning")
    assert not list(training_incidents.of_sources(Lacks(0, 0, 500, 9, 40, 1), "EUR"))


def test_a_form_that_no_longer_writes_the_client_id_is_reported() -> None:
    (incident,) = training_incidents.of_sources(Lacks(0, 0, 500, 400, 40, 0), "EUR")
    assert (incident.code, incident.severity) == ("client_ids_stopped", "warning")
    assert "40 leads of the last 30 days" in incident.detail
    assert not list(training_incidents.of_sources(Lacks(0, 0, 500, 400, 5, 0), "EUR"))


HUBSPOT = {
    "contact": ({"id": "STRING", "property_createdate": "TIMESTAMP", "customer": "STRING",
                 "property_industry": "STRING"},
                [{"id": "1", "property_createdate": "2024-02-01T10:00:00Z", "customer": "K1",
                  "property_industry": "Retail"},
                 {"id": "2", "property_createdate": "2024-02-02T10:00:00Z", "customer": "K2"}]),
    "deal": ({"deal_id": "STRING", "property_createdate": "TIMESTAMP"}, []),
    "deal_contact": ({"deal_id": "STRING", "contact_id": "STRING"}, []),
    "deal_pipeline_stage": ({"stage_id": "STRING"}, []),
}  # fmt: skip


def test_a_lead_of_a_crm_may_be_to_reach_another_conversion(department: Department) -> None:
    for name, (columns, rows) in HUBSPOT.items():
        department.table(f"test-project.hubspot.{name}", columns, rows)
    paid = {"id": "STRING", "user_id": "STRING", "created": "TIMESTAMP", "is_qualified": "BOOLEAN",
            "value_project": "FLOAT"}  # fmt: skip
    bought = {"id": "o", "user_id": "K1", "created": "2024-02-11T10:00:00Z", "value_project": 9.0,
              "is_qualified": True}  # fmt: skip
    department.table(department.warehouse.path("conversion_paid"), paid, [bought])
    source = {"type": "crm", "crm": "hubspot", "dataset": "test-project.hubspot",
              "columns": {"user_id": "customer"}}  # fmt: skip
    target = {"type": "conversion", "target": "paid"}
    department.define("reaching", source=source, milestone=target)
    warehouse = department.warehouse
    conversion = Catalog(warehouse).get("reaching").conversion
    assert conversion.references() == {"paid"}
    there = sources.stage(Warehouses(warehouse, warehouse), conversion, YEAR, KNOWN_UNTIL)
    leads = list(warehouse.rows(fill("SELECT * FROM {{ it }} ORDER BY id", it=there.leads)))
    assert [(row["id"], row["user_id"]) for row in leads] == [("1", "K1"), ("2", "K2")]
    (outcome,) = warehouse.rows(fill("SELECT * FROM {{ it }}", it=there.outcomes))
    assert (outcome["id"], outcome["status"]) == ("1", "won")
    assert outcome["won_after"] == pytest.approx(10)


VISIT = {"property": "p.analytics", "pages": 3, "depth": 2, "duration_seconds": 60.0}


def visit(client: str, started: str, source: str, **facts: Any) -> dict[str, Any]:
    key = f"{client} {started}"
    told = {"source": source, "medium": "cpc", "channel_group": "Paid Search", **facts}
    return {**VISIT, "date": started[:10], "visit_key": key, "session_id": key,
            "client_id": client, "started_at": started, **told}  # fmt: skip


def test_what_a_lead_did_on_the_site_counts_up_to_two_days_before(department: Department) -> None:
    clients = [dict(lead, client_id=f"1.{lead['lead_id']}") for lead in LEADS]
    columns = {**LEAD_COLUMNS, "channel": "STRING"}
    department.table(f"{CRM}.leads", columns, clients)
    warehouse = department.warehouse
    warehouse.append(
        "ga4_visits",
        [
            visit("1.b", "2023-10-01T10:00:00Z", "too long ago"),
            visit("1.b", "2024-01-22T10:00:00Z", "google", pages=5, depth=4),
            visit("1.b", "2024-01-30T22:00:00Z", "bing"),
            visit("1.b", "2024-01-31T10:00:00Z", "not exported by then"),
            visit("1.b", "2024-02-01T10:00:00Z", "of the same moment"),
            visit("1.c", "2024-03-02T10:00:00Z", "afterwards"),
        ],
    )
    department.define("visited")
    there = staged(department, id="visited")
    assert history.past(warehouse, "visited", there, YEAR, KNOWN_UNTIL, 30) is None, "none seen yet"
    first_seen.remember(warehouse, "visited", there, "run", KNOWN_UNTIL, YEAR)
    past = history.past(warehouse, "visited", there, YEAR, KNOWN_UNTIL, 30)
    assert past is not None
    before, visited, new = (
        {name: cells[row] for name, cells in past.leads.columns.items() if "site" in name}
        for row in range(3)
    )
    assert visited == {
        "site_visits": 2, "site_days_since_first_visit": 10.0, "site_days_since_last_visit": 1.5,
        "site_pages": 8, "site_depth": 4, "site_minutes": 2.0, "site_sources": 2,
        "site_first_source": "google / cpc", "site_last_source": "bing / cpc",
        "site_last_channel": "Paid Search",
    }  # fmt: skip
    assert (new["site_visits"], new["site_last_source"]) == (0, None), "it came without a visit"
    assert before["site_visits"] is None, "from before GA4 was staged: nobody knows"


def test_where_a_lead_comes_from_is_an_attribute_and_what_it_became_is_none() -> None:
    columns = dict.fromkeys(("lead_id", "source", "campaign", "city", "value", "email"), "STRING")
    assert sources.attribute_columns(columns) == ["source", "campaign", "city"]
