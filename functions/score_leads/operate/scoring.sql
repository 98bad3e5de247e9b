-- Leads to score: attributes as first seen, what was promised of them, the score before, the score a
-- week ago, and the outcome. Scores of later days are not seen by the run of an earlier one.
SELECT
  feature.id,
  feature.date,
  feature.created,
  feature.client_id,
  feature.user_id,
  {{ clicks }},
  feature.email,
  feature.phone,
  feature.attributes,
  visited.attributes AS behaviour,
  before.probability AS probability_before,
  COALESCE(before.is_qualified, FALSE) AS qualified_before,
  before.qualified_at,
  IF(before.version = @definition_version, before.promised_probability, NULL) AS promised_probability,
  IF(before.version = @definition_version, before.promised_value, NULL) AS promised_value,
  IF(before.version = @definition_version, before.promised_deal_value, NULL) AS promised_deal_value,
  week.probability AS probability_week_ago,
  COALESCE(outcome.status, 'open') AS status,
  outcome.won_after,
  TIMESTAMP_DIFF(@as_of, feature.created, SECOND) / 86400 AS age,
  TIMESTAMP_DIFF(feature.first_seen_at, feature.created, HOUR) > @soon_hours AS is_reconstructed
FROM {{ features }} AS feature
INNER JOIN {{ leads }} AS lead ON lead.id = feature.id
LEFT JOIN {{ outcomes }} AS outcome ON outcome.id = feature.id
LEFT JOIN {{ behaviour }} AS visited ON visited.id = feature.id
LEFT JOIN (
  SELECT
    score.id,
    score.probability,
    score.is_qualified,
    score.qualified_at,
    -- scores of before promises were kept promised what they said
    COALESCE(score.definition_version, @definition_version) AS version,
    COALESCE(score.promised_probability, score.probability) AS promised_probability,
    COALESCE(score.promised_value, score.expected_value) AS promised_value,
    COALESCE(score.promised_deal_value, score.deal_value_if_won) AS promised_deal_value
  FROM {{ scores }} AS score
  WHERE score.conversion = @conversion AND score.date BETWEEN @start_date AND @end_date
    AND score.as_of <= @as_of
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY score.id ORDER BY score.as_of DESC, score.scored_at DESC, score.model_id
  ) = 1
) AS before ON before.id = feature.id
LEFT JOIN (
  SELECT score.id, score.probability
  FROM {{ scores }} AS score
  WHERE score.conversion = @conversion AND score.date BETWEEN @start_date AND @end_date
    AND score.as_of <= TIMESTAMP_SUB(@as_of, INTERVAL 7 DAY)
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY score.id ORDER BY score.as_of DESC, score.scored_at DESC, score.model_id
  ) = 1
) AS week ON week.id = feature.id
WHERE feature.conversion = @conversion
  AND feature.date BETWEEN @start_date AND @end_date
  AND feature.created <= @as_of
QUALIFY ROW_NUMBER() OVER (PARTITION BY feature.id ORDER BY feature.first_seen_at) = 1
ORDER BY feature.created, feature.id
