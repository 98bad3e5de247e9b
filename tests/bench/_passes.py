"""The same rows by hand, straight in DuckDB: what our runs are measured against.

`plain` is the yardstick: four kinds of events and each conversion's purchases less their refunds.
It makes no visits and no clicks, which any implementation needs that tells where a purchase came
from; `whole` reads every event for them and gives each purchase the source of its visit and the
last click of its client. Neither keeps anything: no keys, no fingerprints, no changes, no books.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb

from common.ga4.clicks import KINDS

STAGED = """
CREATE TEMP TABLE staged AS
SELECT
  event_name, user_pseudo_id AS client_id, make_timestamp(event_timestamp) AS created,
  nullif(ecommerce.transaction_id, '') AS order_id, ecommerce.purchase_revenue AS revenue,
  ecommerce.refund_value AS refund_value,
  list_filter(event_params, p -> p.key = 'ga_session_id')[1].value.int_value AS session_id,
  list_filter(event_params, p -> p.key = 'page_location')[1].value.string_value AS page_location,
  traffic_source.source AS source, geo.country AS country
FROM ({shards})
WHERE event_name IN ('purchase', 'refund', 'generate_lead', 'session_start')
"""
COLUMNS = """event_name, user_pseudo_id, event_timestamp, ecommerce, event_params,
  traffic_source, geo"""
PURCHASE = """
CREATE TEMP TABLE pass_{number} AS
SELECT p.*, greatest(0, p.revenue - coalesce(r.refunded, 0)) AS value
FROM (
  SELECT * FROM staged WHERE event_name = 'purchase' AND revenue > {over}
  QUALIFY row_number() OVER (PARTITION BY coalesce(order_id, client_id) ORDER BY created) = 1
) AS p
LEFT JOIN (
  SELECT order_id, sum(refund_value) AS refunded FROM staged WHERE event_name = 'refund' GROUP BY 1
) AS r USING (order_id)
"""

VISIT_COLUMNS = f"""{COLUMNS}, items, collected_traffic_source,
  session_traffic_source_last_click.cross_channel_campaign AS campaign"""
READ = """
CREATE TEMP TABLE read AS
SELECT
  event_name, user_pseudo_id AS client_id, make_timestamp(event_timestamp) AS created,
  list_filter(event_params, p -> p.key = 'ga_session_id')[1].value.int_value AS session_id,
  list_filter(event_params, p -> p.key = 'page_location')[1].value.string_value AS page_location,
  coalesce(campaign.source, collected_traffic_source.manual_source) AS source,
  coalesce(campaign.medium, collected_traffic_source.manual_medium) AS medium,
  CASE WHEN event_name IN ('purchase', 'refund') THEN ecommerce END AS ecommerce,
  CASE WHEN event_name IN ('purchase', 'refund', 'generate_lead') THEN event_params END AS params,
  CASE WHEN event_name IN ('purchase', 'refund', 'generate_lead') THEN items END AS items,
  geo.country AS country
FROM (
  -- else what is read of a parameter is prepared once a table
  WITH shards AS MATERIALIZED ({shards}) SELECT * FROM shards
)
"""
VISITS = """
CREATE TEMP TABLE visits AS
SELECT
  client_id, session_id, min(created) AS started_at, max(created) AS ended_at,
  count(*) FILTER (event_name = 'page_view') AS pages,
  count(DISTINCT page_location) FILTER (event_name = 'page_view') AS depth,
  arg_min(page_location, created) AS landing_page,
  arg_min(source, created) AS source, arg_min(medium, created) AS medium
FROM read WHERE session_id IS NOT NULL GROUP BY 1, 2
"""
CLICKS = rf"""
CREATE TEMP TABLE clicks AS
SELECT client_id, pair, min(created) AS clicked_at
FROM (
  SELECT
    client_id, created, unnest(
      regexp_extract_all(page_location, '(?i)[?&#;]((?:{"|".join(KINDS)})=[^&#;?]+)', 1)
    ) AS pair
  FROM read
)
GROUP BY 1, 2
"""
EVENTS = """
CREATE TEMP TABLE staged AS
SELECT
  read.* EXCLUDE (source, medium, ecommerce, params, items),
  nullif(ecommerce.transaction_id, '') AS order_id,
  ecommerce.purchase_revenue AS revenue, ecommerce.refund_value AS refund_value,
  visits.source, visits.medium
FROM read LEFT JOIN visits USING (client_id, session_id)
WHERE event_name IN ('purchase', 'refund', 'generate_lead')
"""
CLICKED = """
CREATE TEMP TABLE clicked_{number} AS
SELECT pass_{number}.*, clicks.pair, clicks.clicked_at
FROM pass_{number}
ASOF LEFT JOIN clicks
  ON clicks.client_id = pass_{number}.client_id AND clicks.clicked_at <= pass_{number}.created
"""


def plain(data: Path, conversions: int) -> None:
    """The purchases of each conversion, less their refunds."""

    def work(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute(STAGED.format(shards=_shards(connection, COLUMNS)))
        for number in range(conversions):
            connection.execute(PURCHASE.format(number=number, over=_over(number)))

    _with(data, work)


def whole(data: Path, conversions: int) -> None:
    """The same with the source of each purchase's visit and its client's last click."""

    def work(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute(READ.format(shards=_shards(connection, VISIT_COLUMNS)))
        for statement in (VISITS, CLICKS, EVENTS):
            connection.execute(statement)
        for number in range(conversions):
            connection.execute(PURCHASE.format(number=number, over=_over(number)))
            connection.execute(CLICKED.format(number=number))

    _with(data, work)


def _with(data: Path, work: Callable[[duckdb.DuckDBPyConnection], None]) -> None:
    with duckdb.connect(str(next(data.rglob("*.duckdb"))), read_only=True) as connection:
        work(connection)


def _over(number: int) -> int:
    return number * 5 if number else -1


def _shards(connection: duckdb.DuckDBPyConnection, columns: str) -> str:
    tables = connection.execute(
        "SELECT table_schema, table_name FROM information_schema.tables"
        " WHERE table_name SIMILAR TO 'events_[0-9]{8}'"
    ).fetchall()
    return " UNION ALL ".join(
        f'SELECT {columns} FROM "{schema}"."{name}"' for schema, name in tables
    )
