-- Refusals and bans by subject.
CREATE TABLE denials (
    position bigint PRIMARY KEY,
    at       bigint NOT NULL,
    stream   text COLLATE "C" NOT NULL,
    key      text COLLATE "C",
    ip       text COLLATE "C",      -- keyed hash
    endpoint text COLLATE "C" NOT NULL,
    kind     text COLLATE "C" NOT NULL,
    gate     text COLLATE "C",
    count    bigint,
    figure   bigint,
    retry_at bigint,
    times    bigint NOT NULL        -- refusals that this row stands for
);

CREATE INDEX ON denials (stream, position);

CREATE TABLE bans (
    position bigint PRIMARY KEY,
    at       bigint NOT NULL,
    subject  text COLLATE "C" NOT NULL, -- keyed hash
    by       text COLLATE "C" NOT NULL, -- the dimensions it is made of, JSON
    name     text COLLATE "C" NOT NULL,
    until    bigint,
    reason   text COLLATE "C" NOT NULL,
    lifted   bigint                 -- the position of the event that lifted it
);

CREATE INDEX ON bans (subject, position);
