-- Under which id the bounce or complaint was told that put an address on the list.
ALTER TABLE suppressed_destination ADD COLUMN feedback_id TEXT;
