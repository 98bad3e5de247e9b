"""The column contract: what is missing, misspelled, mistyped or too much, and the text to write."""

from __future__ import annotations

from typing import Any

import pytest

from common.model.contract import Column, Output, cast, contract, problems, spelled
from common.model.findings import Finding
from tests import judge

PARAMS = {
    "name": "params",
    "type": "RECORD",
    "mode": "REPEATED",
    "fields": [{"name": "key", "type": "STRING"}, {"name": "value", "type": "STRING"}],
}
# As the API spells types, and as some clients do.
SOURCES = (
    "STRING INTEGER FLOAT NUMERIC BIGNUMERIC BOOLEAN DATE DATETIME TIMESTAMP JSON BYTES".split()
)

# No cast makes sense of these: another column has to be returned.
IMPOSSIBLE = {
    *((source, "created") for source in ("BOOLEAN", "BYTES")),
    *((source, "value") for source in ("DATE", "DATETIME", "TIMESTAMP", "BYTES")),
    *((source, "is_qualified") for source in ("DATE", "DATETIME", "TIMESTAMP", "BYTES")),
}


def column(name: str, type_: str, mode: str = "NULLABLE") -> dict[str, Any]:
    return {"name": name, "type": type_, "mode": mode}


SOUND = [column("id", "STRING"), column("client_id", "STRING"), column("created", "TIMESTAMP")]


def answered(*columns: dict[str, Any], **asked: Any) -> dict[str, Finding]:
    return {finding.code: finding for finding in problems([*SOUND, *columns], **asked)}


def test_the_contract_holds_its_columns_with_type_description_and_example() -> None:
    for kind in ("conversion", "leads", "deals"):
        agreed = contract(kind)
        names = [each.name for each in agreed.columns]
        assert len(set(names)) == len(names)
        for each in agreed.columns:
            assert each.description.endswith(".")
            assert each.example
    assert contract().required == ("id", "created")
    assert contract().one_of == (("client_id", "lead_id"),)


def test_a_sound_schema_has_no_problems() -> None:
    assert answered() == {}
    assert answered(PARAMS, column("value", "FLOAT64"), column("is_qualified", "BOOL")) == {}


@pytest.mark.parametrize("each", contract().columns, ids=lambda each: each.name)
def test_every_column_of_the_contract_is_accepted_in_its_type(each: Column) -> None:
    schema = {
        "name": each.name,
        "type": each.type,
        "mode": each.mode,
        "fields": list(each.fields),
    }
    rest = [one for one in SOUND if one["name"] != each.name]
    assert problems([*rest, schema]) == []


def test_a_lead_id_stands_in_for_a_client_id() -> None:
    schema = [column("id", "STRING"), column("lead_id", "STRING"), column("created", "TIMESTAMP")]
    assert problems(schema) == []
    (finding,) = problems([schema[0], schema[2]])
    assert "client_id or lead_id" in finding.message


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("clientId", "client_id"),
        ("ClientID", "client_id"),
        ("ga_client_id", "client_id"),
        ("user_pseudo_id", "client_id"),
        ("created_at", "created"),
        ("create_date", "created"),
        ("createed", "created"),
        ("transaction_id", "id"),
        ("conversion_id", "id"),
    ],
)
def test_a_near_miss_of_a_needed_column_is_answered_with_the_name(written: str, meant: str) -> None:
    schema = [one for one in SOUND if one["name"] != meant] + [column(written, "STRING")]
    outputs = [Output(one["name"], text=f"o.{one['name']}") for one in schema]
    (finding,) = problems(schema, outputs=outputs)
    assert finding.code == "misspelled_column"
    assert finding.fix == f"o.{written} AS {meant}"


@pytest.mark.parametrize(
    ("written", "meant"),
    [("revenue", "value"), ("currencyCode", "currency"), ("isQualified", "is_qualified")],
)
def test_a_near_miss_of_an_optional_column_is_too(written: str, meant: str) -> None:
    finding = answered(column(written, "STRING"))["misspelled_column"]
    assert f"Did you mean {meant}?" in finding.message


def test_a_column_already_there_is_nobodys_meaning() -> None:
    assert "unknown_column" in answered(column("clientId", "STRING"))


def test_extra_columns_are_refused_unless_they_are_features() -> None:
    extra = column("visits", "INTEGER")
    assert "unknown_column" in answered(extra)
    assert answered(extra, features=True) == {}
    leads = [column("lead_id", "STRING"), column("created", "TIMESTAMP"), extra]
    assert problems(leads, "leads") == []


@pytest.mark.parametrize(
    "feature", [column("visits", "INTEGER", "REPEATED"), column("x", "RECORD"), column("g", "JSON")]
)
def test_a_feature_is_one_plain_value(feature: dict[str, Any]) -> None:
    assert "feature_type" in answered(feature, features=True)


def test_a_bare_null_is_left_out_rather_than_cast() -> None:
    null = Output("currency", "NULL", is_null=True)
    finding = answered(column("currency", "INTEGER"), outputs=[null])["null_column"]
    assert finding.fix == "Remove `NULL AS currency` from the SELECT list."


def test_numbers_are_widened_with_a_word() -> None:
    for type_ in ("INTEGER", "NUMERIC", "BIGNUMERIC"):
        assert answered(column("value", type_))["implicit_cast"].severity == "info"
    assert answered(column("value", "STRING"))["wrong_type"].severity == "error"


def test_names_that_differ_in_case_alone_are_the_same() -> None:
    assert "duplicate_column" in answered(column("ID", "STRING"))


def test_a_column_without_a_name_is_reported_with_its_expression() -> None:
    outputs = [Output(one["name"]) for one in SOUND] + [Output("", text="total * 2")]
    finding = answered(column("f0_", "FLOAT"), outputs=outputs)["anonymous_column"]
    assert finding.fix == "Name it: total * 2 AS value"


@pytest.mark.parametrize(
    "shape",
    [
        column("params", "STRING"),
        {**PARAMS, "mode": "NULLABLE"},
        {**PARAMS, "fields": [{"name": "key", "type": "STRING"}]},
        {**PARAMS, "fields": [PARAMS["fields"][0], {"name": "value", "type": "INTEGER"}]},
        {**PARAMS, "fields": [{"name": "name", "type": "STRING"}, PARAMS["fields"][1]]},
    ],
)
def test_params_is_an_array_of_key_and_value(shape: dict[str, Any]) -> None:
    finding = answered(shape)["params_shape"]
    assert "ARRAY<STRUCT<key STRING, value STRING>>" in finding.message


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", ["id", "created", "value", "is_qualified"])
def test_the_cast_to_write_is_googlesql_and_gives_the_wanted_type(name: str, source: str) -> None:
    wanted = contract().column(name)
    assert wanted
    given = column("given", source)
    if spelled(given) == wanted.sql_type:
        return
    expression = cast(wanted, given, "t.given", "Europe/London")
    if (source, name) in IMPOSSIBLE:
        assert expression.startswith(f"... AS {name}, {wanted.sql_type}")
        return
    (output,) = judge.analyze(f"SELECT {expression} FROM p.d.t AS t", {"p.d.t": [given]})
    assert (output.name, output.type) == (name, wanted.sql_type)


@pytest.mark.parametrize(
    ("text", "function"),
    [
        ("created_ms", "TIMESTAMP_MILLIS"),
        ("property_createdate", "TIMESTAMP_MILLIS"),
        ("event_timestamp", "TIMESTAMP_MICROS"),
        ("created_micros", "TIMESTAMP_MICROS"),
        ("created_seconds", "TIMESTAMP_SECONDS"),
        ("created_unix", "TIMESTAMP_SECONDS"),
        ("created_milliseconds", "TIMESTAMP_MILLIS"),
    ],
)
def test_the_unit_of_an_epoch_is_read_off_its_name(text: str, function: str) -> None:
    wanted = contract().column("created")
    assert wanted
    offered = cast(wanted, column("created", "INTEGER"), text, "UTC")
    assert offered == f"{function}({text}) AS created"


@pytest.mark.parametrize(
    ("text", "source", "zone"),
    [
        ("DATETIME(paid_at, 'Europe/Berlin')", "DATETIME", "Europe/Berlin"),
        ("DATE(paid_at, 'Asia/Tokyo')", "DATE", "Asia/Tokyo"),
        ("o.paid_at", "DATETIME", "Europe/London"),
        ("DATETIME(DATE '2026-01-01')", "DATETIME", "Europe/London"),
    ],
)
def test_a_local_time_is_read_in_the_zone_that_it_was_brought_into(
    text: str, source: str, zone: str
) -> None:
    wanted = contract().column("created")
    assert wanted
    written = cast(wanted, column("created", source), text, "Europe/London")
    assert written == f"TIMESTAMP({text}, '{zone}') AS created"


def test_the_date_of_a_ga4_event_is_read_by_its_own_form() -> None:
    wanted = contract().column("created")
    assert wanted
    written = cast(wanted, column("created", "STRING"), "e.event_date", "UTC")
    assert written == "PARSE_TIMESTAMP('%Y%m%d', e.event_date, 'UTC') AS created"
