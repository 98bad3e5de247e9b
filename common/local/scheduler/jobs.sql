-- Jobs, each with its next attempt.

-- name: create
CREATE TABLE IF NOT EXISTS jobs (
  name TEXT PRIMARY KEY,
  enabled INTEGER NOT NULL,
  scheduled REAL NOT NULL,
  due REAL NOT NULL,
  failures INTEGER NOT NULL,
  began REAL,
  resource BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- name: put
INSERT INTO jobs VALUES (:name, :enabled, :scheduled, :due, :failures, :began, :resource)
ON CONFLICT (name) DO UPDATE SET
  enabled = excluded.enabled,
  scheduled = excluded.scheduled,
  due = excluded.due,
  failures = excluded.failures,
  began = excluded.began,
  resource = excluded.resource

-- name: drop
DELETE FROM jobs WHERE name = :name

-- name: one
SELECT scheduled, due, failures, began, resource FROM jobs WHERE name = :name

-- name: all
SELECT scheduled, due, failures, began, resource FROM jobs ORDER BY name

-- name: due
SELECT scheduled, due, failures, began, resource FROM jobs
WHERE enabled AND due <= :now
ORDER BY due, name

-- name: next_due
SELECT MIN(due) AS due FROM jobs WHERE enabled AND due > :now
