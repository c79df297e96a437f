-- What waits for delivery, apart from the messages: a narrow row for each recipient until it is settled, found along lanes
-- (account, destination). `queued_at`, `due_at` and `expires_at` are of delivery's own clock, which no step of the wall clock
-- moves; due at 0 is due at once. `token` counts claims: only the last one may write. `holder` is the process whose claim
-- lives, empty one that was told to stop. `deaths` counts processes that ended during an attempt, `doubts` attempts after
-- which the message may have been delivered. A held row has its reason, and is never due.
CREATE TABLE queue (
    seq INTEGER PRIMARY KEY,
    message_seq INTEGER NOT NULL,
    n INTEGER NOT NULL,
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    domain TEXT NOT NULL,
    pool TEXT NOT NULL DEFAULT '',
    queued_at REAL NOT NULL,
    due_at REAL NOT NULL,
    expires_at REAL,
    attempts INTEGER NOT NULL DEFAULT 0,
    doubts INTEGER NOT NULL DEFAULT 0,
    deaths INTEGER NOT NULL DEFAULT 0,
    token INTEGER NOT NULL DEFAULT 0,
    holder TEXT,
    hold TEXT
);
CREATE INDEX queue_lane ON queue (account_id, domain, due_at);
CREATE INDEX queue_suspect ON queue (due_at) WHERE deaths >= 2;
CREATE INDEX queue_expires ON queue (expires_at) WHERE expires_at IS NOT NULL;
INSERT INTO queue (seq, message_seq, n, account_id, region, domain, queued_at, due_at, expires_at, attempts,
        token)
    SELECT r.seq, r.message_seq, r.n, m.account_id, m.region, r.domain, m.accepted_at,
        CASE WHEN r.lease IS NULL THEN r.due_at ELSE 0 END, m.accepted_at + m.max_delivery_s, r.attempts,
        r.attempts
    FROM recipient r JOIN message m ON m.seq = r.message_seq WHERE r.state = 'queued';
DROP INDEX recipient_due;
ALTER TABLE recipient DROP COLUMN lease;

-- Destinations to which the operator lets nothing go.
CREATE TABLE queue_pause (
    domain TEXT PRIMARY KEY,
    paused_at REAL NOT NULL,
    reason TEXT NOT NULL
) WITHOUT ROWID;

-- Where delivery's clock stood, so that a restart goes on with it: one row.
CREATE TABLE queue_clock (
    id INTEGER PRIMARY KEY,
    boot_id TEXT NOT NULL,
    monotonic REAL NOT NULL,
    now REAL NOT NULL
);

-- To which command of the dialogue the reply of an attempt came.
ALTER TABLE attempt ADD COLUMN stage TEXT;
