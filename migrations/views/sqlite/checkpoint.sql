-- How far the rows of this file have come, written with them.
CREATE TABLE checkpoint (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    book     TEXT    NOT NULL,      -- whose log it is
    version  INTEGER NOT NULL,      -- of the fold
    position INTEGER NOT NULL
) STRICT;
