-- One table for the tags of every resource that has an ARN.
CREATE TABLE IF NOT EXISTS resource_tag (
    arn TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (arn, key)
) WITHOUT ROWID;
