-- Whether a log-in as an account's root was made by the operator, who may go back (development).
ALTER TABLE console_login ADD COLUMN may_return INTEGER NOT NULL DEFAULT 0;
