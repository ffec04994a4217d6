-- Decisions, and what became of them. Credits are decimal texts.
CREATE TABLE requests (
    decision bigint PRIMARY KEY,
    at       bigint NOT NULL,
    stream   text COLLATE "C" NOT NULL,
    actor    text COLLATE "C" NOT NULL,
    request  text COLLATE "C",
    endpoint text COLLATE "C" NOT NULL,
    admitted boolean NOT NULL,
    refused  text COLLATE "C",      -- the kind of gate that refused
    gate     text COLLATE "C",
    held     text COLLATE "C" NOT NULL,
    charged  text COLLATE "C" NOT NULL,
    until    bigint
);

CREATE INDEX ON requests (request, decision) WHERE request IS NOT NULL;

CREATE TABLE steps (
    decision bigint NOT NULL,
    position bigint NOT NULL,
    at       bigint NOT NULL,
    kind     text COLLATE "C" NOT NULL,
    outcome  text COLLATE "C",
    charged  text COLLATE "C" NOT NULL,
    released text COLLATE "C" NOT NULL,
    refunded text COLLATE "C" NOT NULL,
    PRIMARY KEY (decision, position)
);
