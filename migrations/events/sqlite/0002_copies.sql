-- Tells a copy of a book from the other stores that hold it: which of them may be written to is told by the log.
-- NULL in the store in which the book began.
ALTER TABLE book ADD COLUMN store TEXT CHECK (length(store) = 32);
