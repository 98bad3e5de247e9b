"""Every fault of a text in one answer: what can be mended is, and the text is read on.

A reader stops at the first thing that it cannot read. So each replacement is put in, the new text
is judged, and what is found in it is told at its place in the text as it was sent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from common.guard.judge import Verdict, judge
from common.guard.names.scope import Scope
from common.model.findings import Finding
from functions.validate_sql.fixes.apply import Edited, edited

MAXIMUM_ROUNDS = 12


@dataclass(frozen=True)
class Mended:
    """A text after all that a program could mend in it, and every finding on the way.

    `verdict` is on the mended text, whose findings are told here as well.
    """

    text: str
    verdict: Verdict
    findings: tuple[Finding, ...]
    steps: tuple[Edited, ...]

    @property
    def is_changed(self) -> bool:
        """Whether anything was mended."""
        return bool(self.steps)

    def relocated(self, finding: Finding) -> Finding:
        """A finding about the mended text, at its place in the text as it was sent."""
        for step in reversed(self.steps):
            finding = step.relocated(finding)
        return finding


def mended(sql: str, allowed: Scope) -> Mended:
    """The text as it is, when it may run; else with each replacement that helps put in."""
    known = Mended(sql, judge(sql, allowed), (), ())
    findings = list(known.verdict.findings)
    for _ in range(MAXIMUM_ROUNDS):
        errors = [it for it in known.verdict.findings if it.severity == "error"]
        made = edited(known.text, errors)
        if not errors or not made.edits:
            break
        after = judge(made.text, allowed)
        if _faults(after) == _faults(known.verdict):
            break
        known = Mended(made.text, after, (), (*known.steps, made))
        findings += [known.relocated(finding) for finding in after.findings]
    return replace(known, findings=tuple(_first_of_each(findings)))


def _faults(verdict: Verdict) -> list[tuple[str, str]]:
    return [(finding.code, finding.message) for finding in verdict.findings]


def _first_of_each(findings: list[Finding]) -> list[Finding]:
    """Without what a later round only tells again."""
    first: dict[tuple[str, str, int | None, int | None], Finding] = {}
    for finding in findings:
        first.setdefault((finding.code, finding.message, finding.line, finding.column), finding)
    return list(first.values())
