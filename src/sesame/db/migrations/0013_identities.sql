-- Settings of identities that delivery honours, what the last look-up of DNS found.

-- An address follows its domain's DKIM switch until it has one of its own.
ALTER TABLE identity ADD COLUMN dkim_overrides INTEGER NOT NULL DEFAULT 0;
-- EXTERNAL: the owner brought the key, and dkim_tokens holds its selector.
ALTER TABLE identity ADD COLUMN dkim_origin TEXT NOT NULL DEFAULT 'AWS_SES';
-- The tokens of Easy DKIM, the same for as long as the identity lives.
ALTER TABLE identity ADD COLUMN easy_dkim_tokens TEXT NOT NULL DEFAULT '[]';
UPDATE identity SET easy_dkim_tokens = dkim_tokens;

-- When DNS was last asked, when all it should say was last there, and what was wrong. No decision reads these.
ALTER TABLE identity ADD COLUMN checked_at REAL;
ALTER TABLE identity ADD COLUMN proved_at REAL;
ALTER TABLE identity ADD COLUMN check_error TEXT;
CREATE INDEX identity_checked ON identity (checked_at) WHERE kind = 'Domain';

ALTER TABLE dkim_key ADD COLUMN key_bits INTEGER NOT NULL DEFAULT 2048;
-- Easy DKIM, while a key of another length is being published, and after: the key before stays in DNS.
ALTER TABLE dkim_key ADD COLUMN length_changed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dkim_key ADD COLUMN previous_selector TEXT NOT NULL DEFAULT '';
ALTER TABLE dkim_key ADD COLUMN previous_public_key TEXT NOT NULL DEFAULT '';

CREATE TABLE dkim_next_key (
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    domain TEXT NOT NULL,
    selector TEXT NOT NULL,
    sealed_private_key BLOB NOT NULL,
    public_key TEXT NOT NULL,
    key_bits INTEGER NOT NULL,
    created_at REAL NOT NULL,
    PRIMARY KEY (account_id, region, domain)
) WITHOUT ROWID;

CREATE TABLE mail_from (
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    identity TEXT NOT NULL,
    domain TEXT NOT NULL,
    behavior TEXT NOT NULL,
    status TEXT NOT NULL,
    started_at REAL NOT NULL,
    checked_at REAL,
    PRIMARY KEY (account_id, region, identity),
    FOREIGN KEY (account_id, region, identity) REFERENCES identity ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX mail_from_domain ON mail_from (domain);
