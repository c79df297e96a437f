-- Log-ins and signatures that were refused, in sums by hour, door, network and name; how many rows an hour may have is bounded.
CREATE TABLE failed_sign_in (
    hour INTEGER NOT NULL,
    door TEXT NOT NULL,
    network TEXT NOT NULL,
    name TEXT NOT NULL,
    account_id TEXT NOT NULL,
    why TEXT NOT NULL,
    failures INTEGER NOT NULL,
    first_at REAL NOT NULL,
    last_at REAL NOT NULL,
    PRIMARY KEY (hour, door, network, name)
) WITHOUT ROWID;
