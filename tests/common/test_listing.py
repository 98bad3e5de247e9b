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

    Names come in their own order, and each with the moment of its creation in milliseconds.
    Source: cloud.google.com/bigquery/docs/paging-results, python-bigquery#685.
    """

    is_mtls = False

    def __init__(self, tables: int, made_anew: int = -1) -> None:
        self.tables = tables
        self.made_anew = made_anew
        """The number of a table that was created after all others."""
        self.requests = 0

    def request(self, method: str, url: str, **_: Any) -> requests.Response:
        self.requests += 1
        asked = parse_qs(urlsplit(url).query)
        size = min(int(asked.get("maxResults", ["50"])[0]), 1_000)
        start = int(asked.get("pageToken", ["0"])[0])
        end = min(start + size, self.tables)
        place = {"projectId": "shop", "datasetId": "analytics_1"}
        listed = [
            {
                "tableReference": {**place, "tableId": f"events_{n}"},
                "creationTime": str(self.tables if n == self.made_anew else n),
            }
            for n in range(start, end)
        ]
        following = {"nextPageToken": str(end)} if end < self.tables else {}
        answer = requests.Response()
        answer.status_code = 200
        answer._content = json.dumps({"tables": listed, **following}).encode()
        return answer


def names(pages: Pages) -> list[str]:
    nobody = AnonymousCredentials()  # type: ignore[no-untyped-call]
    client = bigquery.Client("shop", nobody, _http=cast(Any, pages))
    settings = Settings(project="shop", dataset="conversions", staging_dataset="staging")
    return Warehouse(client, settings).tables_in("shop.analytics_1")


def test_three_years_of_daily_tables_are_two_requests() -> None:
    pages = Pages(1_100)
    assert (len(names(pages)), pages.requests) == (1_100, 2)


def test_the_table_that_was_created_last_stands_at_the_end() -> None:
    assert names(Pages(3, made_anew=1)) == ["events_0", "events_2", "events_1"]
