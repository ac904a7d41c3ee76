SELECT key, severity, source, what, place, began_at, remedy, page, found_rows
FROM ops.problems
ORDER BY severity, began_at DESC;
