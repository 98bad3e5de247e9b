"""What a definition must pass before it is saved: its events, its patterns, its SQL, its target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from common.bigquery.sql import template, with_parameters
from common.catalog.definitions import DefinitionVersion
from common.catalog.prediction_targets import TARGET_DAYS, targets
from common.errors import UserError
from common.ga4 import readiness
from common.kinds.conversion import Conversion
from common.kinds.scoring import CrmSource, QuerySource, RowsSource, filtered
from common.model.filters import All, Any_, Condition, Filter
from common.model.findings import Finding, is_refused
from functions.api.definitions import crm, events
from functions.api.services import Services


@dataclass(frozen=True)
class Checked:
    """A definition that may be saved: the tables that its SQL reads, and what is worth knowing."""

    referenced_tables: tuple[str, ...]
    remarks: list[Finding]


def check(
    draft: Conversion,
    definitions: Mapping[str, DefinitionVersion],
    services: Services,
    *,
    allow_unknown_event: bool,
) -> Checked:
    """What the draft reads, and what to know about it; raises UserError when it could not run."""
    _check_patterns(draft, services)
    remarks = _unknown_events(draft, services, allow_unknown_event)
    tables, findings = _queries(draft, services)
    _target(draft, definitions, services)
    lacking = _export(draft, services)
    if lacking:
        # said with what to do about it; that no event could be looked up follows from it
        remarks = [remark for remark in remarks if remark.code != "no_ga4_export"]
    return Checked(tables, [*lacking, *remarks, *findings])


def patterns(filter: Filter | None) -> Iterator[str]:
    """The regular expressions in a filter."""
    match filter:
        case All(all=parts) | Any_(any=parts):
            for part in parts:
                yield from patterns(part)
        case Condition(operator="matches_regex" | "not_matches_regex", value=value):
            yield str(value)


def _check_patterns(draft: Conversion, services: Services) -> None:
    for pattern in sorted(set(patterns(draft.event_filter()))):
        try:
            # BigQuery judges it: RE2 and Python's re disagree about look-around and back references
            list(services.warehouse.rows(with_parameters(template(__file__), pattern=pattern)))
        except UserError as error:
            raise UserError(
                f"{pattern!r} is no regular expression: {error.detail[:300]}",
                code="bad_pattern",
                fix=r"Write it in RE2 syntax; a literal . or ( needs a backslash: \. or \(",
                field="filters",
            ) from error


def _unknown_events(draft: Conversion, services: Services, allowed: bool) -> list[Finding]:
    if not draft.events():
        return []
    found = events.unknown(draft, events.seen(services.warehouse))
    # an event may be named before the shop sends it first
    if is_refused(found) and not allowed:
        raise UserError(
            " ".join(finding.message for finding in found),
            code="unknown_event",
            fix=found[0].fix,
            field=found[0].field,
            problems=[finding.document() for finding in found],
        )
    return found


def _export(draft: Conversion, services: Services) -> list[Finding]:
    """What stands in the way of counting the draft's events, in GA4's export as it is."""
    # what counts no event of GA4 needs no export
    if not draft.events():
        return []
    found = readiness.problems(services.warehouse)
    return [Finding(it.code, "warning", it.detail, it.fix) for it in found]


def _queries(draft: Conversion, services: Services) -> tuple[tuple[str, ...], list[Finding]]:
    """Tables and remarks of the draft's queries; raises UserError when one may not be saved."""
    scoring = draft.scoring()
    if scoring and isinstance(scoring.source, CrmSource):
        return crm.checked(scoring.source, scoring, services.runner)
    if not draft.queries():
        return (), []
    # the guard's parser is imported only where SQL is saved, for quick cold starts
    from functions.api.definitions import queries

    judged = [
        queries.judged(query, services.runner, services.yesterday) for query in draft.queries()
    ]
    if scoring and isinstance(scoring.source, RowsSource) and "user_id" not in judged[0].columns:
        raise UserError(
            "The query returns no user_id, which ties this conversion to its target and must be "
            "the same identifier in both.",
            code="predicted_value_unavailable",
            fix="Return the person's id in the CRM in both conversions: customer_id AS user_id",
            field="sql",
        )
    if scoring and isinstance(scoring.source, QuerySource):
        # the leads' query comes first
        filtered(scoring.lead_filters, judged[0].columns)
    tables = sorted({table for one in judged for table in one.tables})
    return tuple(tables), [finding for one in judged for finding in one.findings]


def _target(
    draft: Conversion, definitions: Mapping[str, DefinitionVersion], services: Services
) -> None:
    """Raises UserError when a value is predicted that nothing could be learnt for."""
    scoring = draft.scoring()
    if scoring is None or scoring.target is None:
        return
    possible = targets(services.warehouse, definitions.values(), services.yesterday, draft.id)
    # it is among them: `graph.check` has refused what is unknown, archived or cannot run
    target = next(target for target in possible if target.id == scoring.target)
    if target.reason:
        raise UserError(
            f"Nothing can be predicted yet for {target.id!r}. {target.reason}",
            code="ineligible_target",
            fix=f"Run the target first: it needs user_id and a conversion in {TARGET_DAYS} days.",
            field=draft.named()[target.id],
        )
