"""The entry points as they are deployed: environment in, clients built, HTTP answered."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import functions_framework
import pytest
from flask import Flask
from flask.testing import FlaskClient
from google.auth.transport.requests import Request

from common.bigquery.warehouse import Warehouse
from common.local.platforms.standin import Call, Reply, StandIn
from common.local.stack.bigquery import EmbeddedBigQuery
from common.settings import Settings
from functions.export import main
from functions.export.destinations.data_manager import SCOPE
from tests.conftest import PROJECT

ENTRY = Path(main.__file__)


class MetadataServer(StandIn):
    """Google Compute Engine's metadata server: mints tokens and says for which scopes."""

    name = "metadata"

    def answer(self, call: Call) -> Reply:
        headers = {"Metadata-Flavor": "Google"}
        if call.path.endswith("/token"):
            token = {"access_token": f"for {call.query.get('scopes')}", "expires_in": 3600}
            return Reply(200, {**token, "token_type": "Bearer"}, headers)
        if call.path.endswith("/project/project-id"):
            return Reply(200, "my-project", headers)
        account = {"email": "export@my-project.iam.gserviceaccount.com", "aliases": ["default"]}
        return Reply(200, {**account, "scopes": ["cloud-platform"]}, headers)


@pytest.fixture
def deployed(
    engine: EmbeddedBigQuery, credentials: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The environment of a deployed function, on the embedded BigQuery."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", credentials)
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", engine.host)
    monkeypatch.setenv("CONVERSIONS_PROJECT", PROJECT)
    monkeypatch.setenv("CONVERSIONS_DATASET", "export_main")
    settings = Settings(project=PROJECT, dataset="export_main", staging_dataset="export_main_s")
    with engine.client(PROJECT) as client:
        Warehouse(client, settings).ensure_tables()
        main._services.cache_clear()
        yield
        main._services.cache_clear()
        for dataset in ("export_main", "export_main_s"):
            client.delete_dataset(f"{PROJECT}.{dataset}", delete_contents=True)


def function(name: str) -> FlaskClient:
    app: Flask = functions_framework.create_app(name, str(ENTRY))  # type: ignore[no-untyped-call]
    return app.test_client()


def push(message: object) -> dict[str, object]:
    data = base64.b64encode(json.dumps(message).encode()).decode()
    return {"message": {"data": data, "messageId": "1"}, "subscription": "s"}


@pytest.mark.usefixtures("deployed")
def test_a_pushed_message_is_handled_and_a_broken_one_is_refused() -> None:
    client = function("export")
    assert client.post("/", json=push({"kind": "export_tick"})).status_code == 204
    assert client.post("/", json=push({"kind": "unheard_of"})).status_code == 422
    assert client.post("/", json={"message": {"data": "%%%"}}).status_code == 400
    log_entry = {"logName": "x/bigquery_daily_export_status", "jsonPayload": "a text"}
    for odd in ([1], "run", log_entry, {**log_entry, "jsonPayload": {}, "resource": [1]}):
        assert client.post("/", json=push(odd)).status_code == 400


@pytest.mark.usefixtures("deployed")
def test_the_frontends_side_answers_in_json_and_problem_details() -> None:
    client = function("export_preview")
    assert client.get("/destinations").get_json() == {"destinations": []}
    missing = client.get("/destinations/nowhere")
    assert missing.status_code == 404
    assert missing.content_type == "application/problem+json"
    assert client.post("/destinations").status_code == 405


def test_google_is_asked_for_exactly_the_scope_that_its_api_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The service account's default scope, cloud-platform, would be refused by the real API."""
    server = MetadataServer()
    with server.serving() as url:
        for name in ("GCE_METADATA_HOST", "GCE_METADATA_ROOT", "GCE_METADATA_IP"):
            monkeypatch.setenv(name, url.removeprefix("http://"))
        monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
        monkeypatch.setenv("CLOUDSDK_CONFIG", "/nonexistent")
        credentials = main.google_credentials((SCOPE,), "quota-project")
        credentials.refresh(Request())  # type: ignore[no-untyped-call]
    assert credentials.token == f"for {SCOPE}"
    assert credentials.quota_project_id == "quota-project"


def test_hosts_are_replaced_by_the_settings_pairs() -> None:
    pairs = ("https://graph.facebook.com=http://127.0.0.1:9001/meta",)
    assert main.replaced_hosts(pairs) == {
        "https://graph.facebook.com": "http://127.0.0.1:9001/meta"
    }
