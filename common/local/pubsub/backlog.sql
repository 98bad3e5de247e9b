-- Topics, subscriptions and the messages that each subscription still has to deliver.

-- name: create
CREATE TABLE IF NOT EXISTS topics (
  name TEXT PRIMARY KEY,
  resource BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS subscriptions (
  name TEXT PRIMARY KEY,
  topic TEXT NOT NULL,
  pushes INTEGER NOT NULL,
  resource BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (
  -- ids are never used twice, so that they also tell the order of publishing
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  published REAL NOT NULL,
  message BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS deliveries (
  subscription TEXT NOT NULL REFERENCES subscriptions ON DELETE CASCADE,
  message INTEGER NOT NULL REFERENCES messages ON DELETE CASCADE,
  -- empty where the subscription keeps no order
  ordering_key TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'outstanding', 'acknowledged')),
  attempts INTEGER NOT NULL,
  -- waiting: not before this second; outstanding: the end of the acknowledgement deadline
  due REAL NOT NULL,
  PRIMARY KEY (subscription, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS deliveries_by_message ON deliveries (message);
CREATE INDEX IF NOT EXISTS deliveries_by_state ON deliveries (subscription, state, due);

-- name: topics
SELECT resource FROM topics ORDER BY name

-- name: topic
SELECT resource FROM topics WHERE name = :name

-- name: put_topic
INSERT INTO topics VALUES (:name, :resource)

-- name: drop_topic
DELETE FROM topics WHERE name = :name

-- name: subscriptions
SELECT resource FROM subscriptions ORDER BY name

-- name: subscriptions_of
SELECT resource FROM subscriptions WHERE topic = :topic ORDER BY name

-- name: pushing
SELECT resource FROM subscriptions WHERE pushes ORDER BY name

-- name: subscription
SELECT resource FROM subscriptions WHERE name = :name

-- name: put_subscription
INSERT INTO subscriptions VALUES (:name, :topic, :pushes, :resource)
ON CONFLICT (name) DO UPDATE SET
  topic = excluded.topic, pushes = excluded.pushes, resource = excluded.resource

-- name: drop_subscription
DELETE FROM subscriptions WHERE name = :name

-- name: put_message
INSERT INTO messages (published, message) VALUES (:published, :message)

-- name: put_delivery
INSERT INTO deliveries VALUES (:subscription, :message, :ordering_key, 'waiting', 0, :due)

-- name: forget
DELETE FROM deliveries
WHERE subscription = :subscription
  AND message IN (SELECT id FROM messages WHERE published < :before)

-- name: forget_messages
DELETE FROM messages WHERE id NOT IN (SELECT message FROM deliveries)

-- name: overdue
SELECT message, attempts FROM deliveries
WHERE subscription = :subscription AND state = 'outstanding' AND due <= :now
ORDER BY message

-- name: outstanding
SELECT delivery.subscription, delivery.message, delivery.attempts
FROM deliveries AS delivery
JOIN subscriptions ON subscriptions.name = delivery.subscription
WHERE delivery.state = 'outstanding' AND subscriptions.pushes
ORDER BY delivery.message

-- name: ready
-- A key waits while one of its messages is outstanding or, one by one, while an earlier one waits;
-- a message that waits for its next attempt holds up the later ones of its key.
SELECT delivery.message AS id, delivery.attempts + 1 AS attempt, messages.published, messages.message
FROM deliveries AS delivery
JOIN messages ON messages.id = delivery.message
WHERE delivery.subscription = :subscription
  AND delivery.state = 'waiting'
  AND delivery.due <= :now
  AND (
    delivery.ordering_key = ''
    OR NOT EXISTS (
      SELECT * FROM deliveries AS other
      WHERE other.subscription = delivery.subscription
        AND other.ordering_key = delivery.ordering_key
        AND (
          other.state = 'outstanding'
          OR (
            other.state = 'waiting'
            AND other.message < delivery.message
            AND (:one_by_one OR other.due > :now)
          )
        )
    )
  )
ORDER BY delivery.message
LIMIT :most

-- name: lease
UPDATE deliveries SET state = 'outstanding', attempts = attempts + 1, due = :deadline
WHERE subscription = :subscription AND message = :message

-- name: extend
UPDATE deliveries SET due = :deadline
WHERE subscription = :subscription AND message = :message
  AND state = 'outstanding' AND attempts = :attempt

-- name: acknowledge
UPDATE deliveries SET state = 'acknowledged'
WHERE subscription = :subscription AND message = :message

-- name: release
UPDATE deliveries SET state = 'waiting', due = :due
WHERE subscription = :subscription AND message = :message
  AND state = 'outstanding' AND attempts = :attempt

-- name: again
UPDATE deliveries SET state = 'waiting', due = :due
WHERE subscription = :subscription AND message = :message

-- name: again_after
-- Delivering a message again delivers the later ones of its key again, acknowledged or not.
UPDATE deliveries SET state = 'waiting', due = :due
WHERE subscription = :subscription
  AND message > :message
  AND attempts > 0
  AND ordering_key <> ''
  AND ordering_key = (
    SELECT ordering_key FROM deliveries
    WHERE subscription = :subscription AND message = :message
  )

-- name: message
SELECT id, published, message FROM messages WHERE id = :message

-- name: next_due
SELECT MIN(delivery.due) AS due
FROM deliveries AS delivery
JOIN subscriptions ON subscriptions.name = delivery.subscription
WHERE subscriptions.pushes AND delivery.state <> 'acknowledged' AND delivery.due > :now

-- name: undelivered
SELECT subscriptions.name, COUNT(delivery.message) AS messages
FROM subscriptions
LEFT JOIN deliveries AS delivery
  ON delivery.subscription = subscriptions.name AND delivery.state <> 'acknowledged'
WHERE subscriptions.pushes = :pushes
GROUP BY subscriptions.name
