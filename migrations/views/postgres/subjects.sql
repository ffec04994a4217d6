-- Which events speak of a key, an address or an end user: key:NAME, ip:HASH, end_user:HASH.
CREATE TABLE subjects (
    subject  text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (subject, position)
);
