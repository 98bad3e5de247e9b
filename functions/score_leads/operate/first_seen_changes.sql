-- Leads that were seen soon after their creation, and what their attributes are by now.
SELECT feature.attributes AS first_seen, lead.attributes AS current_value
FROM {{ features }} AS feature
INNER JOIN {{ leads }} AS lead ON lead.id = feature.id
WHERE feature.conversion = @conversion
  AND TIMESTAMP_DIFF(feature.first_seen_at, feature.created, HOUR) < @soon_hours
  AND TIMESTAMP_DIFF(@as_of, feature.created, HOUR) >= @compared_hours
ORDER BY feature.created DESC, feature.id
LIMIT @most
