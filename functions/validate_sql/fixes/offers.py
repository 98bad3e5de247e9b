"""The replacement for each finding about a column, and the proof that it helps.

A replacement is shown only when the text with it was judged: its finding is gone, no new error has
come, and the staged rows lose no value by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from common.bigquery.warehouse import Warehouse
from common.guard.judge import judge
from common.guard.names.scope import Scope
from common.model.contract import Kind, Output, contract, spelled
from common.model.findings import Finding
from common.untyped import JsonObject, Row
from functions.validate_sql.fixes import candidates, evidence
from functions.validate_sql.fixes.apply import applied
from functions.validate_sql.fixes.candidates import Candidate
from functions.validate_sql.profile.data_quality import READABLE
from functions.validate_sql.profile.profile import Answer, Profile

Faults = Callable[[str], set[tuple[str, str | None]] | None]
"""Code and field of every finding that BigQuery and the contract give rise to for a text; None when
they cannot say."""

_LOSSLESS = ("INT64", "BOOL", "DATE", "DATETIME", "NUMERIC", "BIGNUMERIC")
"""Types whose values survive any of the casts, so that no rows need to be looked at."""


@dataclass(frozen=True)
class Columns:
    """What is known of a query's columns: as written, by BigQuery's schema, and of their rows."""

    outputs: Sequence[Output]
    schema: Sequence[Row]
    kind: Kind
    timezone: str
    currency: str
    """The project's."""

    def output(self, name: str | None) -> Output | None:
        """The one place where the column is written, None when there are several or none."""
        # a column written in two SELECTs of a union has no single place to mend
        named = [it for it in self.outputs if name and it.name.lower() == name.lower()]
        only = named[0] if len(named) == 1 else None
        is_placed = only is not None and only.is_only and bool(only.text)
        return only if is_placed and only and only.at and only.at.end_line else None

    def source(self, name: str) -> str:
        """The column's GoogleSQL type, "" when unknown."""
        named = (column for column in self.schema if column["name"].lower() == name.lower())
        return next((spelled(column) for column in named), "")


def from_types(findings: Iterable[Finding], columns: Columns) -> list[Finding]:
    """The findings with the replacements that follow from the types alone."""
    return [_from_type(finding, columns) for finding in findings]


def from_rows(
    findings: Iterable[Finding], columns: Columns, profile: Profile, own: Warehouse, kept: Answer
) -> list[Finding]:
    """The findings with replacements whose readings hold for every staged row."""
    offered = []
    for finding in findings:
        output = columns.output(finding.field)
        wanted = _candidates(finding, columns, profile) if output else []
        found = evidence.reading(own, kept, (finding.field or "").lower(), wanted)
        if output and wanted:
            finding = _placed(finding, output, found) if found else _without_text(finding, output)
        offered.append(finding)
    return offered


def proved(text: str, findings: Sequence[Finding], allowed: Scope, faults: Faults) -> list[Finding]:
    """The findings, replacements kept where they help: one dry run when all do, else one each."""
    offering = [finding for finding in findings if finding.replacement is not None]
    # a dry run costs a second: none without something to prove
    before = faults(text) if offering else None
    # together first: of ten offers usually all help, and that is one dry run instead of ten
    if not offering or _helps(text, offering, allowed, before, faults):
        return list(findings)
    return [
        finding
        if finding.replacement is None or _helps(text, [finding], allowed, before, faults)
        else replace(finding, replacement=None)
        for finding in findings
    ]


def _helps(
    text: str,
    offering: Sequence[Finding],
    allowed: Scope,
    before: set[tuple[str, str | None]] | None,
    faults: Faults,
) -> bool:
    fixed = applied(text, offering)
    # what the guard refuses needs no dry run, and must not reach one
    old, new = judge(text, allowed), judge(fixed, allowed)
    if old.ok and not new.ok:
        return False
    static = {(it.code, it.message) for it in new.findings}
    if any((finding.code, finding.message) in static for finding in offering):
        return False
    # a text that was refused before may still be refused for another reason that has no fix
    after = faults(fixed) if new.ok else set()
    if after is None:
        return False
    gone = {(finding.code, finding.field) for finding in offering}
    return not (gone & after) and after <= (before or set())


def _from_type(finding: Finding, columns: Columns) -> Finding:
    output = columns.output(finding.field)
    if output is None or finding.code not in ("wrong_type", "implicit_cast", "misspelled_column"):
        return finding
    # the contract offers the right name already; only its place is missing
    if finding.code == "misspelled_column":
        at = output.at
        return replace(finding, replacement=finding.fix, **_end(at))
    listed = _candidates(finding, columns, None)
    # a cast of text may lose values; only its rows can tell, later
    is_sure = len(listed) == 1 and columns.source(output.name) in _LOSSLESS
    return _placed(finding, output, listed[0]) if is_sure else finding


def _candidates(finding: Finding, columns: Columns, profile: Profile | None) -> list[Candidate]:
    name = finding.field or ""
    if finding.code in ("wrong_type", "implicit_cast"):
        wanted = contract(columns.kind).column(name)
        known = columns.source(name), columns.timezone, columns.currency
        return candidates.of_type(wanted, *known) if wanted else []
    if profile is None:
        return []
    match finding.code:
        case "currency_code":
            return candidates.of_currency(profile, columns.currency)
        case "currency_case":
            return candidates.of_currency(profile, columns.currency) or candidates.of_case()
        case "client_id_format" if any(words in finding.message for words in READABLE):
            return candidates.of_client_id(profile)
        case "deal_status":
            return candidates.of_status(profile)
        case "personal_id":
            return candidates.of_address()
    return []


def _placed(finding: Finding, output: Output, found: Candidate) -> Finding:
    # as the author spells the column
    text = f"{found.of(output.text)} AS {output.name}"
    return replace(finding, fix=text, replacement=text, **_end(output.at))


def _without_text(finding: Finding, output: Output) -> Finding:
    """No reading holds for every row, so that no text is offered that would lose some of them."""
    if finding.code not in ("wrong_type", "client_id_format", "currency_code", "deal_status"):
        return finding
    return replace(
        finding,
        fix=f"No single expression reads every value of {output.text}: look at the sample, and "
        f"write one for each form that it has. {_WORDS.get(finding.code, '')}".rstrip(),
        replacement=None,
    )


_WORDS = {
    "currency_code": "CASE currency WHEN 'its text' THEN 'EUR' ELSE currency END AS currency",
    "deal_status": "CASE status WHEN 'its text' THEN 'won' ELSE 'open' END AS status",
    "client_id_format": "Values of another form stay as they are, rather than become NULL.",
}


def _end(at: Any) -> JsonObject:
    return {
        "line": at.line,
        "column": at.column,
        "end_line": at.end_line,
        "end_column": at.end_column,
    }
