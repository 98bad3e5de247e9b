"""Differential fuzz: whatever the guard accepts, GoogleSQL must read exactly as the guard did.

python -m tests.guard.fuzz --mutants 1000000 --froms 1000000
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable
from itertools import islice

from common.guard.judge import Verdict, judge
from tests.guard import reader
from tests.guard.corpus import SCOPE
from tests.guard.froms import froms
from tests.guard.mutants import mutants

# Grammar of their own in one reader, function calls in the other; all of them harmless.
_GRAMMAR = {"CAST", "SAFE_CAST", "EXTRACT", "ARRAY", "STRUCT", "UNNEST", "EXISTS"}
_GRAMMAR |= {"OFFSET", "ORDINAL", "SAFE_OFFSET", "SAFE_ORDINAL", "WEEK"}


def differences(sql: str) -> tuple[str, list[str]]:
    """How the text fared (refused, accepted, invalid) and where the two readers disagree."""
    try:
        verdict = judge(sql, SCOPE)
    except Exception as error:
        return "exception", [f"exception: {traceback.format_exception(error)[-2:]}"]
    if not verdict.ok:
        return "refused", []
    try:
        reading = reader.read(verdict.canonical)
    except reader.Rejected as rejection:
        return "invalid", [f"GoogleSQL cannot read what was accepted: {rejection}"]
    found = _reading_differences(verdict, reading)
    if sql != verdict.canonical:
        found += _text_differences(sql, reading)
    return "accepted", found


def _reading_differences(verdict: Verdict, reading: reader.Reading) -> list[str]:
    pairs = {
        "kind": (reading.kind, "ast_query_statement_node"),
        # where scope is in doubt, what GoogleSQL takes for an array counts as a table
        "unseen": ({_full(path) for path in reading.tables} - {*verdict.tables}, set[str]()),
        "functions": (reading.functions - _GRAMMAR, verdict.functions - _GRAMMAR),
        "parameters": (reading.parameters, verdict.parameters),
        "forbidden": (reading.forbidden, frozenset()),
    }
    return [f"{name}: {one} != {other}" for name, (one, other) in pairs.items() if one != other]


def _text_differences(sql: str, reading: reader.Reading) -> list[str]:
    """Whether the author's text means the same as the text that would run."""
    try:
        original = reader.shape(sql.removeprefix("\ufeff"))
    except reader.Rejected as rejection:
        return [f"text: only the canonical form is valid: {rejection}"]
    return [] if original == reading.shape else ["text: the canonical form means another"]


def _full(path: str) -> str:
    return path if path.count(".") > 1 else f"{SCOPE.project}.{path}"


def run(texts: Iterable[str]) -> tuple[Counter[str], list[tuple[str, list[str]]]]:
    """How many texts fared how, and those on which the readers disagree."""
    fates: Counter[str] = Counter()
    disputed = []
    for sql in texts:
        fate, found = differences(sql)
        fates[fate] += 1
        if found:
            disputed.append((sql, found))
    return fates, disputed


Job = tuple[str, int, int]
"""A kind of texts, their seed and their number."""
Share = tuple[str, Counter[str], list[tuple[str, list[str]]], float]
"""What came of a job, with its seconds of processor."""

_STREAMS = {"mutants": mutants, "froms": froms}
_EACH = 1_000


def jobs(seed: int, froms: int, mutants: int) -> list[Job]:
    """The work in shares, always in the same order, both kinds in turn: `--skip` counts them."""
    shares = [
        (number, kind)
        for kind, wanted in (("froms", froms), ("mutants", mutants))
        for number in range(-(-wanted // _EACH))
    ]
    return [(kind, seed * 1_000_003 + number, _EACH) for number, kind in sorted(shares)]


def _share(job: Job) -> Share:
    kind, seed, count = job
    # trees are many and short-lived: to look for garbage less often saves a tenth
    gc.set_threshold(100_000, 20, 50)
    started = time.process_time()
    fates, disputed = run(islice(_STREAMS[kind](seed), count))
    return kind, fates, disputed, time.process_time() - started


def main(arguments: list[str] | None = None) -> int:
    """Prints every difference, after each fifty shares the progress; 1 when texts differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=1_000_000)
    parser.add_argument("--froms", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--skip", type=int, default=0, help="shares that another run has judged")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long")
    asked = parser.parse_args(arguments)
    wanted = jobs(asked.seed, asked.froms, asked.mutants)
    left = wanted[asked.skip :]
    fates: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    count, spent = 0, 0.0
    started = time.monotonic()
    with multiprocessing.Pool(asked.processes, maxtasksperchild=100) as pool:
        for done, (kind, part, disputed, seconds) in enumerate(pool.imap(_share, left), 1):
            fates.update(part)
            kinds[kind] += sum(part.values())
            spent += seconds
            for sql, found in disputed:
                count += 1
                print(f"{found}\n{sql!r}\n", flush=True)
            if done % 50 == 0 or done == len(left):
                passed = time.monotonic() - started
                print(
                    f"{asked.skip + done} of {len(wanted)} shares in {passed:.0f} s: "
                    f"{dict(kinds)}, {fates.total() / spent:.0f} a second of processor, "
                    f"{dict(fates)}, {count} with differences",
                    flush=True,
                )
            if time.monotonic() - started > asked.seconds:
                break
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
