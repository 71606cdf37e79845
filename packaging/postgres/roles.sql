-- The two roles of a hub's database and their rights. Run it as a superuser in the new database; it may run again:
--   psql -d rabt -v owner=rabt_owner -v run=rabt_run -f roles.sql
-- Then give both a password, and a line in pg_hba.conf with scram-sha-256.
SELECT format('CREATE ROLE %I LOGIN', name) FROM (VALUES (:'owner'), (:'run')) AS wanted (name)
  WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name) \gexec
-- Databases that come from before version 15 let everybody create tables in the schema public.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO :"owner";
GRANT USAGE ON SCHEMA public TO :"run";
-- Tables that the owner creates by migrations: the hub reads and writes their rows, and changes no table.
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"run";
-- The numbers that the tables draw: a copy of another database sets the next ones.
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO :"run";
-- Tables that are there already.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO :"run";
GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO :"run";
-- A default of the database must not weaken what the hub acknowledges.
ALTER ROLE :"run" SET synchronous_commit = on;
