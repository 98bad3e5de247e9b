"""Each case folder holds raw tables of a CRM as a connector loads them, and what must come out.

`tables.yaml` has column types and rows by table; `leads.yaml` and `deals.yaml` the expected rows,
of which only the columns they name are compared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from common import crm
from common.crm import connector, names, source
from common.crm import shape as shapes_of
from common.errors import NotFoundError
from common.kinds.scoring import CrmSource
from common.settings import Settings
from tests.expected import Expected
from tests.judge import analyze
from tests.quick import QuickWarehouse

CASES = sorted(path.parent for path in Path(__file__).parent.glob("*/*/tables.yaml"))


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def warehouse() -> Iterator[QuickWarehouse]:
    """One engine for all cases; a statement over each of them is judged by GoogleSQL as well."""
    settings = Settings(
        project="test-project", dataset="conversions", staging_dataset="staging", currency="EUR",
        timezone="Europe/Berlin",
    )  # fmt: skip
    there = QuickWarehouse(settings)
    yield there
    there.connection.close()


@pytest.fixture
def dataset(warehouse: QuickWarehouse, request: pytest.FixtureRequest) -> str:
    """A dataset of the test's own."""
    path = "test-project." + re.sub(r"\W", "_", request.node.name)
    warehouse.ensure_dataset(path)
    return path


def load(warehouse: QuickWarehouse, dataset: str, tables: Mapping[str, Any]) -> None:
    for name, table in tables.items():
        schema = columns(tables)[name]
        rows = [
            {
                column: json.loads(cell) if type_ == "JSON" and cell else cell
                for (column, type_), cell in zip(table["columns"].items(), row, strict=True)
            }
            for row in table["rows"]
        ]
        warehouse.create(f"{dataset}.{name}", schema)
        warehouse.load(f"{dataset}.{name}", schema, rows)


def columns(tables: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    return {name: list(map(field, *zip(*table["columns"].items(), strict=True)))
            for name, table in tables.items()}  # fmt: skip


def field(name: str, type_: Any) -> dict[str, Any]:
    """A column in the API's form: TYPE, [fields of a list of records], or {fields of a record}."""
    if isinstance(type_, str):
        return {"name": name, "type": type_, "mode": "NULLABLE"}
    mode = "REPEATED" if isinstance(type_, list) else "NULLABLE"
    fields = type_[0] if isinstance(type_, list) else type_
    inner = [field(*each) for each in fields.items()]
    return {"name": name, "type": "RECORD", "mode": mode, "fields": inner}


def plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC).isoformat()
    return value


def comparable(rows: list[dict[str, Any]], names: list[str]) -> list[list[Any]]:
    listed = [[plain(row[name]) for name in names] for row in rows]
    return sorted(listed, key=lambda row: [str(cell) for cell in row])


@pytest.mark.parametrize("folder", CASES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_crm_says_the_same_however_it_was_loaded(
    folder: Path, warehouse: QuickWarehouse, dataset: str, expecting: Expected
) -> None:
    tables = read(folder / "tables.yaml")
    load(warehouse, dataset, tables)
    schemas = columns(tables)
    built = source.read(warehouse, folder.parent.name, dataset)
    known = {f"{dataset}.{name}": schema for name, schema in schemas.items()}
    for query, sql, wanted in (
        ("leads", built.leads, crm.LEADS),
        ("deals", built.deals, crm.DEALS),
    ):
        analyze(sql.text, known, {name: bound.type for name, bound in sql.parameters.items()})
        found, expected = list(warehouse.rows(sql)), read(folder / f"{query}.yaml")
        assert list(found[0])[: len(wanted)] == list(wanted)
        shown = list(expected[0])
        assert set(shown) <= set(found[0]), f"{query} have the columns {', '.join(found[0])}"
        expecting.rows(
            folder / f"{query}.yaml",
            [dict(zip(shown, row, strict=True)) for row in comparable(found, shown)],
            [dict(zip(shown, row, strict=True)) for row in comparable(expected, shown)],
        )


def shape_of(folder: Path) -> str:
    found = columns(read(folder / "tables.yaml"))
    return shapes_of.shape_of(folder.parent.name, "p-123456.crm", found).name


def shapes() -> str:
    """Every shape that is read, what it is known by and its cases, as a page."""
    cases: dict[tuple[str, str], list[str]] = {}
    for folder in CASES:
        cases.setdefault((folder.parent.name, shape_of(folder)), []).append(folder.name)
    rows = []
    for name in crm.CRMS:
        for shape in connector.connectors(name):
            known = "; ".join(
                f"{table} ({', '.join(by)})" for table, by in shape.fingerprint.items()
            )
            links = ", ".join(
                f"[{case}](../../tests/crm/{name}/{case})" for case in cases[name, shape.name]
            )
            rows.append(f"| {name} | {shape.name} | {known} | {links} |")
    return "\n".join([*SHAPES_HEAD, *rows, ""])


SHAPES_HEAD = (
    "# Connectors and CRMs that are read",
    "",
    "Written by `pytest --update tests/crm`. Each shape is recognized by tables and columns that",
    "it alone has, whatever their case; each case holds rows of one loader's documented schema and",
    "the leads and deals that must come out. Windsor's flat reports, HubSpot's share for",
    "Snowflake, Salesforce's zero copy and Airbyte's raw tables are not read: the refusal names",
    "what is.",
    "",
    "| CRM | Loader | Known by | Cases |",
    "|---|---|---|---|",
)


def test_every_shape_has_a_case_and_stands_in_the_table(expecting: Expected) -> None:
    expecting.text(Path(crm.__file__).with_name("SHAPES.md"), shapes())


def test_an_unknown_shape_names_what_each_loader_would_have_to_bring() -> None:
    contact = columns({"contact": {"columns": {"id": "INTEGER"}}})
    with pytest.raises(NotFoundError) as refused:
        source.source("hubspot", "p-123456.crm", contact)
    assert "Airbyte lacks the table contacts" in refused.value.detail
    assert "Fivetran lacks the table deal;" in refused.value.detail
    undecided = columns({
        "contacts": {"columns": {"id": "STRING", "createdAt": "TIMESTAMP"}},
        "deals": {"columns": {"id": "STRING", "createdAt": "TIMESTAMP", "contacts": "JSON"}},
    })  # fmt: skip
    with pytest.raises(NotFoundError) as refused:
        source.source("hubspot", "p-123456.crm", undecided)
    lacking = "Airbyte lacks deals.properties_hs_is_closed_won or the table deal_pipelines"
    assert lacking in refused.value.detail


def test_columns_that_are_hashes_are_named_by_either_version_of_the_interface(
    warehouse: QuickWarehouse, dataset: str
) -> None:
    folder = Path(__file__).parent / "pipedrive/airbyte_version_2"
    load(warehouse, dataset, read(folder / "tables.yaml"))
    built = source.read(warehouse, "pipedrive", dataset)
    (lead,) = warehouse.rows(built.leads)
    assert (lead["client_id"], lead["trade"]) == ("1.2", "Roofing")


def test_no_stage_where_stages_alone_say_how_deals_ended_is_refused(
    warehouse: QuickWarehouse, dataset: str
) -> None:
    tables = read(Path(__file__).parent / "hubspot/airbyte_contact_taken_off/tables.yaml")
    tables["deal_pipelines"]["rows"] = []
    load(warehouse, dataset, tables)
    with pytest.raises(NotFoundError, match="which deals are won") as refused:
        source.read(warehouse, "hubspot", dataset)
    assert refused.value.code == "crm_column_empty"


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("GACLIENTID__c", "client_id"), ("gaClientId__c", "client_id"),
        ("gaclientid_c", "client_id"),
        ("property_ga_client_id", "client_id"), ("Google_Client_Id__c", "client_id"),
        ("ClientID__c", "client_id"), ("new_gaclientid", "client_id"),
        ("GA Client ID", "client_id"),
        ("GATRACKID__c", None), ("oauth_client_id", None), ("google_analytics_medium__c", None),
        ("gclsrc", None), ("GCLID__c", "gclid"), ("Google_Click_ID__c", "gclid"),
        ("property_hs_google_click_id", "gclid"), ("rdt_gclid", "gclid"), ("fbclid__c", "fbclid"),
        ("property_hs_facebook_click_id", "fbclid"), ("Facebook_Click_ID__c", "fbclid"),
        ("hs_analytics_source", None), ("ClientName", None), ("region_id", None),
        ("wbraid__c", "wbraid"), ("Google_GBRAID__c", "gbraid"), ("new_msclkid", "msclkid"),
        ("Bing_Click_ID__c", "msclkid"), ("ttclid", "ttclid"), ("li_fat_id__c", "li_fat_id"),
        ("property_hs_tiktok_click_id", "ttclid"), ("GCLID_Captured_At__c", None),
        ("properties_hs_linkedin_click_id", "li_fat_id"), ("gclid_source", None),
    ],
)  # fmt: skip
def test_client_and_click_ids_are_found_in_every_spelling(name: str, identifier: str) -> None:
    assert names.identifier_of(name) == identifier


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("cr5a3_budget", "budget"), ("created_by_id", "created_by_id"),
        ("CreatedById", "created_by_id"), ("credit_status__c", "credit_status"),
        ("new_budget", "budget"), ("property_budget", "budget"),
    ],
)  # fmt: skip
def test_a_publishers_prefix_is_no_word(name: str, bare: str) -> None:
    assert names.bare(name) == bare


def test_what_deals_add_up_to_is_no_attribute_of_a_company() -> None:
    tables = read(Path(__file__).parent / "hubspot/fivetran_chains_of_merges/tables.yaml")
    found = source.source("hubspot", "p-123456.crm", columns(tables)).attributes
    assert [name for name in found if name.startswith("company_")] == [
        "company_industry", "company_numberofemployees",
    ]  # fmt: skip


def test_what_sales_fills_in_later_is_no_attribute() -> None:
    tables = read(Path(__file__).parent / "hubspot/merged_contacts_and_twin_deals/tables.yaml")
    tables["contact"]["columns"]["_fivetran_synced"] = "TIMESTAMP"
    found = source.source("hubspot", "p-123456.crm", columns(tables)).attributes
    assert set(found) == {
        "form", "form_page", "property_company", "property_jobtitle", "property_annualrevenue",
    }  # fmt: skip


@pytest.mark.parametrize(
    "name",
    "IsConverted ConvertedDate ConvertedAccountId Status LastModifiedDate SystemModstamp"
    " isconverted converteddate lastmodifieddate StageName".split(),
)
def test_no_spelling_of_the_outcome_is_an_attribute(name: str) -> None:
    rules = connector.crm("salesforce")
    excluded = re.compile("|".join(rules.not_attributes))
    assert names.LATER.fullmatch(names.bare(name)) or excluded.fullmatch(names.bare(name))


WRITTEN_LATER = {
    "hubspot": "property_hs_sequences_is_enrolled property_hs_current_customer"
    " property_engagements_last_meeting_booked property_hs_count_is_worked property_lost_reason"
    " properties_hs_v2_date_entered_customer property_hs_cumulative_time_in_lead"
    " property_lead_status properties_sales_outcome",
    "salesforce": "FirstCallDateTime ActionCadenceState Closed_Lost_Reason__c Next_Step__c"
    " Disqualified_Reason__c MQL_Date__c qualified_date_c Days_to_Close__c Reason_for_Loss__c",
    "dynamics": "statecodename statuscode_label new_lead_disposition"
    " new_disqualifyreason cr12a_lostreason timespentbymeonemailandmeetings",
    "pipedrive": "lost_reason won_deals_count next_activity_date",
}
"""Names that vendors document, and that people give, for what is not known of a new lead."""

KNOWN_AT_ONCE = (
    "property_industry property_hs_analytics_first_url first_conversion_event_name Industry"
    " LeadSource Heard_of_us_by__c new_reason_for_inquiry time_on_site days_since_first_visit"
    " marital_status subscription_status state outcome_wanted"
    " conversion_page winter_tires won_award closed_shop qualification industrycode trade"
).split()


@pytest.mark.parametrize("name", crm.CRMS)
def test_what_is_written_as_a_lead_goes_on_is_no_attribute(name: str) -> None:
    excluded = re.compile("|".join(connector.crm(name).not_attributes))
    later = WRITTEN_LATER[name].split()
    assert [each for each in later if not names.is_later(each, excluded)] == []
    known = [each for each in KNOWN_AT_ONCE if names.is_later(each, excluded)]
    assert known == (["qualification"] if name == "dynamics" else []), "that is its sales' own"


def test_no_spelling_of_what_sales_do_is_an_attribute_of_dynamics() -> None:
    """Dataverse writes `statuscode`, which some loaders make `status_code`."""
    later = (
        "statecode statuscode salesstage salesstagecode estimatedvalue exchangerate onholdtime"
        " status_code state_code sales_stage sales_stage_code estimated_value exchange_rate"
        " on_hold_time last_on_hold_time qualification_comments decision_maker budget_status"
        " purchase_time_frame initial_communication _owning_user_value traversed_path full_name"
        " email_address_1 mobile_phone address_1_line_1 created_on_behalf_by version_number"
    ).split()
    tables = read(Path(__file__).parent / "dynamics/states_as_codes/tables.yaml")
    tables["lead"]["columns"] |= dict.fromkeys([*later, "new_rooms"], "STRING")
    found = source.source("dynamics", "p-123456.crm", columns(tables)).attributes
    assert set(found) & {*later, "new_rooms"} == {"new_rooms"}


@pytest.mark.parametrize("name", crm.CRMS)
def test_every_file_of_a_crm_is_whole(name: str) -> None:
    assert connector.crm(name)
    for shape in connector.connectors(name):
        for canonical, mapped in shape.tables.items():
            own = connector.COLUMNS[canonical].keys()
            assert set(mapped.columns) <= own, (shape.name, canonical)
            assert set(mapped.key) <= set(mapped.columns), (shape.name, canonical)


def test_a_key_that_is_missing_in_a_file_is_an_error() -> None:
    with pytest.raises(ValidationError, match="not_attributes"):
        connector.Crm.model_validate({"leads": "person"})
    with pytest.raises(ValidationError, match="fingerprint"):
        connector.Connector.model_validate({"name": "any", "tables": {}})


TOY = {
    "crm.json": {
        "leads": "entry", "attributes_of": "entry", "entry_attributes": {},
        "not_attributes": ["id"],
        "long_ids": False, "labelled": "",
    },
    "export.json": {
        "name": "its own export",
        "fingerprint": {"Inquiries": ["Number", "AskedOn"]},
        "tables": {
            "entry": {
                "table": ["Inquiries"], "optional": False, "key": ["id"], "latest": ["ChangedOn"],
                "columns": {"id": ["Number"], "created": ["AskedOn"], "deal_id": ["OrderNumber"]},
            },
            "deal": {
                "table": ["Orders"], "optional": False, "key": ["id"], "latest": [],
                "columns": {
                    "id": ["Number"], "created": ["OrderedOn"], "won_at": ["PaidOn"],
                    "status": ["State"], "amount": ["Total"],
                },
            },
        },
        "labels": {},
    },
}  # fmt: skip


def test_a_crm_made_by_the_recipe_alone_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warehouse: QuickWarehouse, dataset: str
) -> None:
    """A folder with crm.json and one file for a loader's shape: no Python, no SQL."""
    folder = tmp_path / "toy"
    folder.mkdir()
    for name, document in TOY.items():
        (folder / name).write_text(json.dumps(document), encoding="utf-8")
    monkeypatch.setattr(connector, "_FOLDER", tmp_path)
    tables = {
        "Inquiries": {
            "columns": {"Number": "INTEGER", "AskedOn": "DATE", "OrderNumber": "INTEGER",
                        "ChangedOn": "DATE", "GA_Client_ID": "STRING", "Topic": "STRING"},
            "rows": [[1, "2026-01-01", None, "2026-01-01", "1.2", "Roof"],
                     [1, "2026-01-01", 7, "2026-01-05", "1.2", "Roof"]],
        },
        "Orders": {
            "columns": {"Number": "INTEGER", "OrderedOn": "DATE", "PaidOn": "DATE",
                        "State": "STRING", "Total": "FLOAT"},
            "rows": [[7, "2026-01-05", "2026-01-09", "Won", 80.0]],
        },
    }  # fmt: skip
    load(warehouse, dataset, tables)
    built = source.source("toy", dataset, columns(tables))
    (lead,), (deal,) = warehouse.rows(built.leads), warehouse.rows(built.deals)
    assert (lead["lead_id"], lead["client_id"], lead["Topic"]) == ("1", "1.2", "Roof")
    assert (deal["lead_id"], deal["status"], deal["deal_value"]) == ("1", "won", 80.0)
    assert built.attributes == ("Topic",)


def test_a_definition_takes_whatever_crm_there_is() -> None:
    for name in crm.CRMS:
        assert CrmSource(type="crm", crm=name, dataset="p-123456.crm").crm == name
    with pytest.raises(ValidationError, match=f"there are: {', '.join(crm.CRMS)}"):
        CrmSource(type="crm", crm="toy", dataset="p-123456.crm")
