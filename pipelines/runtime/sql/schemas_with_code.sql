-- Schemas with code of other people than Isobar's owner, this user and superusers: functions,
-- operators, statistics, or types other than enumerations. A literal of such a type may execute it as
-- soon as a default or view with it is restored.
SELECT DISTINCT
    schemas.oid,
    schemas.nspname AS name,
    pg_get_userbyid(schemas.nspowner) AS owner
FROM pg_shdepend AS owned
INNER JOIN pg_database ON owned.dbid = pg_database.oid
CROSS JOIN LATERAL pg_identify_object(owned.classid, owned.objid, owned.objsubid) AS named
INNER JOIN pg_namespace AS schemas ON quote_ident(schemas.nspname) = named.schema
INNER JOIN pg_roles AS owners ON owned.refobjid = owners.oid
LEFT JOIN pg_type ON owned.classid = 'pg_type'::regclass AND owned.objid = pg_type.oid
WHERE
    pg_database.datname = current_database()
    AND owned.deptype = 'o'
    AND owned.refclassid = 'pg_authid'::regclass
    AND NOT (owners.rolsuper OR owners.rolname IN ('isobar_owner', current_user))
    AND owned.classid NOT IN ('pg_class'::regclass, 'pg_namespace'::regclass)
    AND coalesce(pg_type.typtype, '') <> 'e'
    AND schemas.nspname !~ '^pg_'
ORDER BY name
