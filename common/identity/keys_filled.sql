UPDATE {{ target }} AS target
SET person_key = {{ key }}, client_key = {{ client }}
WHERE target.date BETWEEN @first_date AND @last_date AND target.person_key IS NULL
