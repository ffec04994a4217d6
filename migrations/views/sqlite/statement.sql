-- Movements of live credit. Credits are decimal texts.
CREATE TABLE statement (
    account      TEXT    NOT NULL,
    position     INTEGER NOT NULL,
    at           INTEGER NOT NULL,  -- microseconds since 1970
    cause        TEXT    NOT NULL,  -- the event's type
    decision     INTEGER,
    actor        TEXT    NOT NULL,
    request      TEXT,
    credit       TEXT    NOT NULL,
    held         TEXT    NOT NULL,
    charged      TEXT    NOT NULL,
    refunded     TEXT    NOT NULL,
    uncollected  TEXT    NOT NULL,
    credit_after TEXT    NOT NULL,
    held_after   TEXT    NOT NULL,
    charged_ever TEXT    NOT NULL,  -- up to here
    refunded_ever TEXT   NOT NULL,
    PRIMARY KEY (account, position)
) STRICT, WITHOUT ROWID;
