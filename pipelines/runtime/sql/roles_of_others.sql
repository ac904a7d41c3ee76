-- Roles that are members of the roles given, or that the database names: as owners of objects, in
-- their privileges and policies. Not Isobar's own, nor the user of this session if nothing names it.
SELECT name, can_login, groups, is_needed
FROM (
    SELECT
        roles.rolname::text AS name,
        roles.rolcanlogin AS can_login,
        roles.rolname = current_user AS is_own,
        ARRAY(
            SELECT groups.rolname::text
            FROM pg_auth_members AS memberships
            INNER JOIN pg_roles AS groups ON memberships.roleid = groups.oid
            WHERE memberships.member = roles.oid AND groups.rolname = ANY(wanted.groups)
            ORDER BY groups.rolname
        ) AS groups,
        EXISTS (
            SELECT FROM pg_shdepend AS named
            INNER JOIN pg_database ON named.dbid = pg_database.oid
            WHERE
                pg_database.datname = current_database()
                AND named.refclassid = 'pg_authid'::regclass
                AND named.refobjid = roles.oid
        ) AS is_needed
    FROM pg_roles AS roles
    CROSS JOIN (SELECT %s::text [] AS groups) AS wanted
    WHERE roles.rolname !~ '^(pg|isobar)_'
) AS others
WHERE is_needed OR (groups <> '{}' AND NOT is_own)
ORDER BY name
