-- Tells a copy of a book from the other stores that hold it: which of them may be written to is told by the log.
-- NULL in the store in which the book began.
ALTER TABLE book ADD COLUMN store text CHECK (octet_length(store) = 32);

CREATE OR REPLACE FUNCTION book_keeps_its_identity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.key_check IS NOT NULL OR (NEW.one, NEW.id, NEW.kind, NEW.created, NEW.store)
        IS DISTINCT FROM (OLD.one, OLD.id, OLD.kind, OLD.created, OLD.store) THEN
        RAISE EXCEPTION 'a book keeps its identity' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
