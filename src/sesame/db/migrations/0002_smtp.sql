-- Identity ARNs that an SMTP credential stands in for, where a message names none.
CREATE TABLE smtp_binding (
    access_key_id TEXT NOT NULL REFERENCES access_key ON DELETE CASCADE,
    identity_arn TEXT NOT NULL,
    PRIMARY KEY (access_key_id, identity_arn)
) WITHOUT ROWID;
