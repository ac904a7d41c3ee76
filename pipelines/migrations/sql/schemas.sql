-- Before any table: default privileges for everything that the owner creates later, in these
-- schemas and in later ones, and the schemas that all sources share. Can be executed repeatedly.
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO isobar_loader, isobar_analyst, isobar_operator;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO isobar_analyst, isobar_operator;
ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO isobar_loader;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO isobar_loader;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO isobar_loader, isobar_analyst, isobar_operator;

DO $$
BEGIN
    -- Lets a load refresh the statistics of the tables that it filled. Before PostgreSQL 17 only
    -- the owner may do so, and autovacuum does it within a minute.
    IF current_setting('server_version_num')::integer >= 170000 THEN
        ALTER DEFAULT PRIVILEGES GRANT MAINTAIN ON TABLES TO isobar_loader;
    END IF;
END
$$;

CREATE SCHEMA IF NOT EXISTS enriched;
CREATE SCHEMA IF NOT EXISTS metrics;

COMMENT ON SCHEMA enriched IS
'Views for analysts: the data of each source, joined with the data of other sources.';
COMMENT ON SCHEMA metrics IS 'Views and functions for dashboards.';
