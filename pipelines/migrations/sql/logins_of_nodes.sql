-- Lets the roles log in: in a Citus cluster, nodes connect to each other as the role of a statement.
-- None of them gets a password here.
DO $$
DECLARE
    role_name text;
BEGIN
    FOR role_name IN
        SELECT rolname FROM pg_roles
        WHERE rolname ~ '^isobar_(owner|loader|analyst|operator)$' AND NOT rolcanlogin
    LOOP
        EXECUTE format('ALTER ROLE %I LOGIN', role_name);
    END LOOP;
    IF NOT pg_has_role('isobar_owner', 'isobar_loader', 'SET') THEN
        GRANT isobar_loader TO isobar_owner;
    END IF;
END
$$;
