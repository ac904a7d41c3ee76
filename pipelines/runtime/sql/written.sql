-- The length of all SQL that pg_dump writes about relations; an error if one is nested too deep.
SELECT sum(length(written))
FROM (
    SELECT pg_get_viewdef(oid) FROM pg_class WHERE relkind IN ('v', 'm') AND oid = ANY(%(oids)s::oid [])
    UNION ALL
    SELECT pg_get_ruledef(oid) FROM pg_rewrite
    WHERE rulename <> '_RETURN' AND ev_class = ANY(%(oids)s::oid [])
    UNION ALL
    SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = ANY(%(oids)s::oid [])
    UNION ALL
    SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = ANY(%(oids)s::oid [])
    UNION ALL
    SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = ANY(%(oids)s::oid [])
    UNION ALL
    SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = ANY(%(oids)s::oid [])
    UNION ALL
    SELECT concat(pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
    FROM pg_policy WHERE polrelid = ANY(%(oids)s::oid [])
    UNION ALL
    SELECT pg_get_partkeydef(partrelid) FROM pg_partitioned_table WHERE partrelid = ANY(%(oids)s::oid [])
    UNION ALL
    SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = ANY(%(oids)s::oid [])
) AS all_sql (written)
