"""`make fuzz-api`: schemathesis, which nobody here wrote, asks all three interfaces anything.

It derives requests, right and wrong ones, from the OpenAPI documents and holds every answer to
them. The functions are real, behind a web server, on the embedded engine without its network.

    python -m tests.http.fuzz --examples 200 --seed 7
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import requests
from flask import Flask, Request, Response, request
from werkzeug.serving import make_server

from common.catalog.definitions import Catalog
from common.errors import NotFoundError, RetryableError
from common.incidents.incidents import Incident, IncidentLog
from common.settings import Settings
from functions.api.main import answer as answer_api
from functions.api.services import Services as ApiServices
from functions.export.destinations.registry import CONFIG
from functions.export.main import answer as answer_export
from functions.validate_sql.check import Services as ValidateServices
from functions.validate_sql.main import answer as answer_validate
from tests.destinations.harness import HERE as CASES
from tests.destinations.harness import load
from tests.export.shop import shop
from tests.quick import QuickWarehouse, database

HERE = Path(__file__).parent
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NAMES = ("api", "export-preview", "validate-sql")
Answer = Callable[[Request], Response]


class Silent:
    """A bus and a scheduler that keep nothing."""

    def publish(self, message: object) -> None: ...

    def remove(self, name: str) -> None: ...

    def all(self) -> Iterator[Any]:
        return iter(())

    def get(self, name: str) -> Any:
        raise NotFoundError(f"There is no schedule {name!r}.", code="unknown_schedule")

    def put(self, *_: Any, **__: Any) -> Any:
        raise RetryableError("Cloud Scheduler is not here.", code="scheduler_unavailable")


class Empty:
    """A Secret Manager that holds nothing."""

    def get(self, *_: Any, **__: Any) -> Any:
        answer = requests.Response()
        answer.status_code = 404
        return answer


def filled(warehouse: QuickWarehouse) -> None:
    """Definitions, a destination, runs, incidents and scores, so that ids lead somewhere."""
    catalog = Catalog(warehouse)
    for id in ("a", "purchase"):
        for name in ("First", "Second"):
            definition = {"id": id, "name": name, "kind": "simple", "event_type": "purchase"}
            catalog.save(definition, now=NOW, author="somebody")
        warehouse.ensure_table(warehouse.path(f"conversion_{id}"), "conversion")
    config = {**load(CASES / "meta" / "plain" / "target.json"), "id": "a"}
    Catalog(warehouse, "destination", CONFIG).save(config, now=NOW, author="somebody")
    entry = {"date": NOW.date(), "recorded_at": NOW, "run_id": "a", "conversion": "a"}
    warehouse.append("runs", [{**entry, "status": "planned"}])
    IncidentLog(warehouse, "materialize", NOW).report([Incident("silence", "x", "y", "a")])
    score = {"conversion": "a", "id": "a", "created": NOW, "scored_at": NOW, "as_of": NOW}
    more = {"date": date(2026, 11, 18), "model_id": "m", "probability": 0.5, "reasons": []}
    warehouse.append("lead_scores", [{**score, **more, "is_qualified": True}])


@contextmanager
def answers() -> Iterator[dict[str, Answer]]:
    """Each function by its name, all on one small shop."""
    settings = Settings(project="test-project", dataset="fuzz", staging_dataset="fuzz_staging")
    warehouse = QuickWarehouse(settings, database())
    warehouse.ensure_tables()
    filled(warehouse)
    nobody: Any = Silent()
    api = ApiServices(settings, warehouse, warehouse, lambda: nobody, lambda: nobody, lambda: NOW)
    validate = ValidateServices(warehouse, warehouse, NOW, lambda: "")
    with shop(secret_manager=Empty) as here:
        here.warehouse.ensure_tables()
        filled(here.warehouse)  # type: ignore[arg-type]
        yield {
            "api": lambda asked: answer_api(asked, api),
            "export-preview": lambda asked: answer_export(asked, here.services),
            "validate-sql": lambda asked: answer_validate(asked, validate),
        }


@contextmanager
def served(answer: Answer) -> Iterator[str]:
    """The address of a web server that answers so, one request after the other."""
    app = Flask("fuzz")
    # before any route, as rules of Flask match no path with a line break
    app.before_request(lambda: answer(request))
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()


def judged(address: str, name: str, examples: int, seed: int, phases: str) -> tuple[bool, str]:
    """Whether schemathesis found nothing, and its own words."""
    command = [
        str(Path(sys.executable).with_name("st")),
        *("--config-file", str(HERE / "schemathesis.toml")),
        *("run", f"{address}/{name}/openapi.json", "--url", f"{address}/{name}"),
        *("--max-examples", str(examples), "--seed", str(seed), "--phases", phases),
        *("--generation-database", "none", "--no-color", "--continue-on-failure"),
        *("--header", "Connection: close"),
    ]
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(
            command, cwd=directory, capture_output=True, text=True, check=False, env=_environment()
        )
    return done.returncode == 0, done.stdout + done.stderr


def _environment() -> dict[str, str]:
    return {**os.environ, "COLUMNS": "120"}


def main() -> None:
    """Judge the named interfaces and end with 1 when anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.http.fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--phases", default="examples,coverage,fuzzing")
    options = parser.parse_args()
    found = []
    with answers() as functions:
        for name in options.names:
            with served(functions[name]) as address:
                well, words = judged(address, name, options.examples, options.seed, options.phases)
            print(words, flush=True)
            found += [] if well else [name]
    print(json.dumps({"seed": options.seed, "violations": found}))
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
