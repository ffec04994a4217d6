-- Usage by hour, day and month. Empty text where there is no account, key or gate. Credits are decimal texts.
CREATE TABLE usage (
    account     TEXT    NOT NULL,
    by          TEXT    NOT NULL,   -- hour, day or month
    start       INTEGER NOT NULL,   -- microseconds since 1970
    until       INTEGER NOT NULL,
    mode        TEXT    NOT NULL,
    plan        TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    endpoint    TEXT    NOT NULL,
    ended       TEXT    NOT NULL,
    gate        TEXT    NOT NULL,
    requests    INTEGER NOT NULL,
    units       INTEGER NOT NULL,
    refused     INTEGER NOT NULL,
    settled     INTEGER NOT NULL,
    late        INTEGER NOT NULL,
    held        TEXT    NOT NULL,
    released    TEXT    NOT NULL,
    charged     TEXT    NOT NULL,
    refunded    TEXT    NOT NULL,
    uncollected TEXT    NOT NULL,
    PRIMARY KEY (account, by, start, until, mode, plan, key, endpoint, ended, gate)
) STRICT, WITHOUT ROWID;

-- What days and months of an account follow, where that is not UTC.
CREATE TABLE calendars (
    account  TEXT PRIMARY KEY,
    calendar TEXT NOT NULL          -- JSON
) STRICT, WITHOUT ROWID;
