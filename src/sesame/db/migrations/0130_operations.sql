-- What waits for a destination, in the order in which it came: one look for the oldest, and changes that walk over nothing else.
CREATE INDEX queue_domain ON queue (domain, seq);

-- The operator's answer to who asks for production access: NULL while there is none, GRANTED or DENIED, with its reason for the account to read.
ALTER TABLE account_details ADD COLUMN answer TEXT;
ALTER TABLE account_details ADD COLUMN answer_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE account_details ADD COLUMN answered_at REAL;
CREATE INDEX account_details_asking ON account_details (submitted_at) WHERE wants_production = 1 AND answer IS NULL;
