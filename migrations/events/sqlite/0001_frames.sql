-- The log of one book. A row is a frame: consecutive events that were committed together.
CREATE TABLE frames (
    first         INTEGER PRIMARY KEY CHECK (first > 0),            -- position of its first event
    count         INTEGER NOT NULL CHECK (count > 0),               -- how many events it holds
    previous_hash BLOB    NOT NULL CHECK (length(previous_hash) = 32), -- chain hash of the event before it
    last_hash     BLOB    NOT NULL CHECK (length(last_hash) = 32),  -- chain hash of its last event
    -- The events as one JSON array. Last, so that reading the head touches no overflow page. Never jsonb:
    -- the chain covers these bytes.
    events        TEXT    NOT NULL CHECK (length(events) > 2)
) STRICT;

-- A frame must follow the head. This also stops INSERT OR REPLACE, which would pass the triggers below.
CREATE TRIGGER frames_follow_the_head BEFORE INSERT ON frames
WHEN NEW.first IS NOT coalesce((SELECT first + count FROM frames ORDER BY first DESC LIMIT 1), 1)
  OR NEW.previous_hash IS NOT coalesce((SELECT last_hash FROM frames ORDER BY first DESC LIMIT 1), zeroblob(32))
BEGIN
    SELECT raise(ABORT, 'the frame does not follow the head of the log');
END;

CREATE TRIGGER frames_are_never_changed BEFORE UPDATE ON frames
BEGIN
    SELECT raise(ABORT, 'the log is never changed');
END;

CREATE TRIGGER frames_are_never_deleted BEFORE DELETE ON frames
BEGIN
    SELECT raise(ABORT, 'the log is never changed');
END;

-- Which book this is. One row, written when the file is made.
CREATE TABLE book (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    id      TEXT    NOT NULL CHECK (length(id) = 32),
    kind    TEXT    NOT NULL CHECK (kind IN ('wall', 'sandbox')),
    created INTEGER NOT NULL CHECK (created >= 0)                   -- microseconds since 1970
) STRICT;

CREATE TRIGGER book_is_written_once BEFORE INSERT ON book
WHEN EXISTS (SELECT 1 FROM book)
BEGIN
    SELECT raise(ABORT, 'a book keeps its identity');
END;

CREATE TRIGGER book_is_never_changed BEFORE UPDATE ON book
BEGIN
    SELECT raise(ABORT, 'a book keeps its identity');
END;

CREATE TRIGGER book_is_never_deleted BEFORE DELETE ON book
BEGIN
    SELECT raise(ABORT, 'a book keeps its identity');
END;

-- The log as an auditor reads it, one event a row, with any SQLite client.
CREATE VIEW events AS
SELECT
    frames.first + event.key                   AS position,
    event.value ->> '$.s'                      AS stream,
    event.value ->> '$.v'                      AS version,
    event.value ->> '$.t'                      AS type,
    event.value ->> '$.sv'                     AS schema,
    strftime('%Y-%m-%dT%H:%M:%S', (event.value ->> '$.at') / 1000000, 'unixepoch')
        || printf('.%06dZ', (event.value ->> '$.at') % 1000000) AS at,
    event.value ->> '$.by'                     AS actor,
    event.value ->> '$.id'                     AS request,
    event.value -> '$.d'                       AS data,
    event.value -> '$.p'                       AS personal
FROM frames, json_each(frames.events) AS event;
