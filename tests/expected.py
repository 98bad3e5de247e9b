"""Expected files: compared by every test run, written anew by `pytest --update`.

One door, so that a change on purpose is one command and a diff to read. CI refuses the option.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ADVICE = "; if it is so on purpose, run pytest --update and read the diff"


@dataclass(frozen=True)
class Expected:
    """What files say that a test must find."""

    update: bool

    def text(self, path: Path, found: str) -> None:
        """The file holds exactly this text."""
        if self.update:
            _write(path, found)
        assert found == path.read_text(encoding="utf-8"), f"{path} says otherwise{ADVICE}"

    def json(self, path: Path, found: Any) -> None:
        """The file holds this value as JSON."""
        if self.update:
            _write(path, f"{json.dumps(found, indent=2, ensure_ascii=False)}\n")
        assert found == json.loads(path.read_text(encoding="utf-8")), f"{path}{ADVICE}"

    def rows(self, path: Path, found: Sequence[Mapping[str, Any]], wanted: Any) -> None:
        """The YAML file lists these rows, which `wanted` holds as the test compares them.

        A file that still says the same is left as its author wrote it.
        """
        if self.update and found != wanted:
            write_rows(path, found)
            return
        assert found == wanted, f"{path} says otherwise{ADVICE}"


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """One row a line, in the order found; values that are NULL are left out."""
    lines = [
        "- "
        + yaml.safe_dump(
            {name: value for name, value in row.items() if value is not None},
            default_flow_style=True,
            sort_keys=False,
            allow_unicode=True,
            width=10_000,
        )
        for row in rows
    ]
    _write(path, "".join(lines) or "[]\n")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
