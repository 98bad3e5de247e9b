"""A new instance answers soon: what most requests do not need is loaded where it is needed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SELDOM = {
    "google.ads",
    "google.cloud.pubsub_v1",
    "google.cloud.scheduler_v1",
    "phonenumbers",
    "sqlglot",
    "sklearn",
    "pandas",
    "duckdb",
}
ALWAYS = {"validate_sql": {"sqlglot"}, "score_leads": {"sklearn"}}
"""What a function is about is loaded at its start."""

PROGRAM = """
import gc, json, sys
import functions.{function}.main
print(json.dumps([gc.isenabled(), gc.get_freeze_count() > 1000, sorted(sys.modules)]))
"""


@pytest.mark.parametrize(
    "function", ["api", "console", "export", "materialize", "score_leads", "validate_sql"]
)
def test_an_entry_point_loads_only_what_every_request_needs(function: str) -> None:
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM.format(function=function)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    collects, frozen, modules = json.loads(done.stdout)
    assert SELDOM & set(modules) == ALWAYS.get(function, set())
    assert collects
    assert frozen
