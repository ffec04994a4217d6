-- Decisions that wait for their outcome.
CREATE TABLE holds (
    decision bigint PRIMARY KEY,
    stream   text COLLATE "C" NOT NULL,
    mode     text COLLATE "C" NOT NULL,
    endpoint text COLLATE "C" NOT NULL,
    key      text COLLATE "C",
    at       bigint NOT NULL,
    until    bigint NOT NULL,
    held     text COLLATE "C" NOT NULL  -- decimal
);

CREATE INDEX ON holds (stream, decision);
