-- What limits have counted, by counter: a checkpoint, and what moved the counter since. A row is complete in itself; the
-- next one begins where it ends.
CREATE TABLE counters (
    counter  TEXT    NOT NULL,      -- the keyed hash of the limit's name and the subject's values
    number   INTEGER NOT NULL,      -- 0, 1, 2 … of this counter
    position INTEGER NOT NULL,      -- of the checkpoint
    at       INTEGER NOT NULL,
    steps    INTEGER NOT NULL,      -- how many moves
    state    BLOB    NOT NULL,      -- at the checkpoint, MessagePack; empty when nothing was counted
    moves    BLOB    NOT NULL,      -- one MessagePack value after another
    PRIMARY KEY (counter, number)
) STRICT;

-- What limits go by of accounts, addresses and owners (account:NAME, ip:HASH, owner:NAME): a checkpoint, and the events
-- since.
CREATE TABLE callers (
    caller   TEXT    NOT NULL,
    number   INTEGER NOT NULL,
    position INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    steps    INTEGER NOT NULL,      -- how many events
    state    BLOB    NOT NULL,      -- at the checkpoint, MessagePack; empty when nothing was known
    events   BLOB    NOT NULL,      -- canonical texts, a line each
    latest   BLOB    NOT NULL,      -- the state after the events
    PRIMARY KEY (caller, number)
) STRICT;

-- Policies as they were published.
CREATE TABLE policies (
    number   INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    policy   TEXT    NOT NULL       -- JSON
) STRICT;

-- The counters that open decisions occupy.
CREATE TABLE jobs (
    decision INTEGER NOT NULL,
    counter  TEXT    NOT NULL,
    PRIMARY KEY (decision, counter)
) STRICT, WITHOUT ROWID;
