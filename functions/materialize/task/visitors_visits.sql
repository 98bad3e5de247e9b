SELECT
  visit.client_id,
  visit.date,
  visit.started_at,
  visit.session_id,
  visit.landing_page,
  visit.source,
  visit.medium,
  visit.campaign,
  visit.channel_group
FROM {{ known }} AS visit
WHERE
  visit.date BETWEEN DATE_SUB(@first_date, INTERVAL {{ longest }} DAY) AND @end_date
  AND visit.client_id IN (SELECT event.client_id {{ lacking }})
