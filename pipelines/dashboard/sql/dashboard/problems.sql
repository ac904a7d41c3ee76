-- Work: linear, 400 buffers
SELECT problem || ':' || subject AS key, severity, source, what, remedy, began_at
FROM metrics.health
ORDER BY severity, began_at DESC;
