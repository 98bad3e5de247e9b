"""The environment of a deployed function, read once at its entry point and frozen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

PREFIX = "CONVERSIONS_"


def _listed(text: object) -> object:
    return (
        tuple(part.strip() for part in text.split(",") if part.strip())
        if isinstance(text, str)
        else text
    )


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no IANA time zone such as Europe/London")
    return name


def _datasets(paths: tuple[str, ...]) -> tuple[str, ...]:
    for path in paths:
        # a project's id may stand behind its domain: shop.example:project
        if not re.fullmatch(r"(?:[a-z0-9.-]+:)?[a-z0-9-]+\.[A-Za-z0-9_]+", path):
            raise ValueError(f"{path!r} is no project.dataset such as shop.analytics_123456789")
    # one that is named twice would be read twice
    return tuple(dict.fromkeys(paths))


Listed = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Datasets = Annotated[Listed, AfterValidator(_datasets)]


class Settings(BaseModel):
    """One field per environment variable CONVERSIONS_<FIELD>; lists are separated by commas."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    project: str = Field(description="Google Cloud project that runs the product.")
    location: str = Field("EU", description="BigQuery location of every dataset involved.")
    dataset: str = Field("conversions", description="Dataset of the product's own tables.")
    staging_dataset: str = Field(
        "conversions_staging", description="Dataset of short-lived tables; expires by itself."
    )
    timezone: Annotated[str, AfterValidator(_known_zone)] = Field(
        "UTC", description="IANA time zone in which days begin and end."
    )
    currency: str = Field("USD", pattern="^[A-Z]{3}$", description="ISO 4217 project currency.")
    ga4_datasets: Datasets = Field(
        (), description="GA4 export datasets as project.dataset, one per property."
    )
    # off: streamed days lack attribution and disappear when the daily table comes
    ga4_streaming: bool = Field(
        False,
        description="Read a day as it was streamed (events_intraday_) where it has had no daily "
        "table for 72 hours; its conversions are not exported before the daily table lands.",
    )
    source_datasets: Datasets = Field(
        (), description="Datasets that users' SQL may read, as project.dataset."
    )
    authorized_views: Listed = Field(
        (),
        description="Views, as project.dataset.view in one of these datasets, that may show users' "
        "SQL tables of other datasets.",
    )
    rates_table: str = Field(
        "", description="Table of exchange rates (date, currency, rate to the project currency)."
    )
    # BigQuery bills 10 MB of each table at least, so that a smaller cap refuses every query
    maximum_bytes_billed: int = Field(
        200 * 1024**3, ge=10 * 1024**2, description="Byte cap of a single query."
    )
    price_per_tebibyte: float = Field(
        6.25, ge=0, description="On-demand price in USD, for estimates shown to people."
    )
    slots: int = Field(
        0, ge=0, description="Slots reserved for the project; 0 is on demand. For estimates."
    )
    price_per_slot_hour: float = Field(
        0.06, ge=0, description="Price of a reserved slot in USD an hour, for estimates."
    )
    sql_runner: str = Field(
        "", description="Service account to impersonate for users' SQL; empty: the function's own."
    )
    cors_origins: Listed = Field((), description="Exact origins that browsers may call from.")
    token_audience: str = Field(
        "", description="Audience of end users' ID tokens; empty: the platform checks the caller."
    )
    token_domain: str = Field(
        "", description="Domain (claim hd) that end users must belong to; empty: any."
    )
    iap_audience: str = Field(
        "",
        description="Audience of the assertions of Identity-Aware Proxy before the console:"
        " /projects/NUMBER/locations/REGION/services/SERVICE.",
    )
    viewers: Listed = Field(
        (), description="Accounts that may look: e-mail addresses and domain:shop.com."
    )
    editors: Listed = Field((), description="Accounts that may also save and try definitions.")
    operators: Listed = Field(
        (), description="Accounts that may also run, replay, schedule and see personal data."
    )
    topic_runs: str = Field("runs", description="Topic of run requests.")
    topic_tasks: str = Field("tasks", description="Topic of work for one conversion.")
    topic_materialized: str = Field("materialized", description="Topic of finished conversions.")
    scheduler_endpoint: str = Field(
        "", description="Address of Cloud Scheduler when it is not Google's own."
    )
    # Cloud Scheduler has regions only, where BigQuery has the EU
    scheduler_location: str = Field("europe-west1", description="Region of the scheduler jobs.")
    platform_endpoints: Listed = Field(
        (), description="Addresses to use for ad platforms' hosts, as https://host=http://address."
    )

    function_urls: Listed = Field(
        (), description="Addresses of the functions behind the console, as name=address."
    )
    local_user: str = Field(
        "", description="Who uses a machine of one's own, where nobody signs in; never in a cloud."
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Settings from CONVERSIONS_* variables; raises ValidationError naming the bad ones.

        Raises ValueError for a local user where Cloud Run runs the function (it sets K_SERVICE):
        there everybody would be that user.
        """
        if environment.get("K_SERVICE") and environment.get(f"{PREFIX}LOCAL_USER"):
            raise ValueError(f"{PREFIX}LOCAL_USER is for a machine of one's own; unset it here.")
        return cls.model_validate(
            {
                name.removeprefix(PREFIX).lower(): value
                for name, value in environment.items()
                if name.startswith(PREFIX)
            }
        )
