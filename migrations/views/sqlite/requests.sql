-- Decisions, and what became of them. Credits are decimal texts.
CREATE TABLE requests (
    decision INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    stream   TEXT    NOT NULL,
    actor    TEXT    NOT NULL,
    request  TEXT,
    endpoint TEXT    NOT NULL,
    admitted INTEGER NOT NULL,
    refused  TEXT,                  -- the kind of gate that refused
    gate     TEXT,
    held     TEXT    NOT NULL,
    charged  TEXT    NOT NULL,
    until    INTEGER
) STRICT;

CREATE INDEX requests_by_id ON requests (request) WHERE request IS NOT NULL;

CREATE TABLE steps (
    decision INTEGER NOT NULL,
    position INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    outcome  TEXT,
    charged  TEXT    NOT NULL,
    released TEXT    NOT NULL,
    refunded TEXT    NOT NULL,
    PRIMARY KEY (decision, position)
) STRICT, WITHOUT ROWID;
