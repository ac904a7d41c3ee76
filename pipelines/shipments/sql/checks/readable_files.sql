-- Files of the inbox that were refused as a whole and have not changed since.
SELECT
    name,
    problem,
    byte_count,
    looked_at
FROM ops.inbox_files
WHERE source = 'shipments' AND problem IS NOT NULL
ORDER BY looked_at DESC
LIMIT 1000
