"""The stack of a data directory: the one that runs on it, or one started for this command."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import requests
from google.cloud.bigquery import Client

from common.bigquery.warehouse import Warehouse
from common.local.stack.bigquery import client
from common.local.stack.directory import HOLDER, DirectoryBusyError
from common.local.stack.ports import FREE_PORTS
from common.local.stack.stack import PROJECT, running
from common.settings import Settings
from common.untyped import JsonObject

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / ".local"
GA4 = "analytics_1"
INSTANCES = "LOCAL_INSTANCES"
"""Variable of how many instances every function has, instead of the manifest's figures."""
SOURCES = ("crm", "hubspot", GA4)


class CommandError(RuntimeError):
    """A command that cannot go on; the message tells a person what to do."""


@dataclass(frozen=True)
class Attached:
    """A running stack as a caller from outside sees it."""

    url: str
    bigquery: str
    pubsub: str
    settings: Settings
    idle: Callable[[float], bool] | None = None
    """Whether every message is handled within so many seconds; known of a stack of one's own."""

    @property
    def client(self) -> Client:
        """A client of the running stack's BigQuery."""
        return client(self.bigquery, self.settings.project)

    @property
    def warehouse(self) -> Warehouse:
        """The running stack's BigQuery in the product's verbs."""
        return Warehouse(self.client, self.settings)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The JSON answer of a function; raises CommandError with the problem's own words."""
        response = requests.request(
            method,
            f"{self.url}{path}",
            json=body,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            timeout=600,
        )
        answer = response.json() if response.content else None
        if response.status_code >= 400:
            raise CommandError(message_of(answer))
        return answer

    def wait_for(
        self, run_id: str, tell: Callable[[JsonObject], object] = lambda entry: None
    ) -> JsonObject:
        """The run once all its conversions are through; `tell` hears each entry as it comes.

        Raises CommandError when it is late.
        """
        runs: list[JsonObject] = []
        told: list[JsonObject] = []

        def ended() -> bool:
            found = requests.get(f"{self.url}/api/runs/{run_id}", timeout=60)
            if found.status_code == 200:
                runs.append(found.json())
                # a later answer may name them in another order
                for entry in runs[-1]["entries"]:
                    if entry not in told:
                        told.append(entry)
                        tell(entry)
            return bool(runs) and runs[-1]["status"] != "running"

        late = f"The run {run_id} did not end; run the same again, and it goes on from there: not"
        self.wait_until(ended, late)
        return runs[-1]

    def wait_until(
        self,
        happened: Callable[[], bool],
        otherwise: str = "Nothing came of it",
        seconds: float = 600,
    ) -> None:
        """Return once it has happened; raises CommandError when it is late."""
        until = time.monotonic() + seconds
        while not happened():
            if time.monotonic() > until:
                raise CommandError(f"{otherwise} within {seconds:.0f} s; see functions.log.")
            # each look is a query, which the work that it waits for has to share the machine with
            time.sleep(1)


def message_of(problem: Any) -> str:
    """Problem details in one or two lines for a terminal."""
    lines = [problem.get("detail", "The request failed."), problem.get("fix") or ""]
    return "\n".join(line for line in lines if line)


def environment(
    own: Mapping[str, str], *, timezone: str = "UTC", currency: str = "USD"
) -> dict[str, str]:
    """The functions' environment on this machine; CONVERSIONS_* variables of one's own win."""
    project = own.get("CONVERSIONS_PROJECT", PROJECT)
    return {
        **own,
        "CONVERSIONS_PROJECT": project,
        "CONVERSIONS_LOCATION": own.get("CONVERSIONS_LOCATION", "US"),
        "CONVERSIONS_TIMEZONE": own.get("CONVERSIONS_TIMEZONE", timezone),
        "CONVERSIONS_CURRENCY": own.get("CONVERSIONS_CURRENCY", currency),
        "CONVERSIONS_GA4_DATASETS": own.get("CONVERSIONS_GA4_DATASETS", f"{project}.{GA4}"),
        "CONVERSIONS_SOURCE_DATASETS": own.get(
            "CONVERSIONS_SOURCE_DATASETS", ",".join(f"{project}.{name}" for name in SOURCES)
        ),
    }


@contextmanager
def attached(
    directory: Path, variables: Mapping[str, str], log: IO[Any] | None = None
) -> Iterator[Attached]:
    """The stack that runs on the directory, else one of this command's own.

    What the functions print goes to `log`, or to `functions.log` in the directory. Raises
    CommandError when another one is about to have the directory.
    """
    found = _running(directory)
    if found is not None:
        yield found
        return
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "functions.log").open("ab") as own:
        try:
            with running(
                ROOT,
                directory,
                variables,
                ports=FREE_PORTS,
                schedules=False,
                log=log or own,
                instances=int(variables[INSTANCES]) if INSTANCES in variables else None,
            ) as stack:
                yield Attached(
                    stack.url,
                    stack.environment["BIGQUERY_EMULATOR_HOST"],
                    stack.environment["PUBSUB_EMULATOR_HOST"],
                    stack.settings,
                    stack.wait_until_idle,
                )
        except DirectoryBusyError as error:
            raise CommandError(str(error)) from error


def _running(directory: Path) -> Attached | None:
    holder = directory / HOLDER
    if not holder.exists():
        return None
    # a stack that is just starting has emptied the file and said nothing yet
    facts = json.loads(holder.read_text(encoding="utf-8") or "{}")
    if not facts:
        return None
    try:
        requests.get(f"{facts['bigquery']}/healthz", timeout=10)
        os.kill(facts["process"], 0)
    except (requests.ConnectionError, requests.Timeout, ProcessLookupError, PermissionError):
        return None
    settings = Settings.model_validate_json(json.dumps(facts["settings"]))
    return Attached(facts["url"], facts["bigquery"], facts["pubsub"], settings)
