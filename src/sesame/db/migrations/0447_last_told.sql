-- What was published last of a kind to the topic that is set: the id of the publication.
ALTER TABLE identity_notification ADD COLUMN last_told TEXT;
