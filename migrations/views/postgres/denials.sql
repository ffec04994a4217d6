-- Refusals and bans by subject.
CREATE TABLE denials (
    position bigint PRIMARY KEY,
    at       bigint NOT NULL,
    stream   text COLLATE "C" NOT NULL,
    key      text COLLATE "C",
    ip       text COLLATE "C",      -- keyed hash
    endpoint text COLLATE "C" NOT NULL,
    kind     text COLLATE "C" NOT NULL,
    policy   bigint NOT NULL,       -- its number: it words the refusal
    reason   text COLLATE "C" NOT NULL,
    gate     text COLLATE "C",
    count    bigint,
    figure   bigint,
    retry_at bigint,
    times    bigint NOT NULL,       -- refusals that this row stands for
    since    bigint                 -- the beginning of the minute whose refusals were recorded as one
);

CREATE INDEX ON denials (stream, position);
CREATE INDEX ON denials (ip, position) WHERE ip IS NOT NULL;

CREATE TABLE bans (
    position bigint PRIMARY KEY,
    at       bigint NOT NULL,
    subject  text COLLATE "C" NOT NULL, -- keyed hash
    by       text COLLATE "C" NOT NULL, -- the dimensions it is made of, JSON
    name     text COLLATE "C" NOT NULL,
    until    bigint,
    reason   text COLLATE "C" NOT NULL,
    lifted   bigint,                -- the position of the event that lifted it
    lifted_at bigint
);

CREATE INDEX ON bans (subject, position);
