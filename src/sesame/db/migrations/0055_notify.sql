-- What those who are told of a message see of it as it was submitted: the sender as written (NULL: as in `source`), and the
-- header block before it was rewritten (NULL: the message was built from parts).
ALTER TABLE message ADD COLUMN source_shown TEXT;
ALTER TABLE message_head ADD COLUMN submitted BLOB;
ALTER TABLE body ADD COLUMN submitted BLOB;

-- Subscriptions to topics. `token` confirms one, or takes an unsubscription back; kept as a digest. `confirmed_at` NULL: pending.
CREATE TABLE subscription (
    arn TEXT PRIMARY KEY,
    topic_arn TEXT NOT NULL,
    account_id TEXT NOT NULL,
    protocol TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    attributes TEXT NOT NULL,
    token_digest TEXT,
    token_until REAL,
    confirmed_at REAL,
    needs_authentication INTEGER NOT NULL DEFAULT 0,
    created_at REAL NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX subscription_endpoint ON subscription (topic_arn, protocol, endpoint);
CREATE INDEX subscription_account ON subscription (account_id, arn);

-- What is published, once, whoever gets it. `about` is the event it tells of, NULL for what a client publishes; `extra` is
-- JSON: signature version, message attributes, what belongs to a confirmation.
CREATE TABLE publication (
    seq INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL UNIQUE,
    topic_arn TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT,
    body TEXT NOT NULL,
    extra TEXT,
    at REAL NOT NULL,
    about TEXT
);
CREATE INDEX publication_at ON publication (at);
CREATE INDEX publication_about ON publication (about) WHERE about IS NOT NULL;

-- One row a destination. `order_key` says which are delivered in their order, `options` how (JSON); a row that is being
-- delivered is due again when its lease ends.
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY,
    publication_seq INTEGER NOT NULL REFERENCES publication (seq),
    target TEXT NOT NULL,
    protocol TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    options TEXT,
    order_key TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at REAL NOT NULL,
    lease TEXT,
    ended_at REAL,
    problem TEXT
);
CREATE INDEX outbox_waiting ON outbox (endpoint, due_at) WHERE state = 'waiting';
CREATE INDEX outbox_due ON outbox (due_at) WHERE state = 'waiting';
CREATE INDEX outbox_order ON outbox (order_key, seq) WHERE state = 'waiting';
CREATE INDEX outbox_publication ON outbox (publication_seq);
CREATE INDEX outbox_target ON outbox (target) WHERE state = 'waiting';
CREATE INDEX outbox_dead ON outbox (seq) WHERE state = 'dead';

-- The key that signs what is published, sealed, and its certificate.
CREATE TABLE signing_certificate (
    name TEXT PRIMARY KEY,
    sealed_key BLOB NOT NULL,
    certificate TEXT NOT NULL,
    created_at REAL NOT NULL
) WITHOUT ROWID;
