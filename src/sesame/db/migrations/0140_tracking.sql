-- Whether opens and clicks of a message are followed whatever its configuration set says (JSON); NULL: as the set says.
ALTER TABLE message ADD COLUMN tracking TEXT;

-- Opens and clicks, each as often as it was told of.
ALTER TABLE tally ADD COLUMN opens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tally ADD COLUMN clicks INTEGER NOT NULL DEFAULT 0;
