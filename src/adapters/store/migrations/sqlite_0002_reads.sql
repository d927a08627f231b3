-- What was read for diagnoses and plans: the newest ones, so that a case can be recorded. AUTOINCREMENT: the order in
-- which they came.
CREATE TABLE reads (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    digest TEXT    NOT NULL UNIQUE,
    bytes  BLOB    NOT NULL
) STRICT;
