"""How much the guard works for a text: calls made, with sqlglot in pure Python, as it is deployed.

Seconds depend on the machine, calls do not.

python -m tests.guard.work < texts.json
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery as machinery
import json
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType, ModuleType


class _Pure(importlib.abc.MetaPathFinder):
    """Finds sqlglot's modules in their sources, beside which its compiled ones lie."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> machinery.ModuleSpec | None:
        if name.partition(".")[0] != "sqlglot":
            return None
        sources = (machinery.SourceFileLoader, machinery.SOURCE_SUFFIXES)
        finders = (machinery.FileFinder(each, sources) for each in path or sys.path)
        return next(filter(None, (finder.find_spec(name) for finder in finders)), None)


def work(texts: Sequence[str]) -> list[int]:
    """The calls that judging each text takes, counted in a process of its own."""
    command = [sys.executable, "-m", "tests.guard.work"]
    asked = json.dumps(texts).encode()
    done = subprocess.run(command, input=asked, stdout=subprocess.PIPE, check=True)
    counted: list[int] = json.loads(done.stdout)
    return counted


def _counted(texts: Sequence[str]) -> list[int]:
    sys.meta_path.insert(0, _Pure())
    from common.guard.judge import judge
    from tests.guard.corpus import SCOPE

    count = 0

    def seen(frame: FrameType, event: str, value: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    counted = []
    judge("SELECT 1 AS id", SCOPE)  # lists are read and caches filled
    for sql in texts:
        count = 0
        sys.setprofile(seen)
        judge(sql, SCOPE)
        sys.setprofile(None)
        counted.append(count)
    return counted


if __name__ == "__main__":
    json.dump(_counted(json.load(sys.stdin)), sys.stdout)
