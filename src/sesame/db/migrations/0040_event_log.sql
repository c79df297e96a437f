-- The event log by itself. An event's id is its message's id and `key`, which says what of the message it is about, so that
-- one thing is recorded once. `stage` says who has seen to it: 0 new, 1 reacted to, 2 told. Whoever sees to events claims
-- them until `claimed_until`. What an attempt was told stays with the attempt.
CREATE TABLE event_log (
    seq INTEGER PRIMARY KEY,
    message_seq INTEGER NOT NULL REFERENCES message (seq),
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    at REAL NOT NULL,
    n INTEGER,
    attempt_seq INTEGER,
    detail TEXT,
    stage INTEGER NOT NULL,
    claimed_until REAL,
    lease TEXT
);
CREATE UNIQUE INDEX event_log_key ON event_log (message_seq, key);
CREATE INDEX event_log_waiting ON event_log (stage, seq) WHERE stage < 2;
INSERT INTO event_log (seq, message_seq, key, kind, at, n, detail, stage)
    SELECT e.seq, m.seq, substr(e.event_id, length(e.message_id) + 2),
        CASE e.kind WHEN 'Send' THEN 'accepted' WHEN 'Rendering Failure' THEN 'rendering failed'
            WHEN 'Delivery' THEN 'delivered' WHEN 'DeliveryDelay' THEN 'delayed'
            ELSE CASE WHEN e.event_id LIKE '%/suppressed' THEN 'suppressed' ELSE 'bounced' END END,
        e.at,
        (SELECT MIN(r.n) FROM recipient r WHERE r.message_seq = m.seq AND r.address = e.recipient),
        e.detail, 2
    FROM event e JOIN message m ON m.message_id = e.message_id
    WHERE true
    ON CONFLICT (message_seq, key) DO NOTHING;
DROP TABLE event;

-- What stays of a message when its body goes: its header block, or the first part of it.
CREATE TABLE message_head (
    message_seq INTEGER PRIMARY KEY REFERENCES message (seq),
    data BLOB NOT NULL
);

-- Of a decision what one send shares with others, kept once for all of a day.
CREATE TABLE decision_text (
    digest BLOB PRIMARY KEY,
    day INTEGER NOT NULL,
    text TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX decision_text_day ON decision_text (day);
ALTER TABLE message ADD COLUMN decision_digest BLOB;
ALTER TABLE refusal ADD COLUMN decision_digest BLOB;

-- What is looked up by its own name.
CREATE INDEX recipient_address ON recipient (address);
CREATE INDEX refusal_request ON refusal (request_id);
CREATE INDEX refusal_at ON refusal (at);
