-- What TLS came to, by day and policy domain, for reports (RFC 8460); `kind` is empty for sessions that went well.
CREATE TABLE tls_result (
    day TEXT NOT NULL,
    policy_domain TEXT NOT NULL,
    policy_type TEXT NOT NULL,
    policy TEXT NOT NULL,
    mx_hosts TEXT NOT NULL,
    kind TEXT NOT NULL,
    receiving_mx TEXT NOT NULL,
    receiving_ip TEXT NOT NULL,
    reason TEXT NOT NULL,
    sessions INTEGER NOT NULL,
    PRIMARY KEY (day, policy_domain, policy_type, policy, mx_hosts, kind, receiving_mx, receiving_ip, reason)
) WITHOUT ROWID;

-- To whom a report went; a mailbox or URL gets each day's report once.
CREATE TABLE tls_report (
    day TEXT NOT NULL,
    policy_domain TEXT NOT NULL,
    sent_to TEXT NOT NULL,
    sent_at REAL NOT NULL,
    PRIMARY KEY (day, policy_domain, sent_to)
) WITHOUT ROWID;
