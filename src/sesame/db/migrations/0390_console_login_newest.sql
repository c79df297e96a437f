-- The log-ins of a user are shown newest first.
DROP INDEX console_login_user;
CREATE INDEX console_login_user ON console_login (user_id, made_at);
