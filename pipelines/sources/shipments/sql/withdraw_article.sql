-- Removes what a cut last line stored and the staged lines of the complete file do not say, as far as
-- no other delivery can have brought it. Its article, if no other file had the shipment: of others
-- it is not known whether the line inserted or changed it.
WITH gone AS (
    DELETE FROM shipments.articles AS cut
    USING shipments.shipments
    WHERE
        cut.tracking_number = :tracking_number
        AND cut.carrier = :carrier
        AND cut.sku = :sku
        AND cut.delivery_id = ANY(:delivery_ids)
        AND shipments.tracking_number = cut.tracking_number
        AND shipments.carrier = cut.carrier
        AND (
            SELECT bool_and(seen.at IN (
                SELECT deliveries.loaded_at
                FROM ops.deliveries
                WHERE deliveries.delivery_id = ANY(:delivery_ids)
            ))
            FROM (VALUES (shipments.first_seen_at), (shipments.last_seen_at)) AS seen (at)
        )
        AND NOT EXISTS (
            SELECT
            FROM stage_lines
            WHERE (stage_lines.tracking_number, stage_lines.carrier, stage_lines.sku)
                = (cut.tracking_number, cut.carrier, cut.sku)
        )
    RETURNING cut.tracking_number, cut.carrier, cut.delivery_id
), noted AS (
    INSERT INTO refilled_shipments (tracking_number, carrier)
    SELECT tracking_number, carrier
    FROM gone
)

SELECT delivery_id
FROM gone
