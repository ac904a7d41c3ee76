-- Work: linear, 400 buffers
SELECT
    key,
    severity,
    source,
    what,
    place,
    began_at,
    remedy,
    page
FROM ops.problems
ORDER BY severity, began_at DESC;
