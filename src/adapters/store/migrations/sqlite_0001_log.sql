-- The first schema. Tables are STRICT: a value of another type can't be stored.
PRAGMA application_id = 1346980936; -- "PILH"

CREATE TABLE schema_version (
    version    INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    applied_at TEXT NOT NULL
) STRICT;

-- One row for each cluster; the other tables name it by number.
CREATE TABLE stream (
    id      INTEGER PRIMARY KEY,
    cluster TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE event (
    stream   INTEGER NOT NULL REFERENCES stream (id),
    seq      INTEGER NOT NULL CHECK (seq > 0),
    at       TEXT    NOT NULL,
    who      TEXT    NOT NULL,
    cause    TEXT    NOT NULL,
    subject  TEXT,
    fence    INTEGER NOT NULL,
    batch    TEXT    NOT NULL,
    kind     TEXT    NOT NULL,
    schema   INTEGER NOT NULL,
    encoding INTEGER NOT NULL,
    payload  BLOB    NOT NULL,
    prev     TEXT    NOT NULL,
    hash     TEXT    NOT NULL,
    PRIMARY KEY (stream, seq)
) STRICT;

CREATE INDEX event_of_subject ON event (stream, subject, seq) WHERE subject IS NOT NULL;

-- Against mistakes, not against an attacker: that is what the chain is for.
CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER event_is_never_removed BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;

-- Which batches are in the log; last_seq = first_seq - 1 for one without events.
CREATE TABLE batch (
    stream    INTEGER NOT NULL REFERENCES stream (id),
    batch     TEXT    NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq  INTEGER NOT NULL,
    PRIMARY KEY (stream, batch)
) STRICT, WITHOUT ROWID;

CREATE TABLE lease (
    stream INTEGER PRIMARY KEY REFERENCES stream (id),
    holder TEXT    NOT NULL,
    fence  INTEGER NOT NULL,
    until  TEXT    NOT NULL
) STRICT;

-- The index: a projection that lists need, made anew from the log when in doubt.
CREATE TABLE remediation (
    stream    INTEGER NOT NULL REFERENCES stream (id),
    id        TEXT    NOT NULL,
    live      INTEGER NOT NULL CHECK (live IN (0, 1)),
    opened_at TEXT    NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq  INTEGER NOT NULL,
    PRIMARY KEY (stream, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX remediation_newest ON remediation (stream, first_seq);
CREATE INDEX remediation_live ON remediation (stream, first_seq) WHERE live = 1;

-- AUTOINCREMENT: a number is never used twice, even after its item was taken.
CREATE TABLE inbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    stream INTEGER NOT NULL REFERENCES stream (id),
    at     TEXT    NOT NULL,
    item   TEXT    NOT NULL
) STRICT;

CREATE INDEX inbox_of_stream ON inbox (stream, number);

CREATE TABLE stop (
    stream INTEGER PRIMARY KEY REFERENCES stream (id),
    who    TEXT NOT NULL,
    reason TEXT NOT NULL,
    since  TEXT NOT NULL
) STRICT;

CREATE TABLE blob (
    digest TEXT PRIMARY KEY,
    bytes  BLOB NOT NULL
) STRICT;

-- What a probe writes, to see that writing works.
CREATE TABLE probe (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at TEXT NOT NULL
) STRICT;
