-- Options as JSON in the words of the SES API v2; sending_enabled apart, since every send asks.
CREATE TABLE configuration_set (
    account_id TEXT NOT NULL REFERENCES account,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    sending_enabled INTEGER NOT NULL DEFAULT 1,
    options TEXT NOT NULL DEFAULT '{}',
    created_at REAL NOT NULL,
    PRIMARY KEY (account_id, region, name)
) WITHOUT ROWID;

CREATE TABLE event_destination (
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    set_name TEXT NOT NULL,
    name TEXT NOT NULL,
    definition TEXT NOT NULL,
    PRIMARY KEY (account_id, region, set_name, name),
    FOREIGN KEY (account_id, region, set_name) REFERENCES configuration_set ON DELETE CASCADE
) WITHOUT ROWID;

CREATE TABLE suppressed_destination (
    account_id TEXT NOT NULL REFERENCES account,
    region TEXT NOT NULL,
    address TEXT NOT NULL,
    reason TEXT NOT NULL,
    updated_at REAL NOT NULL,
    message_id TEXT,
    PRIMARY KEY (account_id, region, address)
) WITHOUT ROWID;

-- How many addresses an account suppresses, beside what every send reads; and for which reasons it does.
ALTER TABLE account_region ADD COLUMN suppressed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account_region ADD COLUMN suppressed_reasons TEXT;

-- The set of mail that an owner sends as an identity and names none for.
CREATE TABLE identity_configuration_set (
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    identity TEXT NOT NULL,
    set_name TEXT NOT NULL,
    PRIMARY KEY (account_id, region, identity),
    FOREIGN KEY (account_id, region, identity) REFERENCES identity ON DELETE CASCADE
) WITHOUT ROWID;

-- What the set said when the message was accepted.
ALTER TABLE message ADD COLUMN configuration_set TEXT;
ALTER TABLE message ADD COLUMN requires_tls INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN max_delivery_s INTEGER;
