"""The emulator as it comes, beside the engine that everybody uses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.cloud import bigquery

from common.local.stack.bigquery import client as connect
from tests.conftest import PROJECT


@pytest.fixture(scope="session")
def stock() -> Iterator[bigquery.Client]:
    """A client of an emulator without any patch, in a process of its own."""
    command = [sys.executable, str(Path(__file__).with_name("stock.py"))]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        with connect(json.loads(process.stdout.readline())["host"], PROJECT) as connected:
            yield connected
        assert process.stdin is not None
        process.stdin.close()
