"""Walks a fresh deployment through users' SQL, one definition, one run and one dry-run export.

    .venv/bin/python terraform/operations/smoke_test.py API_URL EXPORT_PREVIEW_URL VALIDATE_SQL_URL
        [--token TOKEN]

The URLs are those of `terraform output endpoints`, the token that of `gcloud auth
print-identity-token`. Nothing is sent to an ad platform, and what it made is archived at the end.
Prints each step, and how its answer differs from what the local stack answers.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests

NAME = "smoke_test"
DEFINITION = {"kind": "simple", "id": NAME, "name": "Smoke test", "event_type": "purchase"}
DESTINATION = {
    "kind": "meta",
    "id": NAME,
    "name": "Smoke test",
    "pixel_id": "123456789012345",
    "access_token": "env:SMOKE_TEST",
    "default_consent": "granted",
    "mode": "paused",
    "conversions": [{"conversion": NAME, "event_name": "Purchase"}],
}
SQL = """SELECT CONCAT(user_pseudo_id, '.', CAST(event_timestamp AS STRING)) AS id,
  ANY_VALUE(user_pseudo_id) AS client_id, MIN(TIMESTAMP_MICROS(event_timestamp)) AS created
FROM `{dataset}.events_*`
WHERE event_name = 'purchase' AND user_pseudo_id IS NOT NULL
  AND _TABLE_SUFFIX BETWEEN FORMAT_DATE('%Y%m%d', @start_date)
    AND FORMAT_DATE('%Y%m%d', @end_date)
GROUP BY id"""
RUN_SECONDS = 1800


@dataclass(frozen=True)
class Step:
    """One request, and what the local stack answers to it."""

    title: str
    method: str
    url: str
    body: Any
    status: int
    holds: tuple[str, ...]
    """Keys of the answer."""


@dataclass(frozen=True)
class Urls:
    """Where the functions for people answer."""

    api: str
    preview: str
    validate: str


@dataclass(frozen=True)
class Answer:
    status: int
    document: Any


Ask = Callable[[str, str, Any], Answer]
"""(method, url, body): the answer."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("api")
    parser.add_argument("export_preview")
    parser.add_argument("validate_sql")
    parser.add_argument("--token", help="an identity token; gcloud's unless given")
    asked = parser.parse_args()
    token = asked.token or subprocess.check_output(
        ["gcloud", "auth", "print-identity-token"], text=True
    )
    ask = asking({"Authorization": f"Bearer {token.strip()}"})
    differed = 0
    urls = Urls(*(it.rstrip("/") for it in (asked.api, asked.export_preview, asked.validate_sql)))
    for title, differences in walk(urls, ask, time.sleep):
        print(f"{'differs' if differences else 'ok':8}{title}")
        for difference in differences:
            print(f"        {difference}")
        differed += bool(differences)
    return 1 if differed else 0


def asking(headers: Mapping[str, str]) -> Ask:
    """Requests with these headers."""

    def ask(method: str, url: str, body: Any) -> Answer:
        answer = requests.request(method, url, json=body, headers=dict(headers), timeout=300)
        try:
            return Answer(answer.status_code, answer.json() if answer.content else None)
        except ValueError:
            # a 403 of the platform, before any code of ours, is a page
            return Answer(answer.status_code, answer.text[:200])

    return ask


def walk(urls: Urls, ask: Ask, sleep: Callable[[float], object]) -> Iterator[tuple[str, list[str]]]:
    """Each step's title with its differences; goes on after one that differs.

    What was made is archived, also where somebody ends the walk on its way.
    """
    kept = archived(urls)
    try:
        for step in before(urls):
            yield step.title, differences(step, ask(step.method, step.url, step.body))
        yield "users' SQL reads GA4", judged(urls, ask)
        started = ask("POST", f"{urls.api}/runs", {"conversions": [NAME]})
        yield "a run is taken on", [] if started.status == 202 else [shown(202, started)]
        if started.status == 202:
            run_id = started.document["run_id"]
            yield "the run counts the conversion", ran(urls.api, run_id, ask, sleep)
        for step in after(urls):
            yield step.title, differences(step, ask(step.method, step.url, step.body))
        while kept:
            step = kept.pop(0)
            yield step.title, differences(step, ask(step.method, step.url, step.body))
    finally:
        for step in kept:
            ask(step.method, step.url, step.body)


def before(urls: Urls) -> list[Step]:
    """What is looked at and made before the run."""
    one, to = f"{urls.api}/conversions/{NAME}", f"{urls.preview}/destinations/{NAME}"
    hours = {"cron": "30 5 * * *", "paused": True}
    return [
        Step("the API answers", "GET", f"{urls.api}/schemas", None, 200, ()),
        Step("export-preview answers", "GET", f"{urls.preview}/destinations", None, 200, ()),
        Step("the sources are seen", "GET", f"{urls.api}/freshness", None, 200, ("properties",)),
        Step("a definition is saved", "PUT", one, DEFINITION, 200, ("id", "version")),
        # a job of Cloud Scheduler, which takes rights of its own
        Step("it has hours", "PUT", f"{urls.api}/schedules/{NAME}", hours, 200, ("next_run_at",)),
        Step("a destination is saved", "PUT", to, DESTINATION, 200, ("id", "version")),
    ]


def after(urls: Urls) -> list[Step]:
    """What is looked at after the run."""
    one, to = f"{urls.api}/conversions/{NAME}", f"{urls.preview}/destinations/{NAME}"
    dry = {"conversion": NAME, "limit": 3}
    return [
        Step("its rows are shown", "GET", f"{one}/records", None, 200, ()),
        Step("an export is tried dry", "POST", f"{to}/dry-run", dry, 200, ()),
    ]


def archived(urls: Urls) -> list[Step]:
    """What clears up what was made; the destination first, which names the definition."""
    one, to = f"{urls.api}/conversions/{NAME}", f"{urls.preview}/destinations/{NAME}"
    return [
        Step("the destination is archived", "DELETE", to, None, 200, ()),
        Step("its hours are taken away", "DELETE", f"{urls.api}/schedules/{NAME}", None, 200, ()),
        Step("the definition is archived", "DELETE", one, None, 200, ()),
    ]


def judged(urls: Urls, ask: Ask) -> list[str]:
    """How a query over GA4, planned by BigQuery as whoever runs users' SQL, is not right."""
    known = ask("GET", f"{urls.api}/settings", None)
    if known.status != 200:
        return [shown(200, known)]
    if not known.document["ga4_datasets"]:
        return []
    text = SQL.format(dataset=known.document["ga4_datasets"][0])
    answer = ask("POST", urls.validate, {"sql": text})
    if answer.status != 200:
        return [shown(200, answer)]
    return [it["message"] for it in answer.document["issues"] if it["severity"] == "error"]


def differences(step: Step, answer: Answer) -> list[str]:
    """How the answer is not what the local stack answers."""
    # a second walk updates what the first one made
    expected = {step.status, 201} if step.method == "PUT" else {step.status, 204}
    if answer.status not in expected:
        return [shown(step.status, answer)]
    keys = set(answer.document) if isinstance(answer.document, dict) else set()
    return [f"the answer has no {key}" for key in step.holds if key not in keys]


def ran(api: str, run_id: str, ask: Ask, sleep: Callable[[float], object]) -> list[str]:
    """How the run ended otherwise than it should."""
    for _ in range(RUN_SECONDS // 10):
        answer = ask("GET", f"{api}/runs/{run_id}", None)
        found = answer.document if answer.status == 200 else {}
        if found and found.get("status") != "running":
            wrong = [f"{each} of {found[each]}" for each in ("failed", "held") if found[each]]
            done = found["done"]
            return [f"{', '.join(wrong) or 'nothing wrong'}, {done} done"] if done != 1 else []
        sleep(10)
    return [f"the run {run_id} did not end within {RUN_SECONDS} s"]


def shown(expected: int, answer: Answer) -> str:
    """The difference in one line, with the answer's own words."""
    document = answer.document
    words = document.get("detail") if isinstance(document, dict) else document
    return f"{answer.status} instead of {expected}: {words or json.dumps(document)}"


if __name__ == "__main__":
    sys.exit(main())
