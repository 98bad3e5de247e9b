-- Which rules the events behind these ids pass.
SELECT id, {{ rules }}
FROM {{ stage }} AS event
CROSS JOIN UNNEST({{ names }}) AS id
WHERE event.date BETWEEN @start_date AND @end_date AND id IN UNNEST({{ ids }})
