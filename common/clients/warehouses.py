"""BigQuery from the settings, under one identity or two."""

from __future__ import annotations

from google.cloud import bigquery

from common.bigquery.warehouse import JOB_SECONDS, Warehouse
from common.settings import Settings


def warehouse(settings: Settings, job_seconds: int = JOB_SECONDS) -> Warehouse:
    """BigQuery under the function's own identity; a job runs for at most `job_seconds`."""
    client = bigquery.Client(project=settings.project, location=settings.location)
    return Warehouse(client, settings, job_seconds)


def warehouses(settings: Settings, job_seconds: int = JOB_SECONDS) -> tuple[Warehouse, Warehouse]:
    """BigQuery under the function's own identity, and under the one that may run users' SQL.

    They are the same unless the settings name an account to impersonate.
    """
    # users' SQL must not reach the product's own tables: another account runs it
    own = warehouse(settings, job_seconds)
    if not settings.sql_runner:
        return own, own
    # impersonation is imported only where it is used, for quick cold starts
    from common.bigquery.runner import credentials_of_runner

    client = bigquery.Client(
        project=settings.project,
        location=settings.location,
        credentials=credentials_of_runner(settings),
    )
    return own, Warehouse(client, settings, job_seconds)
