-- Refusals and bans by subject.
CREATE TABLE denials (
    position INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    stream   TEXT    NOT NULL,
    key      TEXT,
    ip       TEXT,                  -- keyed hash
    endpoint TEXT    NOT NULL,
    kind     TEXT    NOT NULL,
    policy   INTEGER NOT NULL,      -- its number: it words the refusal
    reason   TEXT    NOT NULL,
    gate     TEXT,
    count    INTEGER,
    figure   INTEGER,
    retry_at INTEGER,
    times    INTEGER NOT NULL,      -- refusals that this row stands for
    since    INTEGER                -- the beginning of the minute whose refusals were recorded as one
) STRICT;

CREATE INDEX denials_by_stream ON denials (stream, position);
CREATE INDEX denials_by_ip ON denials (ip, position) WHERE ip IS NOT NULL;

CREATE TABLE bans (
    position INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    subject  TEXT    NOT NULL,      -- keyed hash
    by       TEXT    NOT NULL,      -- the dimensions it is made of, JSON
    name     TEXT    NOT NULL,
    until    INTEGER,
    reason   TEXT    NOT NULL,
    lifted   INTEGER,               -- the position of the event that lifted it
    lifted_at INTEGER
) STRICT;

CREATE INDEX bans_by_subject ON bans (subject, position);
