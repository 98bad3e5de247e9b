UPDATE {{ target }} AS target
SET person_key = {{ key }}
WHERE target.date BETWEEN @first_date AND @last_date AND target.person_key IS NULL
