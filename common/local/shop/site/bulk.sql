-- One row a drawn event (DuckDB); a column's name is its path in the export schema.
SELECT
  strftime(make_timestamp(drawn.at), '%Y%m%d') AS event_date,
  drawn.at AS event_timestamp,
  getvariable('names')[drawn.name + 1] AS event_name,
  list_concat(
    [
      {'key': 'ga_session_id', 'value': {'int_value': drawn.visit}},
      {'key': 'ga_session_number', 'value': {'int_value': 1 + drawn.visit % 5}},
      {'key': 'session_engaged', 'value': {'string_value': '1'}},
      {'key': 'page_title', 'value': {'string_value': 'Kiln & Oak'}},
      {
        'key': 'page_location',
        'value': {
          'string_value': 'https://www.kilnandoak.example/'
            || CASE WHEN drawn.place = 0 AND drawn.channel = 1 THEN '?gclid=Cj0KCQ' || md5(drawn.visit::VARCHAR) ELSE '' END
        }
      }
    ],
    CASE WHEN drawn.paid THEN
      [
        {'key': 'value', 'value': {'double_value': drawn.total}},
        {'key': 'currency', 'value': {'string_value': 'EUR'}}
      ]
    ELSE [] END
  ) AS event_params,
  CASE WHEN drawn.paid OR getvariable('names')[drawn.name + 1] IN ('view_item', 'add_to_cart') THEN
    [
      {
        'item_id': 'KO-' || (100 + drawn.visit % 20)::VARCHAR,
        'item_name': ['Oak dining table', 'Spindle chair', 'Linen sofa', 'Vase'][1 + drawn.visit % 4],
        'item_brand': ['Kiln & Oak', 'Holm', 'Fjell'][1 + drawn.visit % 3],
        'item_category': ['Tables', 'Chairs', 'Sofas', 'Ceramics'][1 + drawn.visit % 4],
        'price': drawn.total,
        'quantity': 1,
        'item_params': []
      }
    ]
  ELSE [] END AS items,
  'C-' || CASE WHEN drawn.account >= 0 THEN drawn.account::VARCHAR END AS user_id,
  (100000000 + drawn.client)::VARCHAR || '.1700000000' AS user_pseudo_id,
  'Yes' AS "privacy_info.analytics_storage",
  'Yes' AS "privacy_info.ads_storage",
  'No' AS "privacy_info.uses_transient_token",
  drawn.at - drawn.place * 17000000 AS user_first_touch_timestamp,
  ['desktop', 'mobile', 'tablet'][drawn.device + 1] AS "device.category",
  ['Windows', 'iOS', 'Android'][drawn.device + 1] AS "device.operating_system",
  'de-de' AS "device.language",
  ['Chrome', 'Safari', 'Chrome'][drawn.device + 1] AS "device.web_info.browser",
  'www.kilnandoak.example' AS "device.web_info.hostname",
  ['Germany', 'France', 'Spain', 'Austria', 'Ireland'][drawn.country + 1] AS "geo.country",
  ['Berlin', 'Paris', 'Madrid', 'Vienna', 'Dublin'][drawn.country + 1] AS "geo.city",
  'Europe' AS "geo.continent",
  ['google', 'google', '(direct)', 'facebook', 'newsletter', 'bing'][drawn.channel + 1] AS "traffic_source.source",
  ['organic', 'cpc', '(none)', 'paid_social', 'email', 'cpc'][drawn.channel + 1] AS "traffic_source.medium",
  '4102938475' AS stream_id,
  'WEB' AS platform,
  CASE WHEN drawn.paid THEN 1 END AS "ecommerce.total_item_quantity",
  CASE WHEN drawn.paid AND NOT drawn.refunds THEN drawn.total END AS "ecommerce.purchase_revenue",
  CASE WHEN drawn.refunds THEN drawn.refund END AS "ecommerce.refund_value",
  CASE WHEN NOT drawn.paid THEN NULL WHEN drawn.sale < 0 THEN '(not set)' ELSE 'B-' || drawn.sale::VARCHAR END AS "ecommerce.transaction_id",
  CASE WHEN drawn.place = 0 THEN ['google', 'google', NULL, 'facebook', 'newsletter', 'bing'][drawn.channel + 1] END AS "collected_traffic_source.manual_source",
  CASE WHEN drawn.place = 0 AND drawn.channel = 1 THEN 'Cj0KCQ' || md5(drawn.visit::VARCHAR) END AS "collected_traffic_source.gclid",
  true AS is_active_user,
  drawn.place AS batch_event_index,
  drawn.visit AS batch_page_id,
  1::BIGINT AS batch_ordering_id,
  ['google', 'google', '(direct)', 'facebook', 'newsletter', 'bing'][drawn.channel + 1] AS "session_traffic_source_last_click.manual_campaign.source",
  ['organic', 'cpc', '(none)', 'paid_social', 'email', 'cpc'][drawn.channel + 1] AS "session_traffic_source_last_click.manual_campaign.medium"
FROM drawn
