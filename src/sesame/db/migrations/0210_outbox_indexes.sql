-- Every notification wrote these twice or more, and nothing needs them: due times are looked up by endpoint, and rows of
-- a target by `order_key`, which begins with it.
DROP INDEX outbox_due;
DROP INDEX outbox_target;
