CREATE OR REPLACE VIEW ops.quarantine_summary AS
SELECT
    deliveries.source,
    split_part(reason.words, ': ', 1) AS reason,
    count(*) AS count,
    min(deliveries.loaded_at) AS first_seen_at,
    max(deliveries.loaded_at) AS last_seen_at,
    (array_agg(
        deliveries.name || ', ' || quarantine.position || ': ' || left(quarantine.raw, 200)
        ORDER BY quarantine.quarantine_id DESC
    ))[1] AS example
FROM ops.quarantine
INNER JOIN ops.deliveries USING (delivery_id)
CROSS JOIN LATERAL unnest(quarantine.reasons) AS reason (words)
WHERE quarantine.dismissed_at IS NULL
GROUP BY deliveries.source, split_part(reason.words, ': ', 1)
ORDER BY deliveries.source, count(*) DESC, reason;

COMMENT ON VIEW ops.quarantine_summary IS
'What is in quarantine, by source and reason, but for what a person dismissed. A record with several
reasons counts for each.';
COMMENT ON COLUMN ops.quarantine_summary.source IS 'Which feed.';
COMMENT ON COLUMN ops.quarantine_summary.reason IS
'What is wrong, without the values of single records.';
COMMENT ON COLUMN ops.quarantine_summary.count IS 'Records with this reason.';
COMMENT ON COLUMN ops.quarantine_summary.first_seen_at IS
'When the first delivery that has such a record was loaded.';
COMMENT ON COLUMN ops.quarantine_summary.last_seen_at IS
'When the last delivery that has such a record was loaded.';
COMMENT ON COLUMN ops.quarantine_summary.example IS
'One of them: the delivery, the place in it, and its text, cut at 200 characters.';
