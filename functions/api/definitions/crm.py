"""A CRM before its leads are scored: its dataset may be read and holds what its queries need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from common.bigquery.warehouse import Warehouse
from common.crm import source
from common.crm.identifiers import Found
from common.crm.unheard import Unheard
from common.errors import NotFoundError, UserError
from common.kinds.scoring import CrmSource, Scoring, filtered, preferences
from common.model.findings import Finding

FIELD = "source.dataset"
OF_SITE = "site_"
"""What a lead did on the site before is called so, and is no column of the CRM."""


def checked(
    crm: CrmSource, scoring: Scoring, runner: Warehouse
) -> tuple[tuple[str, ...], list[Finding]]:
    """The tables that the scoring reads, as project.dataset.table, and which columns hold what.

    Raises UserError when the dataset may not be read or does not hold what was named.
    """
    # before anything of it is read: a name must not tell whether such a dataset exists
    _check_allowed(crm.dataset, runner.settings.source_datasets)
    said = preferences(crm, scoring.milestone)
    try:
        read = source.read(runner, crm.crm, crm.dataset, said)
    except NotFoundError as error:
        raise UserError(
            error.detail, code=error.code, fix=error.fix, field=_FIELDS.get(error.code, FIELD)
        ) from error
    filtered(scoring.lead_filters, read.lead_columns)
    tables = tuple(f"{crm.dataset}.{name}" for name in read.tables)
    named = (*scoring.excluded_attributes, *scoring.confirmed_attributes)
    return tables, [
        *_columns(read.columns),
        *map(_unheard, read.unheard),
        *_no_attributes(named, read.attributes),
    ]


_FIELDS = {
    "crm_column_unknown": "source.columns",
    "crm_moment_unknown": "milestone.at",
    "crm_stage_unknown": "milestone.stages",
}


def _no_attributes(named: Iterable[str], there: tuple[str, ...]) -> Iterator[Finding]:
    """Names of attributes that no lead has: to exclude or to confirm them does nothing."""
    for name in named:
        if name in there or name.startswith(OF_SITE):
            continue
        near = get_close_matches(name, there, n=1)
        yield Finding(
            "attribute_unknown",
            "warning",
            f"Leads have no attribute {name}, so that excluding or confirming it does nothing.",
            f"Did you mean {near[0]}?" if near else "The card of the model lists the attributes.",
            field="excluded_attributes",
        )


def _unheard(said: Unheard) -> Finding:
    fields = {"stages": "milestone.stages", "reached": "milestone.values"}
    field = fields.get(said.name, f"source.columns.{said.name}.values")
    return Finding("crm_word_unseen", "warning", said.message, said.fix, field=field)


def _columns(found: Iterable[Found]) -> Iterator[Finding]:
    """What a person should see before saving: each column that is read, and what lacks."""
    listed = list(found)
    for each in listed:
        yield _seen(each)
    if "client_id" not in {each.name for each in listed}:
        yield Finding(
            "no_client_id_column",
            "warning",
            "No column of the CRM is called a client id or holds client ids, so that no lead can "
            "be attributed to a visit.",
            "Name the column (source.columns.client_id), or let the form write Google Analytics' "
            "client id into a field of the CRM.",
            field="source.columns.client_id",
        )


def _seen(found: Found) -> Finding:
    place = f"{found.table}.{found.column}"
    message = f"{place} is read as {found.name}: {_HOW[found.by]}"
    if found.content is None or found.name not in found.content.looking:
        return Finding("column_found", "info", f"{message}.", field=f"source.columns.{found.name}")
    filled, alike = found.content.filled, found.content.looking[found.name]
    # an empty column tells nothing against it
    doubtful = filled > 0 and alike < filled / 2
    return Finding(
        "column_doubtful" if doubtful else "column_found",
        "warning" if doubtful else "info",
        f"{message}; {alike} of its {filled} values look like one.",
        f"Name another column (source.columns.{found.name}) if this one holds something else.",
        field=f"source.columns.{found.name}",
    )


_HOW = {"definition": "as named", "name": "by its name", "content": "by what it holds"}


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
