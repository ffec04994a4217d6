-- Which events speak of a key, an address or an end user: key:NAME, ip:HASH, end_user:HASH.
CREATE TABLE subjects (
    subject  TEXT    NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (subject, position)
) STRICT, WITHOUT ROWID;
