-- Where the events of a stream stand.
CREATE TABLE streams (
    stream   text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    version  bigint NOT NULL,
    PRIMARY KEY (stream, position)
);
