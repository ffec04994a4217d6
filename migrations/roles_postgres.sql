-- Roles for a book in PostgreSQL, for whoever runs the database. Run it once as the tables' owner, after the first
-- start has made them; the names are yours to change. A service that starts as `counterfoil_writer` finds the schema
-- up to date and needs no right to change it; a release that brings a migration is first started once as the owner.

CREATE ROLE counterfoil_writer LOGIN;
GRANT SELECT, INSERT ON frames, book TO counterfoil_writer;
GRANT SELECT, UPDATE ON writer TO counterfoil_writer;
GRANT UPDATE (key_check) ON book TO counterfoil_writer;
GRANT EXECUTE ON FUNCTION append_frame(bigint, bigint, integer, bytea, bytea, text) TO counterfoil_writer;
GRANT SELECT ON _sqlx_migrations TO counterfoil_writer;

CREATE ROLE counterfoil_reader LOGIN;
GRANT SELECT ON frames, book, events, _sqlx_migrations TO counterfoil_reader;

-- The read models are the writer's own: it makes their schemas, and those that the owner's start made are dropped here.
-- From here on run it again whenever a release was first started as the owner.
GRANT counterfoil_writer TO CURRENT_USER;
DO $$
DECLARE name text;
BEGIN
    EXECUTE format('GRANT CREATE ON DATABASE %I TO counterfoil_writer', current_database());
    FOR name IN SELECT nspname FROM pg_namespace WHERE nspname ~ '^views(_[a-z]+_[0-9]+)?$' LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', name);
    END LOOP;
END $$;
ALTER DEFAULT PRIVILEGES FOR ROLE counterfoil_writer GRANT USAGE ON SCHEMAS TO counterfoil_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE counterfoil_writer GRANT SELECT ON TABLES TO counterfoil_reader;
