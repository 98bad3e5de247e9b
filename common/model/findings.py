"""What is wrong with a query, worded so that its author can mend it from the message alone."""

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
    """A place in the text as its author sent it.

    Lines and columns count from 1, columns in Unicode characters. The end is where the place is
    over, so that it is the column behind its last character; None where only the start is known.
    """

    line: int
    column: int
    end_line: int | None = None
    end_column: int | None = None


@dataclass(frozen=True)
class Finding:
    """One fault or remark: `message` says what and why, `fix` is what to write instead.

    `replacement` is the text to put between start and end, None where no program could.
    """

    code: str
    severity: Severity
    message: str
    fix: str = ""
    line: int | None = None
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None
    replacement: str | None = None
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
    # a file of its own: FINDINGS.md and the answer of validate-sql are made of it as well
    text = Path(__file__).with_suffix(".json").read_text(encoding="utf-8")
    rules: dict[str, Rule] = json.loads(text)
    return rules


def found(
    code: str,
    message: str,
    fix: str = "",
    *,
    at: Position | None = None,
    replacement: str | None = None,
    field: str | None = None,
) -> Finding:
    """A finding of the catalogue's severity; raises KeyError for a code that is not in it."""
    # one place says how grave a code is: two findings of it cannot differ
    severity = catalogue()[code]["severity"]
    place = asdict(at) if at else {}
    return Finding(code, severity, message, fix, **place, replacement=replacement, field=field)


def is_refused(findings: Iterable[Finding]) -> bool:
    """Whether any finding is an error."""
    return any(finding.severity == "error" for finding in findings)
