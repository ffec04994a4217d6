-- Decisions that wait for their outcome.
CREATE TABLE holds (
    decision INTEGER PRIMARY KEY,
    stream   TEXT    NOT NULL,
    mode     TEXT    NOT NULL,
    endpoint TEXT    NOT NULL,
    key      TEXT,
    at       INTEGER NOT NULL,
    until    INTEGER NOT NULL,
    held     TEXT    NOT NULL       -- decimal
) STRICT;

CREATE INDEX holds_by_stream ON holds (stream, decision);
