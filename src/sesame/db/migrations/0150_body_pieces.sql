-- A large message is written in pieces before it is accepted, so that no commit of one keeps others waiting: `body` has its
-- beginning and the number of pieces behind that. Pieces without a body belong to nobody, and go when they are old.
ALTER TABLE body ADD COLUMN pieces INTEGER NOT NULL DEFAULT 0;
CREATE TABLE body_piece (
    message_id TEXT NOT NULL,
    n INTEGER NOT NULL,
    staged_at REAL NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (message_id, n)
);
