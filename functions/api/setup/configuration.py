"""What the product is set up with, and the grants that it still needs, as ready commands."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from common.http.model import Model
from common.http.request import Ask, Nothing
from common.settings import Settings
from functions.api.services import Services

READER = "roles/bigquery.dataViewer"


class Grant(Model):
    """A right that an account needs, as a command for whoever owns the dataset."""

    account: str
    role: str
    on: str = Field(description="project.dataset.")
    command: str = Field(description="For a shell with the bq tool.")


class Configuration(Model):
    """Settings that decide what is computed."""

    project: str
    dataset: str
    location: str
    timezone: str
    currency: str
    yesterday: date
    ga4_datasets: list[str]
    source_datasets: list[str]
    rates_table: str = Field(description="Empty where amounts are in one currency.")
    maximum_bytes_billed: int = Field(description="Byte cap of a single query.")
    price_per_tebibyte: float = Field(description="USD, for estimates.")
    grants: list[Grant]


def settings(ask: Ask[Nothing, None], services: Services) -> Configuration:
    """Read the settings, and the grants that sources need as ready commands."""
    known = services.settings
    return Configuration(
        project=known.project,
        dataset=known.dataset,
        location=known.location,
        timezone=known.timezone,
        currency=known.currency,
        yesterday=services.yesterday,
        ga4_datasets=list(known.ga4_datasets),
        source_datasets=list(known.source_datasets),
        rates_table=known.rates_table,
        maximum_bytes_billed=known.maximum_bytes_billed,
        price_per_tebibyte=known.price_per_tebibyte,
        grants=grants(known),
    )


def grants(known: Settings) -> list[Grant]:
    """What the account that runs users' SQL must be granted on each source."""
    if not known.sql_runner:
        return []
    member = f"serviceAccount:{known.sql_runner}"
    return [
        Grant(
            account=known.sql_runner,
            role=READER,
            on=dataset,
            command=(
                # in SQL: bq's own add-iam-policy-binding takes tables and views alone
                f"bq query --use_legacy_sql=false 'GRANT `{READER}` ON SCHEMA `{dataset}`"
                f' TO "{member}"\''
            ),
        )
        # a dataset may be both, and needs its grant once
        for dataset in dict.fromkeys([*known.source_datasets, *known.ga4_datasets])
    ]
