"""The guard's verdicts with another sqlglot: pure beside compiled, and a release before its pin.

The functions are deployed with sqlglot in pure Python, development has it compiled. Before a pin
moves, both releases are compared on every text of the corpus, on mutants and on FROM clauses.

pip install --no-deps --target DIRECTORY sqlglot==30.12.0   (without [c] it is pure)
python -m tests.guard.releases DIRECTORY ...
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from statistics import quantiles
from typing import Any

import sqlglot.parser

from common.guard.judge import judge
from tests.guard.corpus import SCOPE, cases
from tests.guard.froms import froms
from tests.guard.mutants import mutants

SEED = 20261129


def texts(count: int) -> Iterator[str]:
    """The corpus, then so many mutants and FROM clauses."""
    yield from (case.sql for name in ("good", "hostile") for case in cases(name))
    yield from islice(mutants(SEED), count)
    yield from islice(froms(SEED), count)


def verdicts(count: int) -> Iterator[dict[str, Any]]:
    """What the guard says of each text, and the seconds of processor that it took."""
    for sql in texts(count):
        started = time.process_time()
        verdict = judge(sql, SCOPE)
        seconds = time.process_time() - started
        outputs = verdict.query.outputs if verdict.query else ()
        findings = [[it.code, it.message, it.line, it.column] for it in verdict.findings]
        said = {
            "canonical": verdict.canonical,
            "tables": verdict.tables,
            "functions": sorted(verdict.functions),
            "outputs": [[it.name, it.text] for it in outputs],
            "findings": findings,
        }
        yield {"sql": sql, "said": said, "seconds": seconds}


def release() -> str:
    """Version and kind of the sqlglot that answers in this process."""
    kind = "pure" if sqlglot.parser.__file__.endswith(".py") else "compiled"
    return f"{importlib.metadata.version('sqlglot')} {kind}"


def differences(directory: str, count: int) -> Iterator[str]:
    """Prints the speed with the sqlglot of a directory; texts on which the verdicts differ."""
    ours, theirs = _asked("", count), _asked(directory, count)
    for answer in (ours, theirs):
        times = sorted(1000 * it["seconds"] for it in answer["verdicts"])
        cuts = quantiles(times, n=100)
        print(
            f"{answer['release']}: {len(times)} texts, p50 {cuts[49]:.1f} ms, "
            f"p99 {cuts[98]:.1f} ms, at most {times[-1]:.1f} ms",
            flush=True,
        )
    for one, other in zip(ours["verdicts"], theirs["verdicts"], strict=True):
        if one["said"] != other["said"]:
            parts = [name for name in one["said"] if one["said"][name] != other["said"][name]]
            shown = {name: (one["said"][name], other["said"][name]) for name in parts}
            yield f"{one['sql']!r}\n  {shown}"


def _asked(directory: str, count: int) -> dict[str, Any]:
    """The verdicts of a process whose sqlglot is that of a directory, "" for our own."""
    before = [os.getcwd(), *filter(None, [os.environ.get("PYTHONPATH")])]
    path = os.pathsep.join([directory, *before] if directory else before)
    command = [sys.executable, "-m", "tests.guard.releases", "--answer", "--count", str(count)]
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def main() -> int:
    """Prints each difference; 1 when there is any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directories", nargs="*", help="where other releases are installed")
    parser.add_argument("--count", type=int, default=2_000, help="of mutants, and of FROM clauses")
    parser.add_argument("--answer", action="store_true", help="print this process's own verdicts")
    asked = parser.parse_args()
    if asked.answer:
        answer = {"release": release(), "verdicts": list(verdicts(asked.count))}
        json.dump(answer, sys.stdout)
        return 0
    found = [it for directory in asked.directories for it in differences(directory, asked.count)]
    print("\n".join([*found, f"{len(found)} differences"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
