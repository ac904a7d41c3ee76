-- Before migrations: create the five roles, let the owner create schemas, and set the defaults of
-- all sessions in this database. Roles are shared by the whole server, so another database may
-- create them at the same time. Existing roles are not changed.
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['isobar_owner', 'isobar_loader', 'isobar_analyst', 'isobar_operator', 'isobar_modeller'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
            EXCEPTION
                WHEN duplicate_object OR unique_violation THEN
                    RAISE NOTICE 'role % was made by another session', role_name;
                WHEN insufficient_privilege THEN
                    RAISE EXCEPTION 'there is no role %, and % may not make roles', role_name, current_user
                    USING ERRCODE = 'insufficient_privilege';
            END;
        END IF;
        IF role_name <> 'isobar_modeller' AND NOT pg_has_role(current_user, role_name, 'SET') THEN
            EXECUTE format('GRANT %I TO %I', role_name, current_user);
        END IF;
    END LOOP;
    IF NOT pg_has_role('isobar_modeller', 'isobar_analyst', 'USAGE') THEN
        GRANT isobar_analyst TO isobar_modeller;
    END IF;
    IF NOT has_database_privilege('isobar_owner', current_database(), 'CREATE') THEN
        EXECUTE format('GRANT CREATE ON DATABASE %I TO isobar_owner', current_database());
    END IF;
END
$$;

-- Only for the owner of the database: let only loads and modellers create temporary tables, let
-- modellers create schemas, and set timeouts. As whoever may create a schema could name it like
-- another login, the schema "$user" is not on the search path: its functions and operators would be
-- executed with the rights of that login.
-- Settings of a role do not apply to logins that are members of it, while settings of a database
-- apply to everyone. So the timeouts are set on the database, and the migrating role is exempt.
-- Runs set their own (warehouse/connection.py).
DO $$
DECLARE
    ours CONSTANT text := current_database();
    setting record;
BEGIN
    IF NOT (SELECT pg_has_role(current_user, datdba, 'USAGE') FROM pg_database WHERE datname = ours) THEN
        RAISE NOTICE '% does not own the database: its privileges and time-outs are not changed', current_user;
        RETURN;
    END IF;
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', ours);
    FOR setting IN
        SELECT name, value
        FROM (VALUES ('statement_timeout', '5min'), ('idle_in_transaction_session_timeout', '5min'), ('datestyle', 'ISO, YMD'), ('search_path', 'public')) AS wanted (name, value)
        WHERE NOT EXISTS (
            SELECT FROM pg_db_role_setting
            INNER JOIN pg_database ON pg_database.oid = setdatabase
            CROSS JOIN unnest(setconfig) AS line
            WHERE datname = ours AND setrole = 0 AND starts_with(line, name || '=')
        )
    LOOP
        EXECUTE format('ALTER DATABASE %I SET %I = %L', ours, setting.name, setting.value);
        IF setting.name ~ 'timeout$' THEN
            EXECUTE format('ALTER ROLE %I IN DATABASE %I SET %I = 0', current_user, ours, setting.name);
        END IF;
    END LOOP;
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO isobar_loader, isobar_modeller', ours);
    EXECUTE format('GRANT CREATE ON DATABASE %I TO isobar_modeller', ours);
END
$$;

-- Only for a superuser: revoke what PostgreSQL lets everyone write without rights on any table (an
-- exported snapshot is a file until the transaction ends), and the locks with which anyone could
-- block loads. Limit the temporary disk space of the analyst login, and the number of sessions of
-- analysts and operators, so that they cannot use them all.
DO $$
DECLARE
    open_to_all record;
BEGIN
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        RAISE NOTICE '% is not a superuser: functions of PostgreSQL itself are not changed', current_user;
        RETURN;
    END IF;
    FOR open_to_all IN
        SELECT
            oid::regprocedure AS called,
            CASE
                WHEN proname ~ 'advisory' THEN 'isobar_owner, isobar_loader, isobar_operator'
            END AS needed_by
        FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace
            AND has_function_privilege('public', oid, 'EXECUTE')
            AND (
                proname ~ '^(lo_creat|lo_create|lo_from_bytea|pg_logical_emit_message|pg_export_snapshot)$'
                OR proname ~ '^pg_(try_)?advisory_.*lock.*$'
            )
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', open_to_all.called);
        IF open_to_all.needed_by IS NOT NULL THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', open_to_all.called, open_to_all.needed_by);
        END IF;
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'isobar_analyst' AND rolconnlimit = -1) THEN
        ALTER ROLE isobar_analyst CONNECTION LIMIT 50;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'isobar_operator' AND rolconnlimit = -1) THEN
        ALTER ROLE isobar_operator CONNECTION LIMIT 20;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_db_role_setting
        INNER JOIN pg_database ON pg_database.oid = setdatabase
        CROSS JOIN unnest(setconfig) AS line
        WHERE datname = current_database() AND setrole = 'isobar_analyst'::regrole
            AND starts_with(line, 'temp_file_limit=')
    ) THEN
        EXECUTE format('ALTER ROLE isobar_analyst IN DATABASE %I SET temp_file_limit = ''10GB''', current_database());
    END IF;
END
$$;

SET LOCAL ROLE isobar_owner;
