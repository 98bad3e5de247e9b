"""A CRM before its leads are scored: its dataset may be read and holds what its queries need."""

from __future__ import annotations

from difflib import get_close_matches

from common.bigquery.warehouse import Warehouse
from common.crm import source
from common.errors import NotFoundError, UserError
from common.kinds.scoring import CrmSource

FIELD = "source.dataset"


def tables_of(crm: CrmSource, runner: Warehouse) -> tuple[str, ...]:
    """The tables that the scoring reads, as project.dataset.table; raises UserError otherwise."""
    _check_allowed(crm.dataset, runner.settings.source_datasets)
    try:
        return tuple(
            f"{crm.dataset}.{name}" for name in source.read(runner, crm.crm, crm.dataset).tables
        )
    except NotFoundError as error:
        raise UserError(error.detail, code=error.code, fix=error.fix, field=FIELD) from error


def _check_allowed(dataset: str, allowed: tuple[str, ...]) -> None:
    if dataset in allowed:
        return
    near = get_close_matches(dataset, allowed, n=1)
    listed = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(allowed) or 'none'}."
    raise UserError(
        f"The dataset {dataset} is not one that conversions may read.",
        code="table_not_allowed",
        fix=f"{listed} To allow it, add it to the source datasets of this deployment"
        " (CONVERSIONS_SOURCE_DATASETS).",
        field=FIELD,
    )
