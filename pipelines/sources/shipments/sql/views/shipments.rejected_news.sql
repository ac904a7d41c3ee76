CREATE OR REPLACE VIEW shipments.rejected_news AS
SELECT
    quarantine.record_key[1] AS tracking_number,
    quarantine.record_key[2] AS carrier,
    coalesce(deliveries.modified_at, deliveries.loaded_at) AS rejected_at
FROM ops.quarantine
INNER JOIN ops.deliveries ON quarantine.delivery_id = deliveries.delivery_id
WHERE
    deliveries.feed = 'shipments'
    AND quarantine.record_key IS NOT NULL
    AND quarantine.dismissed_at IS NULL;

COMMENT ON VIEW shipments.rejected_news IS
'Lines of shipments in quarantine that nobody has dismissed, one row each, with the time of the file.';
COMMENT ON COLUMN shipments.rejected_news.tracking_number IS 'Tracking number, as sent.';
COMMENT ON COLUMN shipments.rejected_news.carrier IS 'Name of the carrier, as sent.';
COMMENT ON COLUMN shipments.rejected_news.rejected_at IS
'Time of the file; of one that version 4 or older loaded, the time of loading.';
