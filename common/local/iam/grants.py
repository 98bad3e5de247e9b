"""The grants that Terraform plans for its example environment, under the names of this machine.

`grants.txt` is recorded; tests/terraform compares it with the plan of envs/prod.tfvars.example.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from common.local.iam.policy import Grant, Policy, Resource, parsed
from common.settings import Settings

RECORDED = Path(__file__).with_name("grants.txt")

_PROJECT = "shop-conversions"
_PREFIX = "conversions-prod-"
_GA4 = ("shop-conversions.analytics_123456789",)
_SOURCES = ("shop-conversions.hubspot", "shop-crm.salesforce")
_RATES = ("shop-conversions.finance",)
_ACCOUNT = re.compile(rf"(?:\w+-)?prod-([\w-]+)@{_PROJECT}\.iam")

ACCOUNTS = "iam.gserviceaccount.com"


def account(name: str, project: str) -> str:
    """E-mail of one of the product's own accounts on this machine."""
    return f"{name}@{project}.{ACCOUNTS}"


def recorded(root: Path) -> list[str]:
    """The lines of the recorded file of the repository at `root`."""
    file = root / RECORDED.relative_to(RECORDED.parents[3])
    return file.read_text("utf-8").splitlines()


def local_policy(settings: Settings, lines: Iterable[str]) -> Policy:
    """The grants of these recorded lines as they hold for the settings."""
    granted = frozenset(grant for line in lines for grant in _localised(line, settings))
    owner = account("owner", settings.project)
    return Policy(settings.project, owner, granted, settings.location)


def _localised(line: str, settings: Settings) -> Iterator[Grant]:
    shown = parsed(line)
    found = _ACCOUNT.match(shown.account)
    email = account(found[1], settings.project) if found else shown.account
    kind, name = shown.resource.kind, shown.resource.name
    for local in _names(kind, name, settings):
        yield Grant(email, shown.role, Resource(kind, local))


def _names(kind: str, name: str, settings: Settings) -> Iterable[str]:
    if kind == "dataset":
        return _datasets(name, settings)
    if kind == "table":
        dataset, _, table = name.rpartition(".")
        return [f"{local}.{table}" for local in _datasets(dataset, settings)]
    if kind == "project":
        return [settings.project if name == _PROJECT else name]
    if kind == "account":
        return [account(_account_of(name), settings.project)]
    return [name.removeprefix(_PREFIX)]


def _datasets(name: str, settings: Settings) -> tuple[str, ...]:
    own = {
        f"{_PROJECT}.conversions_prod": settings.dataset,
        f"{_PROJECT}.conversions_prod_staging": settings.staging_dataset,
    }
    if name in own:
        return (f"{settings.project}.{own[name]}",)
    if name in _GA4:
        return settings.ga4_datasets
    if name in _RATES:
        return (settings.rates_table.rpartition(".")[0],) if settings.rates_table else ()
    return settings.source_datasets if name in _SOURCES else ()


def _account_of(reference: str) -> str:
    """sql-runner of google_service_account.sql_runner[0]."""
    return reference.split(".")[1].partition("[")[0].replace("_", "-")
