"""The smoke test's walk over deployments that answer well, badly, or with a page of the platform.

That the answers are those of the local stack is seen by `make rights`, which walks twice; here only
how differences are found and told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from terraform.operations.smoke_test import NAME, Answer, Urls, walk

SAVED = Answer(201, {"id": NAME, "version": 1})
RUN = {"run_id": "r", "status": "finished", "done": 1, "failed": [], "held": []}


SETTINGS = Answer(200, {"ga4_datasets": ["shop.analytics_1"]})
URLS = Urls("/api", "/preview", "/validate")


def well(method: str, url: str, body: Any) -> Answer:
    """A deployment as it should be."""
    if method == "PUT":
        return Answer(200, {"next_run_at": None}) if "/schedules/" in url else SAVED
    known = {"/validate": Answer(200, {"issues": []}), "/api/settings": SETTINGS}
    known["/api/freshness"] = Answer(200, {"properties": []})
    if url in known:
        return known[url]
    if url.endswith("/runs"):
        return Answer(202, {"run_id": "r"})
    return Answer(200, RUN if "/runs/" in url else {})


def found(ask: Callable[[str, str, Any], Answer]) -> dict[str, list[str]]:
    return {title: wrong for title, wrong in walk(URLS, ask, no_time) if wrong}


def no_time(seconds: float) -> None:
    """No time passes."""


def test_a_deployment_as_it_should_be_differs_nowhere() -> None:
    assert found(well) == {}


def test_a_refusal_is_reported_in_its_own_words_and_the_walk_goes_on() -> None:
    def ask(method: str, url: str, body: Any) -> Answer:
        if url.endswith("/runs"):
            return Answer(403, {"detail": "Permission bigquery.jobs.create denied"})
        return Answer(403, "<html>403</html>") if "/preview" in url else well(method, url, body)

    differs = found(ask)
    assert differs["a run is taken on"] == [
        "403 instead of 202: Permission bigquery.jobs.create denied"
    ]
    assert differs["export-preview answers"] == ["403 instead of 200: <html>403</html>"]
    assert "its rows are shown" not in differs


def test_a_run_that_fails_or_never_ends_is_reported() -> None:
    def failing(method: str, url: str, body: Any) -> Answer:
        failed = {**RUN, "done": 0, "failed": [NAME]}
        return Answer(200, failed) if "/runs/" in url else well(method, url, body)

    def running(method: str, url: str, body: Any) -> Answer:
        going = {**RUN, "status": "running"}
        return Answer(200, going) if "/runs/" in url else well(method, url, body)

    assert "failed of ['smoke_test']" in found(failing)["the run counts the conversion"][0]
    assert "did not end" in found(running)["the run counts the conversion"][0]


def test_what_was_made_is_archived_when_somebody_ends_the_walk() -> None:
    asked: list[str] = []

    def ask(method: str, url: str, body: Any) -> Answer:
        asked.append(f"{method} {url}")
        if "/runs/" in url:
            raise KeyboardInterrupt
        return well(method, url, body)

    with pytest.raises(KeyboardInterrupt):
        list(walk(URLS, ask, no_time))
    assert asked[-3:] == [
        f"DELETE /preview/destinations/{NAME}",
        f"DELETE /api/schedules/{NAME}",
        f"DELETE /api/conversions/{NAME}",
    ]


def test_an_answer_without_what_it_should_hold_is_reported() -> None:
    def ask(method: str, url: str, body: Any) -> Answer:
        return Answer(200, {"id": NAME}) if method == "PUT" else well(method, url, body)

    assert found(ask)["a definition is saved"] == ["the answer has no version"]


def test_what_bigquery_says_of_the_query_of_a_user_is_reported() -> None:
    # users' SQL runs as an account of its own: the first call that has to take its place
    refused = "Access Denied: User does not have permission to query table shop:analytics_1.events_"
    issues = [
        {"severity": "error", "message": refused},
        {"severity": "warning", "message": "a wide window"},
    ]

    def ask(method: str, url: str, body: Any) -> Answer:
        if url == "/validate":
            assert "`shop.analytics_1.events_*`" in body["sql"]
            return Answer(200, {"issues": issues})
        return well(method, url, body)

    assert found(ask) == {"users' SQL reads GA4": [refused]}


@pytest.mark.parametrize("url", ["/validate", "/api/settings"])
def test_a_function_that_does_not_answer_is_reported(url: str) -> None:
    def ask(method: str, asked: str, body: Any) -> Answer:
        return Answer(403, "<html>403</html>") if asked == url else well(method, asked, body)

    assert found(ask) == {"users' SQL reads GA4": ["403 instead of 200: <html>403</html>"]}
