-- Times are Unix seconds UTC (REAL). Secrets are sealed (AES-GCM) before they come here.

-- INVARIANT I4: whatever an accept decision read has a scope here, and every change of it bumps the scope.
CREATE TABLE epoch (
    scope TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE account (
    account_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    production INTEGER NOT NULL,
    max_24_hour_send REAL NOT NULL,
    max_send_rate REAL NOT NULL,
    created_at REAL NOT NULL
) WITHOUT ROWID;

-- What differs by region, and the running quota state (I5).
CREATE TABLE account_region (
    account_id TEXT NOT NULL REFERENCES account,
    region TEXT NOT NULL,
    sending_enabled INTEGER NOT NULL DEFAULT 1,
    production INTEGER,
    max_24_hour_send REAL,
    max_send_rate REAL,
    sent_last_24_hours INTEGER NOT NULL DEFAULT 0,
    tokens REAL,
    tokens_at REAL NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, region)
) WITHOUT ROWID;

CREATE TABLE usage_minute (
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    minute INTEGER NOT NULL,
    recipients INTEGER NOT NULL,
    PRIMARY KEY (account_id, region, minute)
) WITHOUT ROWID;

CREATE TABLE iam_user (
    account_id TEXT NOT NULL REFERENCES account,
    user_name TEXT NOT NULL,
    path TEXT NOT NULL,
    user_id TEXT NOT NULL UNIQUE,
    tags TEXT NOT NULL DEFAULT '[]',
    created_at REAL NOT NULL,
    PRIMARY KEY (account_id, user_name)
) WITHOUT ROWID;

-- user_id is the IAM user's unique id, or the account id for a root key.
CREATE TABLE access_key (
    access_key_id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account,
    user_id TEXT NOT NULL,
    sealed_secret BLOB NOT NULL,
    status TEXT NOT NULL,
    created_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX access_key_user ON access_key (account_id, user_id);

CREATE TABLE user_policy (
    user_id TEXT NOT NULL REFERENCES iam_user (user_id),
    policy_name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (user_id, policy_name)
) WITHOUT ROWID;

CREATE TABLE identity (
    account_id TEXT NOT NULL REFERENCES account,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    verification TEXT NOT NULL,
    verification_token TEXT NOT NULL,
    verification_started_at REAL NOT NULL,
    created_at REAL NOT NULL,
    vouched INTEGER NOT NULL DEFAULT 0,
    dkim_enabled INTEGER NOT NULL DEFAULT 1,
    dkim_status TEXT NOT NULL DEFAULT 'NotStarted',
    dkim_tokens TEXT NOT NULL DEFAULT '[]',
    dkim_started_at REAL,
    PRIMARY KEY (account_id, region, name)
) WITHOUT ROWID;
CREATE INDEX identity_pending ON identity (verification, dkim_status);
CREATE INDEX identity_name ON identity (name);
CREATE UNIQUE INDEX identity_token ON identity (verification_token);

CREATE TABLE dkim_key (
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    domain TEXT NOT NULL,
    selector TEXT NOT NULL,
    sealed_private_key BLOB NOT NULL,
    public_key TEXT NOT NULL,
    created_at REAL NOT NULL,
    PRIMARY KEY (account_id, region, domain)
) WITHOUT ROWID;

-- principal_ids binds the local users a policy names to their unique ids (JSON object, ARN to id).
CREATE TABLE identity_policy (
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    identity TEXT NOT NULL,
    policy_name TEXT NOT NULL,
    document TEXT NOT NULL,
    principal_ids TEXT NOT NULL,
    PRIMARY KEY (account_id, region, identity, policy_name),
    FOREIGN KEY (account_id, region, identity) REFERENCES identity ON DELETE CASCADE
) WITHOUT ROWID;

-- The spool. A message stays for tracing after its body went with the last settled recipient.
CREATE TABLE message (
    seq INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL,
    owner_account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    identity TEXT NOT NULL,
    source TEXT NOT NULL,
    return_path TEXT NOT NULL,
    subject TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    tags TEXT NOT NULL,
    decision TEXT NOT NULL,
    accepted_at REAL NOT NULL
);
CREATE INDEX message_account ON message (account_id, accepted_at);
CREATE INDEX message_owner ON message (owner_account_id, accepted_at);

CREATE TABLE body (
    message_seq INTEGER PRIMARY KEY REFERENCES message (seq),
    data BLOB NOT NULL
);

CREATE TABLE recipient (
    seq INTEGER PRIMARY KEY,
    message_seq INTEGER NOT NULL REFERENCES message (seq),
    n INTEGER NOT NULL,
    address TEXT NOT NULL,
    domain TEXT NOT NULL,
    state TEXT NOT NULL,
    due_at REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    lease TEXT
);
CREATE INDEX recipient_message ON recipient (message_seq);
CREATE INDEX recipient_due ON recipient (due_at) WHERE state = 'queued';

CREATE TABLE attempt (
    seq INTEGER PRIMARY KEY,
    recipient_seq INTEGER NOT NULL REFERENCES recipient (seq),
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    diagnostic TEXT NOT NULL,
    remote_mta TEXT,
    remote_ip TEXT,
    tls TEXT
);
CREATE INDEX attempt_recipient ON attempt (recipient_seq);

CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    event_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at REAL NOT NULL,
    recipient TEXT,
    detail TEXT NOT NULL
);
CREATE INDEX event_message ON event (message_id);

CREATE TABLE refusal (
    seq INTEGER PRIMARY KEY,
    request_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    owner_account_id TEXT,
    region TEXT NOT NULL,
    at REAL NOT NULL,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    decision TEXT NOT NULL
);
CREATE INDEX refusal_account ON refusal (account_id, at);
CREATE INDEX refusal_owner ON refusal (owner_account_id, at);

-- The development profile's mailbox server and local DNS zone.
CREATE TABLE mailbox (
    seq INTEGER PRIMARY KEY,
    received_at REAL NOT NULL,
    mail_from TEXT NOT NULL,
    rcpt_to TEXT NOT NULL,
    data BLOB NOT NULL
);

CREATE TABLE zone_record (
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (name, kind, value)
) WITHOUT ROWID;
