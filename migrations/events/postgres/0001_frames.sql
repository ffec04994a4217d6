-- The log of one book, in a database of its own. A row is a frame: consecutive events that were committed together.
CREATE TABLE frames (
    first         bigint  PRIMARY KEY CHECK (first > 0),                  -- position of its first event
    count         integer NOT NULL CHECK (count > 0),                     -- how many events it holds
    epoch         bigint  NOT NULL CHECK (epoch > 0),                     -- whose turn it was to write
    previous_hash bytea   NOT NULL CHECK (octet_length(previous_hash) = 32), -- chain hash of the event before it
    last_hash     bytea   NOT NULL CHECK (octet_length(last_hash) = 32),  -- chain hash of its last event
    -- The events as one JSON array. Never jsonb: the chain covers these bytes.
    events        text    NOT NULL CHECK (octet_length(events) > 2)
);

-- Whose turn it is to write. One row. The epoch fences: a frame of another epoch is never kept. The lease only says
-- when somebody else may take the next epoch.
CREATE TABLE writer (
    one    boolean     PRIMARY KEY DEFAULT true CHECK (one),
    epoch  bigint      NOT NULL CHECK (epoch >= 0),
    holder text        NOT NULL,
    until  timestamptz NOT NULL                                           -- by this database's clock
);
INSERT INTO writer (epoch, holder, until) VALUES (0, '', '-infinity');

-- Which book this is. One row, written when the book is made.
CREATE TABLE book (
    one       boolean PRIMARY KEY DEFAULT true CHECK (one),
    id        text    NOT NULL CHECK (octet_length(id) = 32),
    kind      text    NOT NULL CHECK (kind IN ('wall', 'sandbox')),
    created   bigint  NOT NULL CHECK (created >= 0),                      -- microseconds since 1970
    -- What the book's secret key makes of the book's id: tells whether an instance has the right key.
    key_check text             CHECK (octet_length(key_check) = 32)
);

-- Where the log ends.
CREATE FUNCTION log_head(OUT last bigint, OUT hash bytea) LANGUAGE plpgsql AS $$
BEGIN
    SELECT frames.first + frames.count - 1, frames.last_hash INTO last, hash
    FROM frames ORDER BY frames.first DESC LIMIT 1;
    IF NOT FOUND THEN
        last := 0;
        hash := decode(repeat('00', 32), 'hex');
    END IF;
END $$;

-- The one way in. The row lock puts appends and the change of writers in one order; each statement in here then sees
-- all that was committed before it. `outcome` is appended (also when this very frame is there already), conflict, or
-- fenced: it follows the head, and it is somebody else's turn.
CREATE FUNCTION append_frame(
    of_epoch bigint, new_first bigint, new_count integer, new_previous bytea, new_last bytea, new_events text,
    OUT outcome text, OUT head bigint, OUT head_hash bytea
) LANGUAGE plpgsql AS $$
DECLARE
    present bigint;
BEGIN
    SELECT writer.epoch INTO present FROM writer FOR NO KEY UPDATE;
    SELECT last, hash INTO head, head_hash FROM log_head();
    IF new_first = head + 1 AND new_previous = head_hash THEN
        IF present IS DISTINCT FROM of_epoch THEN
            outcome := 'fenced';
            RETURN;
        END IF;
        INSERT INTO frames (first, count, epoch, previous_hash, last_hash, events)
        VALUES (new_first, new_count, of_epoch, new_previous, new_last, new_events);
        outcome := 'appended';
    ELSIF EXISTS (SELECT FROM frames
                  WHERE first = new_first AND count = new_count AND previous_hash = new_previous
                    AND last_hash = new_last) THEN
        outcome := 'appended';
    ELSE
        outcome := 'conflict';
    END IF;
END $$;

-- The same again for whoever comes by another way: a frame must follow the head, in the epoch of the writer.
CREATE FUNCTION frames_follow_the_head() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    present bigint;
    head    record;
BEGIN
    SELECT writer.epoch INTO present FROM writer FOR NO KEY UPDATE;
    IF NEW.epoch IS DISTINCT FROM present THEN
        RAISE EXCEPTION 'the frame is of epoch % and the writer of epoch %', NEW.epoch, present
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    SELECT * INTO head FROM log_head();
    IF NEW.first IS DISTINCT FROM head.last + 1 OR NEW.previous_hash IS DISTINCT FROM head.hash THEN
        RAISE EXCEPTION 'the frame does not follow the head of the log, which is at %', head.last
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END $$;

-- An epoch only rises: whoever had an earlier one never has it again.
CREATE FUNCTION epochs_only_rise() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.epoch < OLD.epoch THEN
        RAISE EXCEPTION 'an epoch never falls' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

-- The key's check is written once, and nothing else of a book ever changes.
CREATE FUNCTION book_keeps_its_identity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.key_check IS NOT NULL OR (NEW.one, NEW.id, NEW.kind, NEW.created)
        IS DISTINCT FROM (OLD.one, OLD.id, OLD.kind, OLD.created) THEN
        RAISE EXCEPTION 'a book keeps its identity' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER frames_follow_the_head BEFORE INSERT ON frames
    FOR EACH ROW EXECUTE FUNCTION frames_follow_the_head();
CREATE TRIGGER frames_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON frames
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('the log is never changed');
CREATE TRIGGER writer_epochs_only_rise BEFORE UPDATE ON writer
    FOR EACH ROW EXECUTE FUNCTION epochs_only_rise();
CREATE TRIGGER writer_is_never_removed BEFORE DELETE OR TRUNCATE ON writer
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('the row of the writer stays');
CREATE TRIGGER book_keeps_its_identity BEFORE UPDATE ON book
    FOR EACH ROW EXECUTE FUNCTION book_keeps_its_identity();
CREATE TRIGGER book_is_never_deleted BEFORE DELETE OR TRUNCATE ON book
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('a book keeps its identity');

-- The log as an auditor reads it, one event a row, with any PostgreSQL client.
CREATE VIEW events AS
SELECT
    frames.first + event.place - 1       AS position,
    event.text ->> 's'                   AS stream,
    (event.text ->> 'v')::bigint         AS version,
    event.text ->> 't'                   AS type,
    (event.text ->> 'sv')::integer       AS schema,
    to_char(timestamp 'epoch' + (event.text ->> 'at')::bigint * interval '1 microsecond',
            'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at,
    event.text ->> 'by'                  AS actor,
    event.text ->> 'id'                  AS request,
    (event.text -> 'd')::text            AS data,
    (event.text -> 'p')::text            AS personal
FROM frames, json_array_elements(frames.events::json) WITH ORDINALITY AS event (text, place);

-- Nobody but the owner has any right unless it is given: `migrations/roles_postgres.sql` gives those of a writer
-- and of a reader.
REVOKE ALL ON frames, writer, book, events FROM PUBLIC;
REVOKE ALL ON FUNCTION append_frame(bigint, bigint, integer, bytea, bytea, text) FROM PUBLIC;
