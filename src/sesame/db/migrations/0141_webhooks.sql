-- Event destinations that are webhooks: what signs for each, sealed. The secret before stays good until `previous_until`.
CREATE TABLE webhook (
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    set_name TEXT NOT NULL,
    name TEXT NOT NULL,
    sealed_secret BLOB NOT NULL,
    sealed_previous BLOB,
    previous_until REAL,
    created_at REAL NOT NULL,
    rotated_at REAL,
    PRIMARY KEY (account_id, region, set_name, name),
    FOREIGN KEY (account_id, region, set_name, name) REFERENCES event_destination ON DELETE CASCADE
) WITHOUT ROWID;
