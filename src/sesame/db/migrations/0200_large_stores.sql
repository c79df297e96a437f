-- Counts by configuration set alone, so that those of an account take as many rows as it has quarter hours, not identities.
CREATE TABLE set_tally (
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    quarter INTEGER NOT NULL,
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
    cancelled INTEGER NOT NULL DEFAULT 0,
    rated_sends INTEGER NOT NULL DEFAULT 0,
    rated_bounces INTEGER NOT NULL DEFAULT 0,
    rated_complaints INTEGER NOT NULL DEFAULT 0,
    opens INTEGER NOT NULL DEFAULT 0,
    clicks INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, region, quarter, configuration_set)
) WITHOUT ROWID;
INSERT INTO set_tally (account_id, region, quarter, configuration_set, sends, deliveries, delays, permanent_bounces,
        transient_bounces, undetermined_bounces, later_bounces, complaints, rejects, suppressed, failures, cancelled,
        rated_sends, rated_bounces, rated_complaints, opens, clicks)
    SELECT account_id, region, quarter, configuration_set, SUM(sends), SUM(deliveries), SUM(delays),
        SUM(permanent_bounces), SUM(transient_bounces), SUM(undetermined_bounces), SUM(later_bounces), SUM(complaints),
        SUM(rejects), SUM(suppressed), SUM(failures), SUM(cancelled), SUM(rated_sends), SUM(rated_bounces),
        SUM(rated_complaints), SUM(opens), SUM(clicks)
    FROM tally GROUP BY account_id, region, quarter, configuration_set;
CREATE INDEX set_tally_quarter ON set_tally (quarter);

-- What an account sent as each identity, and what others sent as an owner's: lists that go on by identity.
CREATE INDEX tally_identity ON tally (account_id, region, owner_account_id, identity, quarter);
CREATE INDEX tally_lent ON tally (owner_account_id, region, identity, account_id, quarter)
    WHERE owner_account_id <> account_id;

-- The identities whose default is a set.
CREATE INDEX identity_configuration_set_name ON identity_configuration_set (account_id, region, set_name, identity);
