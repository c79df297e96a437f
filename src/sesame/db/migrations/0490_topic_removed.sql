-- Which topic was removed because SES could not publish to it, when and why, as JSON; NULL since another was set.
ALTER TABLE identity_notification ADD COLUMN removed TEXT;
