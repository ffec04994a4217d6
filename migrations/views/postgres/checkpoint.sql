-- How far the rows of each view have come, written with them, and which generation of its tables is in use. Each
-- generation has a schema of its own, views_VIEW_GENERATION; this one also names what is in use, for whoever reads by SQL.
CREATE SCHEMA views;

CREATE TABLE views.checkpoint (
    view       text COLLATE "C" PRIMARY KEY,
    generation bigint NOT NULL,
    book       text   NOT NULL,         -- whose log it is
    version    bigint NOT NULL,         -- of the fold
    position   bigint NOT NULL
) WITH (fillfactor = 10);               -- a few rows that are updated all the time: within their page
