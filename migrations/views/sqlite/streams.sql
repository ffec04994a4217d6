-- Where the events of a stream stand.
CREATE TABLE streams (
    stream   TEXT    NOT NULL,
    position INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    PRIMARY KEY (stream, position)
) STRICT, WITHOUT ROWID;
