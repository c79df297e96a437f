-- What came back for a recipient by mail, the report as it came (its first part at least). One of a kind for each recipient.
CREATE TABLE report (
    seq INTEGER PRIMARY KEY,
    message_seq INTEGER NOT NULL REFERENCES message (seq),
    n INTEGER NOT NULL,
    kind TEXT NOT NULL,
    received_at REAL NOT NULL,
    reporter TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    data BLOB NOT NULL
);
CREATE UNIQUE INDEX report_kind ON report (message_seq, n, kind);


-- What became of an account's mail, by quarter hour, owner, identity and configuration set ('' for none). Recipients are
-- counted. `rated_…` leaves out what no rate is made of: the mailbox simulator and what was suppressed.
CREATE TABLE tally (
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    quarter INTEGER NOT NULL,
    owner_account_id TEXT NOT NULL,
    identity TEXT NOT NULL,
    configuration_set TEXT NOT NULL,
    sends INTEGER NOT NULL DEFAULT 0,
    deliveries INTEGER NOT NULL DEFAULT 0,
    delays INTEGER NOT NULL DEFAULT 0,
    permanent_bounces INTEGER NOT NULL DEFAULT 0,
    transient_bounces INTEGER NOT NULL DEFAULT 0,
    undetermined_bounces INTEGER NOT NULL DEFAULT 0,
    later_bounces INTEGER NOT NULL DEFAULT 0,
    complaints INTEGER NOT NULL DEFAULT 0,
    rejects INTEGER NOT NULL DEFAULT 0,
    suppressed INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    rated_sends INTEGER NOT NULL DEFAULT 0,
    rated_bounces INTEGER NOT NULL DEFAULT 0,
    rated_complaints INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, region, quarter, owner_account_id, identity, configuration_set)
) WITHOUT ROWID;
CREATE INDEX tally_quarter ON tally (quarter);
INSERT INTO tally (account_id, region, quarter, owner_account_id, identity, configuration_set, sends, deliveries,
        permanent_bounces, transient_bounces, suppressed, failures, rated_sends, rated_bounces)
    SELECT m.account_id, m.region, CAST(m.accepted_at / 900 AS INTEGER), m.owner_account_id, m.identity,
        COALESCE(m.configuration_set, ''),
        SUM(CASE WHEN r.state = 'cancelled' THEN 0 ELSE 1 END),
        SUM(CASE WHEN r.state = 'delivered' THEN 1 ELSE 0 END),
        SUM(CASE WHEN r.state = 'bounced' AND e.seq IS NULL THEN 1 ELSE 0 END),
        SUM(CASE WHEN r.state = 'expired' THEN 1 ELSE 0 END),
        SUM(CASE WHEN r.state = 'suppressed' THEN 1 ELSE 0 END),
        SUM(CASE WHEN r.state = 'cancelled' THEN 1 ELSE 0 END),
        SUM(CASE WHEN r.state IN ('cancelled', 'suppressed') OR r.domain = 'simulator.amazonses.com' THEN 0 ELSE 1 END),
        SUM(CASE WHEN r.state = 'bounced' AND e.seq IS NULL AND r.domain <> 'simulator.amazonses.com' THEN 1 ELSE 0 END)
    FROM message m JOIN recipient r ON r.message_seq = m.seq
    LEFT JOIN event_log e ON e.message_seq = m.seq AND e.n = r.n AND e.stage = 0
    WHERE m.account_id <> '000000000000'
    GROUP BY 1, 2, 3, 4, 5, 6;

-- The operator's verdict on an account in a region; NULL: HEALTHY. Rates are of what came after `rated_since` (a quarter).
ALTER TABLE account_region ADD COLUMN enforcement TEXT;
ALTER TABLE account_region ADD COLUMN rated_since INTEGER NOT NULL DEFAULT 0;

-- How verdicts changed, and by whom: the service, or the operator.
CREATE TABLE enforcement_change (
    seq INTEGER PRIMARY KEY,
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    at REAL NOT NULL,
    was TEXT NOT NULL,
    became TEXT NOT NULL,
    who TEXT NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX enforcement_change_account ON enforcement_change (account_id, at);
