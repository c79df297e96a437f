-- The users and roles that a topic's policy names, by ARN, with the unique ids that they had when it was set.
ALTER TABLE topic ADD COLUMN principal_ids TEXT NOT NULL DEFAULT '{}';
