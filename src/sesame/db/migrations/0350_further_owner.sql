-- Whom a refused send concerns beside its sender and the first owner: the owners of other identities that refused it.
CREATE TABLE further_owner (
    owner_account_id TEXT NOT NULL,
    at REAL NOT NULL,
    refusal_seq INTEGER NOT NULL,
    PRIMARY KEY (owner_account_id, at, refusal_seq)
) WITHOUT ROWID;
CREATE INDEX further_owner_refusal ON further_owner (refusal_seq);
