-- Makes one user and its rights in the current database; run again it changes nothing but the password.
\set ON_ERROR_STOP on
\getenv role ROLE_NAME
\getenv password ROLE_PASSWORD
\getenv access ROLE_ACCESS
SELECT format('CREATE ROLE %I LOGIN', :'role') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', :'role', :'password') \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), :'role') \gexec
SELECT CASE :'access' WHEN 'read' THEN 'SELECT' ELSE 'SELECT, INSERT, UPDATE, DELETE' END AS rights \gset
SELECT format('GRANT USAGE ON SCHEMA %I TO %I', nspname, :'role')
  FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' \gexec
SELECT format('GRANT %s ON ALL TABLES IN SCHEMA %I TO %I', :'rights', nspname, :'role')
  FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' \gexec
SELECT format('GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA %I TO %I', nspname, :'role')
  FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND :'access' = 'write' \gexec
-- Tables that components make later.
SELECT format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT %s ON TABLES TO %I', nspname, :'rights', :'role')
  FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' \gexec
\echo role :role has :access access
