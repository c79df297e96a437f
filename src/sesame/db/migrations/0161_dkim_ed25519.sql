-- Ed25519 keys beside the RSA keys of domains (RFC 8463); one signs once its record has been seen.
CREATE TABLE dkim_ed25519_key (
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    domain TEXT NOT NULL,
    selector TEXT NOT NULL,
    sealed_private_key BLOB NOT NULL,
    public_key TEXT NOT NULL,
    created_at REAL NOT NULL,
    is_seen INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, region, domain)
) WITHOUT ROWID;
