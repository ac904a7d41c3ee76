-- Before the first migration: the three roles, and the owner's right to make schemas.
-- Roles belong to the whole server, so another database may be making them just now.
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['isobar_owner', 'isobar_loader', 'isobar_analyst'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                RAISE NOTICE 'role % was made by another session', role_name;
            END;
        END IF;
        IF NOT pg_has_role(current_user, role_name, 'SET') THEN
            EXECUTE format('GRANT %I TO %I', role_name, current_user);
        END IF;
    END LOOP;
    IF NOT has_database_privilege('isobar_owner', current_database(), 'CREATE') THEN
        EXECUTE format('GRANT CREATE ON DATABASE %I TO isobar_owner', current_database());
    END IF;
END
$$;

SET LOCAL ROLE isobar_owner;

DO $$
BEGIN
    IF to_regnamespace('ops') IS NULL THEN
        CREATE SCHEMA ops;
        COMMENT ON SCHEMA ops IS 'Bookkeeping: deliveries, quarantine, what is applied.';
    END IF;
END
$$;
