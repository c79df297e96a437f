-- Whom an accepted message concerns beside its sender and the owner of the identity behind From: the owners of others
-- that it is sent as, in Source, Sender or the return path.
CREATE TABLE message_further_owner (
    owner_account_id TEXT NOT NULL,
    at REAL NOT NULL,
    message_seq INTEGER NOT NULL,
    PRIMARY KEY (owner_account_id, at, message_seq)
) WITHOUT ROWID;
CREATE INDEX message_further_owner_message ON message_further_owner (message_seq);
