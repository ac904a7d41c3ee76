ANALYZE stage_lines (tracking_number, carrier, sku);

-- Deletes from stage_lines all lines of shipments whose lines disagree, and returns them with the
-- columns that differ.
WITH disagreeing AS (
    SELECT
        tracking_number,
        carrier,
        concat_ws(
            ' and ',
            CASE WHEN min(sender_address) <> max(sender_address) THEN 'sender_address' END,
            CASE WHEN min(receiver_address) <> max(receiver_address) THEN 'receiver_address' END,
            CASE WHEN min(status) <> max(status) THEN 'status' END
        ) AS columns
    FROM stage_lines
    GROUP BY tracking_number, carrier
    HAVING
        min(sender_address) <> max(sender_address)
        OR min(receiver_address) <> max(receiver_address)
        OR min(status) <> max(status)
)

DELETE FROM stage_lines AS line
USING disagreeing
WHERE
    line.tracking_number = disagreeing.tracking_number
    AND line.carrier = disagreeing.carrier
RETURNING
    line.record,
    line.raw,
    ARRAY[line.tracking_number, line.carrier, line.sku] AS record_key,
    'lines of the shipment disagree on ' || disagreeing.columns AS reason,
    'lines_disagree' AS reason_code,
    FALSE AS is_final
