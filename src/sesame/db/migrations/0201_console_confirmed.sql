-- When whoever is logged in last gave the password; NULL: at the log-in.
ALTER TABLE console_login ADD COLUMN confirmed_at REAL;
