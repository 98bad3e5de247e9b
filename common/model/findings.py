"""What is wrong with a query, told so that its author can mend it from the message alone."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypedDict

Severity = Literal["error", "warning", "info"]


class Rule(TypedDict):
    """One code of the catalogue: how grave it is, what it means, and a query that shows it."""

    severity: Severity
    title: str
    why: str
    example: str


@dataclass(frozen=True)
class Position:
    """A place in the text as its author sent it; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Finding:
    """One fault or remark: `message` says what and why, `fix` is the text to write."""

    code: str
    severity: Severity
    message: str
    fix: str = ""
    line: int | None = None
    column: int | None = None
    field: str | None = None

    @property
    def anchor(self) -> str:
        """Where the documentation explains this code."""
        return f"functions/validate_sql/FINDINGS.md#{self.code}"

    def document(self) -> dict[str, object]:
        """The finding as the JSON object that the frontend shows."""
        return {**asdict(self), "documentation": self.anchor}


@cache
def catalogue() -> dict[str, Rule]:
    """Every code there is; the order is the order of the checks."""
    text = Path(__file__).with_suffix(".json").read_text(encoding="utf-8")
    rules: dict[str, Rule] = json.loads(text)
    return rules


def found(
    code: str,
    message: str,
    fix: str = "",
    *,
    at: Position | None = None,
    field: str | None = None,
) -> Finding:
    """A finding of the catalogue's severity; raises KeyError for a code that is not in it."""
    severity = catalogue()[code]["severity"]
    if at is None:
        return Finding(code, severity, message, fix, field=field)
    return Finding(code, severity, message, fix, at.line, at.column, field)


def is_refused(findings: Iterable[Finding]) -> bool:
    """Whether any finding is an error."""
    return any(finding.severity == "error" for finding in findings)
