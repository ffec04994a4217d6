-- Usage by hour, day and month. Empty text where there is no account, key or gate. Credits are decimal texts.
CREATE TABLE usage (
    account     text COLLATE "C" NOT NULL,
    by          text COLLATE "C" NOT NULL,  -- hour, day or month
    start       bigint NOT NULL,            -- microseconds since 1970
    until       bigint NOT NULL,
    mode        text COLLATE "C" NOT NULL,
    plan        text COLLATE "C" NOT NULL,
    key         text COLLATE "C" NOT NULL,
    endpoint    text COLLATE "C" NOT NULL,
    ended       text COLLATE "C" NOT NULL,
    gate        text COLLATE "C" NOT NULL,
    requests    bigint NOT NULL,
    units       bigint NOT NULL,
    refused     bigint NOT NULL,
    settled     bigint NOT NULL,
    late        bigint NOT NULL,
    held        text COLLATE "C" NOT NULL,
    released    text COLLATE "C" NOT NULL,
    charged     text COLLATE "C" NOT NULL,
    refunded    text COLLATE "C" NOT NULL,
    uncollected text COLLATE "C" NOT NULL,
    PRIMARY KEY (account, by, start, until, mode, plan, key, endpoint, ended, gate)
);

-- What days and months of an account follow, where that is not UTC.
CREATE TABLE calendars (
    account  text COLLATE "C" PRIMARY KEY,
    calendar text COLLATE "C" NOT NULL      -- JSON
);
