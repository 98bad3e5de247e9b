"""Columns that a person names, or that their contents give away, and what a lead is to reach.

Every statement is judged by GoogleSQL's own analyzer before the engine runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from common.crm import source
from common.crm.source import Source
from common.errors import NotFoundError
from common.kinds.lead_scoring.definition import LeadScoring
from common.kinds.scoring import preferences
from tests.quick import QuickWarehouse
from tests.score_leads.department import Department

DATASET = "test-project.hubspot"
LEADS = 25
CLIENTS = [f"{1000000 + row}.{1700000000 + row}" for row in range(LEADS)]

LEAD = {
    "Id": "STRING", "CreatedDate": "TIMESTAMP", "Inquiry_Date__c": "DATE", "Status": "STRING",
    "Qualified_At__c": "TIMESTAMP", "ConvertedContactId": "STRING",
    "ConvertedOpportunityId": "STRING", "ClientID__c": "STRING", "Web_Ref__c": "STRING",
    "Customer_Number__c": "STRING", "Industry": "STRING",
}  # fmt: skip
OPPORTUNITY = {
    "Id": "STRING", "CreatedDate": "TIMESTAMP", "CloseDate": "DATE", "StageName": "STRING",
    "IsWon": "BOOLEAN", "IsClosed": "BOOLEAN", "Amount": "FLOAT", "Contract_Value__c": "FLOAT",
    "Deal_State__c": "STRING", "Signed_On__c": "DATE", "ContactId": "STRING",
    "LastStageChangeDate": "TIMESTAMP",
}  # fmt: skip
HISTORY = {"OpportunityId": "STRING", "StageName": "STRING", "CreatedDate": "TIMESTAMP"}


def lead(row: int, **facts: Any) -> dict[str, Any]:
    usual = {
        "Id": f"L{row}", "CreatedDate": "2026-01-10T10:00:00Z", "Status": "Open",
        "ConvertedOpportunityId": f"o{row}", "Industry": "Retail",
    }  # fmt: skip
    return {**usual, **facts}


def deal(row: int, **facts: Any) -> dict[str, Any]:
    usual = {
        "Id": f"o{row}", "CreatedDate": "2026-01-11T10:00:00Z", "CloseDate": "2026-12-31",
        "StageName": "New", "IsWon": False, "IsClosed": False, "Amount": 100.0,
    }  # fmt: skip
    return {**usual, **facts}


@pytest.fixture(scope="module")
def warehouse() -> Iterator[QuickWarehouse]:
    department = Department()
    yield department.warehouse
    department.warehouse.connection.close()


@pytest.fixture
def load(warehouse: QuickWarehouse) -> Callable[..., None]:
    def loaded(leads: list[dict[str, Any]], *deals: dict[str, Any], **more: Any) -> None:
        tables = {"Lead": (LEAD, leads), "Opportunity": (OPPORTUNITY, list(deals)),
                  "OpportunityHistory": (HISTORY, more.get("history", []))}  # fmt: skip
        for name, (columns, rows) in tables.items():
            path = f"{DATASET}.{name}"
            schema = [{"name": column, "type": type_} for column, type_ in columns.items()]
            warehouse.drop(path)
            warehouse.create(path, schema)
            warehouse.load(path, schema, rows)

    return loaded


def read(warehouse: QuickWarehouse, milestone: Any = None, **columns: Any) -> Source:
    """The source as a definition says it."""
    crm = {"type": "crm", "crm": "salesforce", "dataset": DATASET, "columns": columns}
    definition = LeadScoring.model_validate(
        {"id": "leads", "name": "Leads", "source": crm, "milestone": milestone}
    )
    crm_source: Any = definition.source
    said = preferences(crm_source, definition.milestone)
    return source.read(warehouse, "salesforce", DATASET, said)


def found(read_: Source) -> dict[str, tuple[str, str, str]]:
    return {each.name: (each.table, each.column, each.by) for each in read_.columns}


def test_a_client_id_is_found_by_what_it_looks_like(
    warehouse: QuickWarehouse, load: Callable[..., None]
) -> None:
    load([lead(row, Web_Ref__c=f"GA1.2.{client}") for row, client in enumerate(CLIENTS)])
    there = read(warehouse)
    assert found(there) == {"client_id": ("Lead", "Web_Ref__c", "content")}
    assert there.columns[0].content is not None
    assert there.columns[0].content.filled == LEADS
    rows = list(warehouse.rows(there.leads))
    assert sorted(row["client_id"] for row in rows) == sorted(CLIENTS), "the cookie's prefix is off"
    assert "Web_Ref__c" not in there.attributes


def test_a_column_called_client_id_that_holds_customers_is_not_taken(
    warehouse: QuickWarehouse, load: Callable[..., None]
) -> None:
    named_so = [lead(row, ClientID__c=f"C-{row}", Web_Ref__c=client)
                for row, client in enumerate(CLIENTS)]  # fmt: skip
    load(named_so)
    assert found(read(warehouse)) == {"client_id": ("Lead", "Web_Ref__c", "content")}
    load([{**row, "Web_Ref__c": None} for row in named_so])
    assert "client_id" not in found(read(warehouse))


def test_few_values_prove_nothing_and_the_name_decides(
    warehouse: QuickWarehouse, load: Callable[..., None]
) -> None:
    load([lead(1, ClientID__c="7", Web_Ref__c=CLIENTS[0])])
    assert found(read(warehouse)) == {"client_id": ("Lead", "ClientID__c", "name")}


def test_named_columns_are_read_in_any_spelling(
    warehouse: QuickWarehouse, load: Callable[..., None]
) -> None:
    load(
        [lead(1, Web_Ref__c="5.6", Inquiry_Date__c="2026-01-05", Customer_Number__c="K1",
              ConvertedContactId="c1", ConvertedOpportunityId=None),
         lead(2, Web_Ref__c="7.8")],
        deal(1, Deal_State__c="Signed", Signed_On__c="2026-02-01", Contract_Value__c=70.0,
             ContactId="c1"),
        deal(2, IsWon=True, IsClosed=True, Deal_State__c="Refused"),
    )  # fmt: skip
    there = read(
        warehouse,
        client_id="web ref",
        created="inquiry_date",
        user_id="CUSTOMER_NUMBER__C",
        value="Contract_Value__c",
        won={"column": "Deal_State__c", "values": ["signed"]},
        lost={"column": "Deal_State__c", "values": ["Refused"]},
    )
    leads = {row["lead_id"]: row for row in warehouse.rows(there.leads)}
    assert (leads["L1"]["client_id"], leads["L1"]["user_id"]) == ("5.6", "K1")
    assert leads["L1"]["created"].date().isoformat() == "2026-01-05"
    assert leads["L2"]["created"].date().isoformat() == "2026-01-10", "where it is empty, as usual"
    deals = {row["deal_id"]: row for row in warehouse.rows(there.deals)}
    assert (deals["o1"]["status"], deals["o1"]["deal_value"]) == ("won", 70)
    assert deals["o1"]["user_id"] == "K1", "or the deal would not find its person"
    assert deals["o2"]["status"] == "lost", "what the person says beats the flag"
    assert {name: by for name, (_, _, by) in found(there).items()} == dict.fromkeys(
        ("client_id", "created", "user_id", "value", "won", "lost"), "definition"
    )


def test_a_date_that_is_filled_says_that_and_when_a_deal_was_won(
    warehouse: QuickWarehouse, load: Callable[..., None]
) -> None:
    load([lead(1)], deal(1, Signed_On__c="2026-02-03"), deal(2))
    there = read(warehouse, won={"column": "Signed_On__c"})
    (won,) = warehouse.rows(there.deals)
    assert (won["status"], won["outcome_at"].date().isoformat()) == ("won", "2026-02-03")


def test_a_column_that_is_not_there_is_reported_with_the_nearest(
    warehouse: QuickWarehouse, load: Callable[..., None]
) -> None:
    load([lead(1)])
    with pytest.raises(NotFoundError) as refused:
        read(warehouse, value="Contract_Valeu__c")
    assert refused.value.code == "crm_column_unknown"
    assert refused.value.fix == "Did you mean Contract_Value__c?"


def test_a_stage_is_reached_once_whatever_came_of_the_deal(
    warehouse: QuickWarehouse, load: Callable[..., None]
) -> None:
    came = {"StageName": "Offer sent"}
    load(
        [lead(row) for row in range(1, 5)],
        deal(1, StageName="Offer sent"),
        deal(2, StageName="Closed Lost", IsClosed=True, CloseDate="2026-03-01"),
        deal(3, StageName="Closed Lost", IsClosed=True, CloseDate="2026-03-02"),
        deal(4),
        history=[
            dict(came, OpportunityId="o1", CreatedDate="2026-02-01T08:00:00Z"),
            dict(came, OpportunityId="o3", CreatedDate="2026-02-02T08:00:00Z"),
        ],
    )  # fmt: skip
    there = read(warehouse, milestone={"type": "stage", "stages": [" offer SENT "]})
    deals = {row["deal_id"]: row for row in warehouse.rows(there.deals)}
    assert {id: row["status"] for id, row in deals.items()} == {
        "o1": "won", "o2": "lost", "o3": "won", "o4": "open",
    }  # fmt: skip
    reached = [deals[id]["outcome_at"].date().isoformat() for id in ("o1", "o3")]
    assert reached == ["2026-02-01", "2026-02-02"], "when the stage was reached, not the close"


def test_a_deal_itself_may_say_since_when_it_is_in_its_stage(
    warehouse: QuickWarehouse, load: Callable[..., None]
) -> None:
    load(
        [lead(1)],
        deal(1, StageName="Offer sent", LastStageChangeDate="2026-02-05T08:00:00Z"),
    )  # fmt: skip
    there = read(warehouse, milestone={"type": "stage", "stages": ["Offer sent"]})
    (reached,) = warehouse.rows(there.deals)
    assert (reached["status"], reached["outcome_at"].isoformat()) == (
        "won", "2026-02-05T08:00:00+00:00",
    )  # fmt: skip


def test_a_stage_that_no_deal_has_and_none_is_called_is_refused(
    warehouse: QuickWarehouse, load: Callable[..., None]
) -> None:
    """Or every lead would wait for it in vain, and nothing would be said."""
    came = {"OpportunityId": "o1", "StageName": "Offer sent", "CreatedDate": "2026-02-01T08:00:00Z"}
    load([lead(1)], deal(1, StageName="Closed Lost", IsClosed=True), history=[came])
    with pytest.raises(NotFoundError, match="come into a stage Ofer sent, and none") as refused:
        read(warehouse, milestone={"type": "stage", "stages": ["Ofer sent"]})
    assert refused.value.code == "crm_stage_unknown"
    assert refused.value.fix == "Did you mean Offer sent?"
    (word,) = read(warehouse, milestone={"type": "stage", "stages": ["offer sent", "Demo"]}).unheard
    assert (word.words, word.fix) == (("Demo",), "There are: Closed Lost, Offer sent.")
    load([lead(1)])
    early = {"type": "stage", "stages": ["Demo"]}
    assert read(warehouse, milestone=early).unheard == (), "no deal says anything so far"


def test_a_value_that_no_row_holds_is_said_with_the_nearest(
    warehouse: QuickWarehouse, load: Callable[..., None]
) -> None:
    load([lead(1, Status="Qualified ")], deal(1, Deal_State__c="Signed"))
    status = {"type": "lead", "column": "Status", "values": ["Qualfied"], "at": "Qualified_At__c"}
    won = {"column": "Deal_State__c", "values": ["signed", "Paid"]}
    said = read(warehouse, milestone=status, won=won).unheard
    reached, paid = sorted(said, key=lambda it: it.name)
    assert (reached.message, reached.fix) == (
        "No row of Lead.Status holds Qualfied.", "Did you mean Qualified?",
    )  # fmt: skip
    assert (paid.name, paid.words) == ("won", ("Paid",))


def test_a_leads_own_status_counts_from_its_moment(
    warehouse: QuickWarehouse, load: Callable[..., None]
) -> None:
    load(
        [lead(1, Status=" Qualified ", Qualified_At__c="2026-01-20T09:00:00Z"), lead(2)],
        deal(2, IsWon=True, IsClosed=True),
    )
    status = {"type": "lead", "column": "Status", "values": ["Qualified"]}
    there = read(warehouse, milestone={**status, "at": "Qualified_At__c"})
    (reached,) = warehouse.rows(there.deals)
    assert (reached["lead_id"], reached["status"]) == ("L1", "won")
    assert reached["outcome_at"].isoformat() == "2026-01-20T09:00:00+00:00"
    assert "Qualified_At__c" not in there.attributes
    with pytest.raises(NotFoundError, match="no column says when"):
        read(warehouse, milestone=status)
    there = read(warehouse, milestone={"type": "lead", "column": "Qualified_At__c"})
    assert len(list(warehouse.rows(there.deals))) == 1, "a date says both"


def test_what_no_row_says_is_refused_with_the_columns_that_are_empty(
    warehouse: QuickWarehouse, load: Callable[..., None]
) -> None:
    """As Airbyte's Dataverse source leaves lookups empty: no deal would find its lead."""
    load([lead(1, ConvertedOpportunityId=None)], deal(1, IsWon=True))
    with pytest.raises(NotFoundError, match="which lead or contact it came from") as refused:
        read(warehouse)
    assert refused.value.code == "crm_column_empty"
    assert "Lead.ConvertedOpportunityId" in refused.value.detail
    reached = {"type": "lead", "column": "Qualified_At__c"}
    assert read(warehouse, milestone=reached), "no deal is asked"
    load([lead(1, CreatedDate=None)])
    with pytest.raises(NotFoundError, match="when it was created: CreatedDate is empty"):
        read(warehouse)


def test_two_queries_say_themselves_what_counts() -> None:
    queries = {"type": "query", "leads_sql": "SELECT 1", "deals_sql": "SELECT 1"}
    with pytest.raises(ValidationError, match="let deals_sql return status 'won'"):
        LeadScoring.model_validate(
            {"id": "leads", "name": "Leads", "source": queries,
             "milestone": {"type": "stage", "stages": ["Offer"]}}
        )  # fmt: skip
