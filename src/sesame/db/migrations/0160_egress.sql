-- Addresses that mail leaves from. Which there are, and whose, the settings say; here is what accounts make of theirs.
CREATE TABLE egress_pool (
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    scaling_mode TEXT NOT NULL,
    created_at REAL NOT NULL,
    PRIMARY KEY (account_id, region, name)
) WITHOUT ROWID;

-- When an account's address was first there: its warm-up counts from then on.
CREATE TABLE egress_address (
    address TEXT PRIMARY KEY,
    seen_at REAL NOT NULL
) WITHOUT ROWID;

-- What an account has said of an address: the pool it is in, empty for none, and how far its warm-up was `since` when;
-- a percentage without `since` does not grow, none is that of an address which has been warmed up since it was first there.
CREATE TABLE egress_assignment (
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    address TEXT NOT NULL,
    pool TEXT NOT NULL DEFAULT '',
    percentage REAL,
    since REAL,
    PRIMARY KEY (account_id, region, address)
) WITHOUT ROWID;

-- Accounts whose addresses are not warmed up by themselves, or are again.
CREATE TABLE egress_account (
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    auto_warmup INTEGER NOT NULL,
    PRIMARY KEY (account_id, region)
) WITHOUT ROWID;

-- What went from an address that is being warmed up, by day (days since 1970, UTC).
CREATE TABLE egress_day (
    address TEXT NOT NULL,
    day INTEGER NOT NULL,
    sent INTEGER NOT NULL,
    PRIMARY KEY (address, day)
) WITHOUT ROWID;

-- Where a connection came from.
ALTER TABLE attempt ADD COLUMN source_ip TEXT;
