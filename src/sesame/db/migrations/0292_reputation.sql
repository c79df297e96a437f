-- Counts by day (since 1970, UTC), so that a month is thirty rows, and one identity's fortnight fourteen.
CREATE TABLE day_tally (
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    day INTEGER NOT NULL,
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
    cancelled INTEGER NOT NULL DEFAULT 0,
    rated_sends INTEGER NOT NULL DEFAULT 0,
    rated_bounces INTEGER NOT NULL DEFAULT 0,
    rated_complaints INTEGER NOT NULL DEFAULT 0,
    opens INTEGER NOT NULL DEFAULT 0,
    clicks INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, region, day)
) WITHOUT ROWID;
CREATE INDEX day_tally_day ON day_tally (day);
CREATE TABLE identity_tally (
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    owner_account_id TEXT NOT NULL,
    identity TEXT NOT NULL,
    day INTEGER NOT NULL,
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
    cancelled INTEGER NOT NULL DEFAULT 0,
    rated_sends INTEGER NOT NULL DEFAULT 0,
    rated_bounces INTEGER NOT NULL DEFAULT 0,
    rated_complaints INTEGER NOT NULL DEFAULT 0,
    opens INTEGER NOT NULL DEFAULT 0,
    clicks INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, region, owner_account_id, identity, day)
) WITHOUT ROWID;
INSERT INTO day_tally (account_id, region, day, sends, deliveries, delays, permanent_bounces, transient_bounces,
        undetermined_bounces, later_bounces, complaints, rejects, suppressed, failures, cancelled, rated_sends,
        rated_bounces, rated_complaints, opens, clicks)
    SELECT account_id, region, quarter / 96, SUM(sends), SUM(deliveries), SUM(delays), SUM(permanent_bounces),
        SUM(transient_bounces), SUM(undetermined_bounces), SUM(later_bounces), SUM(complaints), SUM(rejects),
        SUM(suppressed), SUM(failures), SUM(cancelled), SUM(rated_sends), SUM(rated_bounces), SUM(rated_complaints),
        SUM(opens), SUM(clicks)
    FROM set_tally GROUP BY account_id, region, quarter / 96;
INSERT INTO identity_tally (account_id, region, owner_account_id, identity, day, sends, deliveries, delays,
        permanent_bounces, transient_bounces, undetermined_bounces, later_bounces, complaints, rejects, suppressed,
        failures, cancelled, rated_sends, rated_bounces, rated_complaints, opens, clicks)
    SELECT account_id, region, owner_account_id, identity, quarter / 96, SUM(sends), SUM(deliveries), SUM(delays),
        SUM(permanent_bounces), SUM(transient_bounces), SUM(undetermined_bounces), SUM(later_bounces),
        SUM(complaints), SUM(rejects), SUM(suppressed), SUM(failures), SUM(cancelled), SUM(rated_sends),
        SUM(rated_bounces), SUM(rated_complaints), SUM(opens), SUM(clicks)
    FROM tally GROUP BY account_id, region, owner_account_id, identity, quarter / 96;
CREATE INDEX identity_tally_day ON identity_tally (day);
CREATE INDEX identity_tally_lent ON identity_tally (owner_account_id, region, identity, account_id, day)
    WHERE owner_account_id <> account_id;
DROP INDEX tally_identity;
DROP INDEX tally_lent;

-- The recipients that rates are made of: each bounce for good and each complaint that counted, as long as its message is kept.
CREATE TABLE rated_recipient (
    message_seq INTEGER NOT NULL,
    n INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at REAL NOT NULL,
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    owner_account_id TEXT NOT NULL,
    identity TEXT NOT NULL,
    PRIMARY KEY (message_seq, n, kind)
) WITHOUT ROWID;
CREATE INDEX rated_recipient_sender ON rated_recipient (account_id, region, at);
CREATE INDEX rated_recipient_identity ON rated_recipient (account_id, region, owner_account_id, identity, at);
