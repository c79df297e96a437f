-- Identities are looked for by name within an account too: who refused whom is read without a look at everybody's.
DROP INDEX identity_name;
CREATE INDEX identity_name ON identity (name, account_id, region);
