-- The credit of accounts: as it is now, and after every 8th to 64th event of the account's stream.
CREATE TABLE ledgers (
    account  TEXT PRIMARY KEY,
    version  INTEGER NOT NULL,      -- of the stream
    state    BLOB    NOT NULL       -- both ledgers, MessagePack
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoints (
    account  TEXT    NOT NULL,
    version  INTEGER NOT NULL,
    position INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    state    BLOB    NOT NULL,
    PRIMARY KEY (account, version)
) STRICT;
