-- What a conversion counted, one row a channel: a source and medium, or the platform of the click.
SELECT
  channel.source, channel.medium, channel.platform,
  COUNT(*) AS conversions,
  SUM(channel.value_project) AS value,
  SUM(NULLIF(channel.value_refunded, 0) * channel.exchange_rate) AS refunded,
  IF(COUNT(channel.is_qualified) = 0, NULL, COUNTIF(channel.is_qualified)) AS qualified,
  COUNTIF(channel.is_attributed) AS attributed
FROM (
  SELECT
    conversion.value_project, conversion.value_refunded, conversion.exchange_rate, conversion.is_qualified,
    IF(@by = 'platform', NULL, COALESCE(NULLIF(conversion.source, ''), '(not attributed)')) AS source,
    IF(@by = 'platform', NULL, COALESCE(NULLIF(conversion.medium, ''), '(not attributed)')) AS medium,
    CASE
      WHEN @by <> 'platform' THEN NULL
      WHEN COALESCE(conversion.gclid, conversion.gbraid, conversion.wbraid, conversion.dclid) IS NOT NULL THEN 'google'
      WHEN COALESCE(conversion.fbc, conversion.fbclid) IS NOT NULL THEN 'meta'
      WHEN conversion.msclkid IS NOT NULL THEN 'microsoft'
      WHEN conversion.ttclid IS NOT NULL THEN 'tiktok'
      WHEN conversion.li_fat_id IS NOT NULL THEN 'linkedin'
      ELSE '(not attributed)'
    END AS platform,
    {{ attributed }} AS is_attributed
  FROM {{ conversion }} AS conversion
  WHERE conversion.date BETWEEN @start_date AND @end_date
) AS channel
GROUP BY channel.source, channel.medium, channel.platform
ORDER BY conversions DESC, channel.source, channel.medium, channel.platform
LIMIT @limit
