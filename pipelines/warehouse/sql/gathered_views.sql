-- The views that a collected view gathers, whose they are, whether each is known to fail, and the
-- columns with the types that the collected view gives them.
SELECT
    schemaname || '.' || viewname AS view_name,
    format('%I.%I', schemaname, viewname) AS quoted_name,
    (
        SELECT string_agg(format('%I::%s', attname, format_type(atttypid, NULL)), ', ')
        FROM pg_attribute
        WHERE
            attrelid = to_regclass(:schema || '.' || :view)
            AND attnum > 0
            AND NOT attisdropped
            AND attname <> 'source'
    ) AS columns,
    sql_objects.plugin IS NOT NULL AS is_plugin,
    failing_views.view_name IS NOT NULL AS is_noted
FROM pg_views
LEFT JOIN ops.sql_objects ON sql_objects.name = schemaname || '.' || viewname
LEFT JOIN ops.failing_views ON failing_views.view_name = schemaname || '.' || viewname
WHERE
    viewname = :view
    AND schemaname <> :schema
    AND schemaname = coalesce(:source, schemaname)
    AND (NOT :only_noted OR failing_views.tested_at <= now() - interval '1 hour')
ORDER BY view_name
