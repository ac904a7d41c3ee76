-- What a source has in the database (is_own), and what others have built on that: kind, name, owner,
-- and the source whose view or function it is, if that is known.
-- The source has what Isobar's owner has in its schema, and, by name, views, functions and tables in
-- the schemas that sources share. What goes with its table is left out, such as an index.
WITH RECURSIVE found (classid, objid, objsubid, state) AS (
    SELECT
        pg_class.tableoid,
        pg_class.oid,
        0,
        'own'
    FROM pg_class
    WHERE relowner = 'isobar_owner'::regrole AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c')
        AND (
            relnamespace = to_regnamespace(:source)
            OR format('%s.%s', relnamespace::regnamespace, relname) = ANY(:names)
        )
    UNION
    SELECT
        pg_proc.tableoid,
        pg_proc.oid,
        0,
        'own'
    FROM pg_proc
    WHERE proowner = 'isobar_owner'::regrole
        AND (
            pronamespace = to_regnamespace(:source)
            OR format('%s.%s', pronamespace::regnamespace, proname) = ANY(:names)
        )
    UNION
    SELECT
        pg_type.tableoid,
        pg_type.oid,
        0,
        'own'
    FROM pg_type
    WHERE typnamespace = to_regnamespace(:source) AND typowner = 'isobar_owner'::regrole
        AND typtype IN ('d', 'e', 'r')
    UNION
    SELECT
        'pg_namespace'::regclass,
        pg_namespace.oid,
        0,
        'own'
    FROM pg_namespace
    WHERE pg_namespace.oid = to_regnamespace(:source)
    UNION
    SELECT
        CASE WHEN ev_class IS NULL THEN pg_depend.classid ELSE 'pg_class'::regclass END,
        coalesce(ev_class, pg_depend.objid),
        CASE WHEN ev_class IS NULL THEN pg_depend.objsubid ELSE 0 END,
        CASE
            WHEN pg_depend.deptype = 'n' THEN 'other'
            WHEN relkind IN ('r', 'p', 'f') THEN 'other' -- a partition, which may be somebody's own
            WHEN found.state IN ('own', 'own part') THEN 'own part'
            ELSE 'part'
        END
    FROM found
    INNER JOIN pg_depend
        ON refclassid = found.classid AND refobjid = found.objid
        AND (found.objsubid = 0 OR refobjsubid = found.objsubid)
    LEFT JOIN pg_rewrite ON pg_depend.classid = 'pg_rewrite'::regclass AND pg_rewrite.oid = pg_depend.objid
    LEFT JOIN pg_class AS relation
        ON pg_depend.classid = 'pg_class'::regclass AND relation.oid = pg_depend.objid AND pg_depend.objsubid = 0
    WHERE pg_depend.deptype IN ('n', 'a', 'i', 'P', 'S')
)
SELECT
    CASE object.type WHEN 'composite type' THEN 'TYPE' ELSE upper(object.type) END AS kind,
    object.identity AS signature,
    format('%s.%s', object.schema, coalesce(relname, proname)) AS name,
    is_own,
    pg_get_userbyid(coalesce(relowner, proowner, typowner, pg_shdepend.refobjid, 10)) AS owner,
    coalesce(source_parts.source, CASE WHEN sql_objects.name IS NOT NULL THEN 'ops' END) AS source
FROM (
    SELECT
        classid,
        objid,
        min(objsubid) AS objsubid,
        bool_or(state = 'own') AS is_own
    FROM found
    GROUP BY classid, objid
    HAVING bool_or(state = 'own') OR (bool_or(state = 'other') AND NOT bool_or(state = 'own part'))
) AS thing
CROSS JOIN pg_identify_object(classid, objid, objsubid) AS object
LEFT JOIN pg_constraint ON classid = 'pg_constraint'::regclass AND pg_constraint.oid = objid
LEFT JOIN pg_attrdef ON classid = 'pg_attrdef'::regclass AND pg_attrdef.oid = objid
LEFT JOIN pg_class
    ON (classid = 'pg_class'::regclass AND pg_class.oid = objid)
    OR pg_class.oid IN (conrelid, adrelid)
LEFT JOIN pg_proc ON classid = 'pg_proc'::regclass AND pg_proc.oid = objid
LEFT JOIN pg_type ON classid = 'pg_type'::regclass AND pg_type.oid = objid
-- The first superuser of a server is in no dependency.
LEFT JOIN pg_shdepend
    ON dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND pg_shdepend.classid = thing.classid
    AND pg_shdepend.objid = thing.objid
    AND pg_shdepend.deptype = 'o'
LEFT JOIN ops.sql_objects
    ON sql_objects.name = format('%s.%s', object.schema, coalesce(relname, proname))
    AND object.type IN ('view', 'function')
    AND coalesce(relowner, proowner) = 'isobar_owner'::regrole
LEFT JOIN ops.source_parts ON sql_objects.name = source_parts.name
ORDER BY is_own, object.identity
