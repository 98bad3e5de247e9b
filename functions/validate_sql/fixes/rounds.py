"""Every fault of a text in one answer: what can be mended is, and the text is read on.

A reader stops at the first thing that it cannot read. So each replacement is put in, the new text
is judged, and what is found in it is reported at its place in the text as it was sent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from common.guard.judge import Verdict, judge
from common.guard.names.scope import Scope
from common.model.findings import Finding
from functions.validate_sql.fixes.apply import Edited, edited
from functions.validate_sql.fixes.script import as_query

# a round mends all that one reading finds; more only come of texts made to be wrong
MAXIMUM_ROUNDS = 12
MAXIMUM_READ = 100_000
"""Characters, all rounds together: a longer text is read once, and what mends it once more."""
_OF_SCRIPTS = frozenset({"declare", "script", "changes_schema"})


@dataclass(frozen=True)
class Mended:
    """A text after all that a program could mend in it, and every finding on the way.

    `verdict` is on the mended text, whose findings stand here as well.
    """

    text: str
    verdict: Verdict
    findings: tuple[Finding, ...]
    steps: tuple[Edited, ...]

    def relocated(self, finding: Finding) -> Finding:
        """A finding about the mended text, at its place in the text as it was sent."""
        for step in reversed(self.steps):
            finding = step.relocated(finding)
        return finding


def mended(sql: str, allowed: Scope) -> Mended:
    """The text as it is, when it may run; else with each replacement that helps put in."""
    known = Mended(sql, judge(sql, allowed), (), ())
    findings = list(known.verdict.findings)
    if is_script(known.verdict) and (query := as_query(sql)):
        text = query.text.strip()
        findings = [replace(it, fix=text) if it.code in _OF_SCRIPTS else it for it in findings]
        known = Mended(query.text, judge(query.text, allowed), (), (query,))
        findings += map(known.relocated, known.verdict.findings)
    # a long text is judged fewer times: each judgement takes its length in time
    for _ in range(max(1, min(MAXIMUM_ROUNDS, MAXIMUM_READ // (len(sql) + 1)))):
        errors = [it for it in known.verdict.findings if it.severity == "error"]
        made = edited(known.text, errors)
        if not errors or not made.edits:
            break
        after = judge(made.text, allowed)
        # the replacement changed nothing that is said, and would be put in for ever
        if _faults(after) == _faults(known.verdict):
            break
        known = Mended(made.text, after, (), (*known.steps, made))
        findings += [known.relocated(finding) for finding in after.findings]
    return replace(known, findings=tuple(_first_of_each(findings)))


def is_script(verdict: Verdict) -> bool:
    """Whether the text is refused for being a script or a statement that makes a table."""
    return any(finding.code in _OF_SCRIPTS for finding in verdict.findings)


def _faults(verdict: Verdict) -> list[tuple[str, str]]:
    return [(finding.code, finding.message) for finding in verdict.findings]


def _first_of_each(findings: list[Finding]) -> list[Finding]:
    """Without what a later round only tells again, perhaps of more than its own place."""
    first: dict[tuple[str, str, int | None, int | None], Finding] = {}
    lines: set[tuple[str, str, int | None]] = set()
    for finding in findings:
        is_placed = finding.replacement is not None or finding.end_column is None
        if is_placed or (finding.code, finding.message, finding.line) not in lines:
            key = (finding.code, finding.message, finding.line, finding.column)
            first.setdefault(key, finding)
        lines.add((finding.code, finding.message, finding.line))
    return list(first.values())
