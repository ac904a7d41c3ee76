CREATE OR REPLACE VIEW ops.quarantine_summary AS
SELECT
    deliveries.feed,
    reason.code AS reason_code,
    count(*) AS count,
    min(deliveries.loaded_at) AS first_seen_at,
    max(deliveries.loaded_at) AS last_seen_at,
    (array_agg(
        deliveries.name || ', ' || quarantine.position || ': ' || left(quarantine.raw, 200)
        ORDER BY quarantine.quarantine_id DESC
    ))[1] AS example,
    (array_agg(reason.words ORDER BY quarantine.quarantine_id DESC))[1] AS reason
FROM ops.quarantine
INNER JOIN ops.deliveries USING (delivery_id)
CROSS JOIN LATERAL unnest(quarantine.reason_codes, quarantine.reasons) AS reason (code, words)
WHERE quarantine.dismissed_at IS NULL
GROUP BY deliveries.feed, reason.code
ORDER BY deliveries.feed, count(*) DESC, reason.code;

COMMENT ON VIEW ops.quarantine_summary IS
'Number of records in quarantine by feed and reason, without dismissed records. A record with
several reasons counts once for each.';
COMMENT ON COLUMN ops.quarantine_summary.feed IS 'Feed of the records.';
COMMENT ON COLUMN ops.quarantine_summary.reason_code IS
'Code of the reason; docs/reference.md lists all codes and what to do.';
COMMENT ON COLUMN ops.quarantine_summary.count IS 'Number of records with this reason.';
COMMENT ON COLUMN ops.quarantine_summary.first_seen_at IS
'When the first delivery with such a record was loaded.';
COMMENT ON COLUMN ops.quarantine_summary.last_seen_at IS
'When the last delivery with such a record was loaded.';
COMMENT ON COLUMN ops.quarantine_summary.example IS
'The most recent such record: the delivery, the position in it, and the text, cut at 200
characters.';
COMMENT ON COLUMN ops.quarantine_summary.reason IS
'Why the most recent such record was rejected, in words.';
