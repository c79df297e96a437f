-- What an account is called where people log in, and what it asks of their passwords.
CREATE TABLE account_alias (
    alias TEXT PRIMARY KEY,
    account_id TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX account_alias_account ON account_alias (account_id);

-- `max_age_days` and `remembered` are 0 where passwords do not expire, or may be used again.
CREATE TABLE password_policy (
    account_id TEXT PRIMARY KEY,
    least_length INTEGER NOT NULL,
    symbols INTEGER NOT NULL,
    numbers INTEGER NOT NULL,
    uppercase INTEGER NOT NULL,
    lowercase INTEGER NOT NULL,
    users_may_change INTEGER NOT NULL,
    max_age_days INTEGER NOT NULL,
    remembered INTEGER NOT NULL,
    hard_expiry INTEGER NOT NULL
) WITHOUT ROWID;

-- Hashes of passwords that may not be used again.
CREATE TABLE former_password (
    user_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    password TEXT NOT NULL,
    PRIMARY KEY (user_id, number)
) WITHOUT ROWID;

ALTER TABLE login_profile ADD COLUMN set_at REAL NOT NULL DEFAULT 0;
UPDATE login_profile SET set_at = created_at;
