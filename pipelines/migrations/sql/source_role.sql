-- Creates the role with whose rights the statements of a source run, if it is missing. It has no
-- login, reads what analysts read, and may become nobody else. The role is shared by the databases of
-- a server; its temporary tables are of this one. The owner of the tables becomes a
-- member, to give it the function that runs as it.
DO $$
DECLARE
    role_name CONSTANT text := :role;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN
                RAISE NOTICE 'role % was made by another session', role_name;
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'there is no role %, and % may not make roles', role_name, current_user
                USING
                    ERRCODE = 'insufficient_privilege',
                    HINT = format(
                        'Have an administrator execute: CREATE ROLE %1$I NOLOGIN;'
                        ' GRANT isobar_analyst TO %1$I; GRANT %1$I TO isobar_owner;', role_name
                    );
        END;
    END IF;
    IF :has_temporary AND NOT has_database_privilege(role_name, current_database(), 'TEMPORARY')
        AND (SELECT pg_has_role(current_user, datdba, 'USAGE') FROM pg_database WHERE datname = current_database())
    THEN
        EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO %I', current_database(), role_name);
    END IF;
    IF NOT pg_has_role(role_name, 'isobar_analyst', 'USAGE') THEN
        EXECUTE format('GRANT isobar_analyst TO %I', role_name);
    END IF;
    IF NOT pg_has_role('isobar_owner', role_name, 'SET') THEN
        EXECUTE format('GRANT %I TO isobar_owner', role_name);
    END IF;
END
$$;
