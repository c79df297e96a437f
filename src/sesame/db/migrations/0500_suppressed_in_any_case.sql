-- Sending compares addresses without case: every message's look into the lists goes along these. With the reason in it
-- the first one has all that is read, without which SQLite would rather walk over all of an account's entries.
CREATE INDEX suppressed_destination_folded ON suppressed_destination (account_id, region, LOWER(address), reason);
CREATE INDEX global_suppression_folded ON global_suppression (LOWER(address));
