-- The views that a collected view gathers, whose they are, and whether each is known to fail.
SELECT
    schemaname || '.' || viewname AS view_name,
    format('%I.%I', schemaname, viewname) AS quoted_name,
    sql_objects.plugin IS NOT NULL AS is_plugin,
    failing_views.view_name IS NOT NULL AS is_noted
FROM pg_views
LEFT JOIN ops.sql_objects ON sql_objects.name = schemaname || '.' || viewname
LEFT JOIN ops.failing_views ON failing_views.view_name = schemaname || '.' || viewname
WHERE
    viewname = :view
    AND schemaname <> :schema
    AND (NOT :only_noted OR failing_views.tested_at <= now() - interval '1 hour')
ORDER BY view_name
