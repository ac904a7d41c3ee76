-- Files in the inbox of a source, or of all if it is null, that were rejected as a whole and have not
-- changed since, newest first, each with the reason that the ledger has.
SELECT
    inbox_files.source,
    inbox_files.name,
    inbox_files.run_id,
    inbox_files.looked_at,
    coalesce((
        SELECT deliveries.problem
        FROM ops.deliveries
        WHERE
            deliveries.feed = inbox_files.source
            AND deliveries.name = inbox_files.name
            AND deliveries.problem IS NOT NULL
        ORDER BY deliveries.loaded_at DESC
        LIMIT 1
    ), 'its run says why') AS problem
FROM ops.inbox_files
WHERE
    inbox_files.sha256 IS NULL
    AND (CAST(:source AS text) IS NULL OR inbox_files.source = :source)
ORDER BY inbox_files.looked_at DESC
