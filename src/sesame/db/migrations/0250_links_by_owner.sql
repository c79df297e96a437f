-- Stops of links by the owners of identities (`owner:ACCOUNT`) are listed by who made them.
CREATE INDEX stopped_links_by ON stopped_links (stopped_by, account_id, message_id);
