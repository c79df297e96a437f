-- Links of followed mail that lead nowhere any more: of one message, or ('') of an account, whose mark its links carry.
CREATE TABLE stopped_links (
    account_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    stopped_by TEXT NOT NULL,
    mark TEXT NOT NULL,
    stopped_at REAL NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (account_id, message_id, stopped_by)
) WITHOUT ROWID;
CREATE INDEX stopped_links_message ON stopped_links (message_id);
CREATE INDEX stopped_links_mark ON stopped_links (mark);
