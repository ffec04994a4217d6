-- What limits have counted, by counter: a checkpoint, and what moved the counter since. A row is complete in itself; the
-- next one begins where it ends.
CREATE TABLE counters (
    counter  text COLLATE "C" NOT NULL, -- the keyed hash of the limit's name and the subject's values
    number   bigint NOT NULL,           -- 0, 1, 2 … of this counter
    position bigint NOT NULL,           -- of the checkpoint
    at       bigint NOT NULL,
    steps    bigint NOT NULL,           -- how many moves
    state    bytea  NOT NULL,           -- at the checkpoint, MessagePack; empty when nothing was counted
    moves    bytea  NOT NULL,           -- one MessagePack value after another
    PRIMARY KEY (counter, number)
);

-- What limits go by of accounts, addresses and owners (account:NAME, ip:HASH, owner:NAME): a checkpoint, and the events
-- since.
CREATE TABLE callers (
    caller   text COLLATE "C" NOT NULL,
    number   bigint NOT NULL,
    position bigint NOT NULL,
    at       bigint NOT NULL,
    steps    bigint NOT NULL,           -- how many events
    state    bytea  NOT NULL,           -- at the checkpoint, MessagePack; empty when nothing was known
    events   bytea  NOT NULL,           -- canonical texts, a line each
    latest   bytea  NOT NULL,           -- the state after the events
    PRIMARY KEY (caller, number)
);

-- Policies as they were published.
CREATE TABLE policies (
    number   bigint PRIMARY KEY,
    position bigint NOT NULL,
    at       bigint NOT NULL,
    policy   text COLLATE "C" NOT NULL  -- JSON
);

-- The counters that open decisions occupy.
CREATE TABLE jobs (
    decision bigint NOT NULL,
    counter  text COLLATE "C" NOT NULL,
    PRIMARY KEY (decision, counter)
);
