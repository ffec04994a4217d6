-- The credit of accounts: as it is now, and after every 8th to 64th event of the account's stream.
CREATE TABLE ledgers (
    account  text COLLATE "C" PRIMARY KEY,
    version  bigint NOT NULL,       -- of the stream
    state    bytea  NOT NULL        -- both ledgers, MessagePack
);

CREATE TABLE checkpoints (
    account  text COLLATE "C" NOT NULL,
    version  bigint NOT NULL,
    position bigint NOT NULL,
    at       bigint NOT NULL,
    state    bytea  NOT NULL,
    PRIMARY KEY (account, version)
);
