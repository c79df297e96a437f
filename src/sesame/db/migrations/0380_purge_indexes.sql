-- What is let go of is found along an index: a purge that takes a part in each write would walk over the table each time.
CREATE INDEX subscription_pending ON subscription (token_until) WHERE confirmed_at IS NULL;
CREATE INDEX mta_sts_policy_expires ON mta_sts_policy (expires_at);
