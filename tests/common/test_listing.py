"""How many requests a list of tables takes, by BigQuery's own rules of pages."""

from __future__ import annotations

import json
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import requests
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from common.bigquery.warehouse import Warehouse
from common.settings import Settings


class Pages:
    """tables.list: 50 on a page unless more are asked for, 1,000 at most.

    Source: cloud.google.com/bigquery/docs/paging-results, python-bigquery#685.
    """

    is_mtls = False

    def __init__(self, tables: int) -> None:
        self.tables = tables
        self.requests = 0

    def request(self, method: str, url: str, **_: Any) -> requests.Response:
        self.requests += 1
        asked = parse_qs(urlsplit(url).query)
        size = min(int(asked.get("maxResults", ["50"])[0]), 1_000)
        start = int(asked.get("pageToken", ["0"])[0])
        end = min(start + size, self.tables)
        place = {"projectId": "shop", "datasetId": "analytics_1"}
        listed = [
            {"tableReference": {**place, "tableId": f"events_{n}"}} for n in range(start, end)
        ]
        following = {"nextPageToken": str(end)} if end < self.tables else {}
        answer = requests.Response()
        answer.status_code = 200
        answer._content = json.dumps({"tables": listed, **following}).encode()
        return answer


def test_three_years_of_daily_tables_are_two_requests() -> None:
    pages = Pages(1_100)
    nobody = AnonymousCredentials()  # type: ignore[no-untyped-call]
    client = bigquery.Client("shop", nobody, _http=cast(Any, pages))
    settings = Settings(project="shop", dataset="conversions", staging_dataset="staging")
    names = Warehouse(client, settings).tables_in("shop.analytics_1")
    assert (len(names), pages.requests) == (1_100, 2)
