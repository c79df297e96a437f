-- How many sends were refused, by quarter hour: an account's own, and what others tried as its identities.
CREATE TABLE refusal_tally (
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    quarter INTEGER NOT NULL,
    own INTEGER NOT NULL DEFAULT 0,
    lent INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, region, quarter)
) WITHOUT ROWID;
CREATE INDEX refusal_tally_quarter ON refusal_tally (quarter);
INSERT INTO refusal_tally (account_id, region, quarter, own)
    SELECT account_id, region, CAST(at / 900 AS INTEGER), COUNT(*) FROM refusal WHERE account_id <> '' GROUP BY 1, 2, 3;
INSERT INTO refusal_tally (account_id, region, quarter, lent)
    SELECT owner_account_id, region, CAST(at / 900 AS INTEGER), COUNT(*) FROM refusal
    WHERE owner_account_id IS NOT NULL AND owner_account_id <> account_id GROUP BY 1, 2, 3
    ON CONFLICT (account_id, region, quarter) DO UPDATE SET lent = excluded.lent;

-- Identities that may no longer be sent as or signed for, or are about to be; and those that wait for their owner.
CREATE INDEX identity_lost ON identity (account_id, region, verification, name)
    WHERE verification IN ('Failed', 'TemporaryFailure') OR dkim_status IN ('Failed', 'TemporaryFailure');
CREATE INDEX identity_waiting ON identity (account_id, region, verification, name)
    WHERE verification IN ('NotStarted', 'Pending');
