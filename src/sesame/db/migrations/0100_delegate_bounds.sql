-- What the owner of an identity lets a delegate use of it, beside its policies. `identity` is a name or `*` for all; `delegate`
-- the number of an account, the ARN of a user or role, or the name of a service. NULL bounds nothing.
CREATE TABLE delegate_bounds (
    seq INTEGER PRIMARY KEY,
    owner_account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    identity TEXT NOT NULL,
    delegate TEXT NOT NULL,
    messages_per_day INTEGER,
    messages_per_second INTEGER,
    recipients_per_day INTEGER,
    bytes_per_day INTEGER,
    expires_at REAL,
    paused_at REAL,
    pause_reason TEXT NOT NULL DEFAULT '',
    updated_at REAL NOT NULL
);
CREATE UNIQUE INDEX delegate_bounds_key ON delegate_bounds (owner_account_id, region, identity, delegate);

-- What is used of them in the last 24 hours; `slots` counts the messages of the last seconds, as JSON.
CREATE TABLE delegate_use (
    bounds_seq INTEGER PRIMARY KEY,
    messages INTEGER NOT NULL,
    recipients INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    slots TEXT NOT NULL
);

CREATE TABLE delegate_use_minute (
    bounds_seq INTEGER NOT NULL,
    minute INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    recipients INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (bounds_seq, minute)
) WITHOUT ROWID;

-- Of a message that was sent as another account's identity: the epochs of those who lent it, as `ACCOUNT:EPOCH`, in words
-- apart. NULL: of the account's own identities, or accepted before this was kept.
ALTER TABLE message ADD COLUMN lent TEXT;
