"""Refused access: the exact role, dataset or project, and service account to grant."""

from __future__ import annotations

import pytest

from functions.validate_sql.engine.access import denied

ACCOUNT = "sql-runner@shop.iam.gserviceaccount.com"


@pytest.mark.parametrize(
    ("message", "grants"),
    [
        (
            "Access Denied: Table crm-project:sales.orders: User does not have permission to query "
            "table crm-project:sales.orders, or perhaps it does not exist.",
            [
                "GRANT `roles/bigquery.dataViewer` ON SCHEMA `crm-project.sales` "
                f"TO 'serviceAccount:{ACCOUNT}';",
            ],
        ),
        (
            "Access Denied: Dataset crm-project:sales: Permission bigquery.datasets.get denied",
            ["ON SCHEMA `crm-project.sales`", "roles/bigquery.dataViewer"],
        ),
        (
            "Access Denied: Project shop: User does not have bigquery.jobs.create permission in "
            "project shop.",
            ["add-iam-policy-binding shop ", "roles/bigquery.jobUser"],
        ),
        (
            "Access Denied: Dataset shop:staging: Permission bigquery.tables.create denied on it",
            ["GRANT `roles/bigquery.dataEditor` ON SCHEMA `shop.staging`"],
        ),
        ("Access Denied: something new", ["ON SCHEMA `crm-project.sales`"]),
        (
            "Access Denied: BigQuery BigQuery: Permission denied while getting Drive credentials.",
            [f"Share the spreadsheet with {ACCOUNT}"],
        ),
    ],
)
def test_the_grant_is_written_out(message: str, grants: list[str]) -> None:
    finding = denied(message, ["crm-project.sales.orders"], ACCOUNT, "shop")
    assert ACCOUNT in finding.message
    for grant in grants:
        assert grant in finding.fix


def test_an_account_that_cannot_be_found_leaves_a_gap_to_fill() -> None:
    finding = denied("Access Denied: Table a-b:c.d: no", [], "", "shop")
    assert "serviceAccount:ACCOUNT" in finding.fix
    assert "the service account" in finding.message
