-- Shipments of stage_lines, in which all lines of a shipment agree, with the sums of their articles.
-- The lines are read and sorted once for all statements that need shipments. A retry changes tables
-- later than its delivery was seen, and must not change what a later file has.
CREATE TEMP TABLE stage_shipments ON COMMIT DROP AS
SELECT
    staged.*,
    stored.tracking_number IS NULL AS is_new,
    coalesce(:changed_at <> :seen_at AND stored.last_seen_at > :seen_at, FALSE) AS is_later
FROM (
    SELECT
        tracking_number,
        carrier,
        min(sender_address) AS sender_address,
        min(receiver_address) AS receiver_address,
        min(status) AS status,
        (array_agg(status_raw ORDER BY record))[1] AS status_raw,
        count(*) AS article_count,
        sum(quantity) AS units,
        sum(quantity * unit_price) AS total_value
    FROM (
        SELECT DISTINCT ON (tracking_number, carrier, sku)
            tracking_number,
            carrier,
            sender_address,
            receiver_address,
            status,
            status_raw,
            quantity,
            unit_price,
            record
        FROM stage_lines
        ORDER BY tracking_number, carrier, sku, record
    ) AS articles
    GROUP BY tracking_number, carrier
) AS staged
LEFT JOIN shipments.shipments AS stored USING (tracking_number, carrier)
