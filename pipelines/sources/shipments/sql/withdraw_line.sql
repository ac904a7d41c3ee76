-- Removes what a cut last line stored and the staged lines of the complete file do not say: its
-- article, its status, or its whole shipment, as far as :delivery_id alone brought them. A shipment
-- goes back to the status before, so that the staged one is compared with that.
WITH gone_article AS (
    DELETE FROM shipments.articles AS cut
    WHERE
        cut.tracking_number = :tracking_number
        AND cut.carrier = :carrier
        AND cut.sku = :sku
        AND cut.delivery_id = :delivery_id
        AND NOT EXISTS (
            SELECT
            FROM stage_lines
            WHERE (stage_lines.tracking_number, stage_lines.carrier, stage_lines.sku)
                = (cut.tracking_number, cut.carrier, cut.sku)
        )
    RETURNING cut.tracking_number, cut.carrier
), gone_status AS (
    DELETE FROM shipments.status_history AS cut
    WHERE
        cut.tracking_number = :tracking_number
        AND cut.carrier = :carrier
        AND cut.status = :status
        AND cut.delivery_id = :delivery_id
        AND NOT EXISTS (
            SELECT
            FROM stage_lines
            WHERE (stage_lines.tracking_number, stage_lines.carrier, stage_lines.status)
                = (cut.tracking_number, cut.carrier, cut.status)
        )
    RETURNING cut.tracking_number, cut.carrier, cut.seen_at
), former AS (
    SELECT DISTINCT ON (gone_status.tracking_number, gone_status.carrier)
        gone_status.tracking_number,
        gone_status.carrier,
        earlier.status,
        earlier.status_raw
    FROM gone_status
    INNER JOIN shipments.status_history AS earlier USING (tracking_number, carrier)
    WHERE earlier.seen_at < gone_status.seen_at
    ORDER BY gone_status.tracking_number, gone_status.carrier, earlier.seen_at DESC
), gone_shipment AS (
    DELETE FROM shipments.shipments AS cut
    USING gone_article
    INNER JOIN gone_status USING (tracking_number, carrier)
    WHERE
        cut.tracking_number = gone_article.tracking_number
        AND cut.carrier = gone_article.carrier
        AND cut.article_count = 1
        AND cut.first_seen_at = gone_status.seen_at
        AND NOT EXISTS (
            SELECT
            FROM stage_lines
            WHERE (stage_lines.tracking_number, stage_lines.carrier)
                = (cut.tracking_number, cut.carrier)
        )
    RETURNING cut.tracking_number
), back AS (
    UPDATE shipments.shipments
    SET status = former.status, status_raw = former.status_raw
    FROM former
    WHERE
        shipments.tracking_number = former.tracking_number
        AND shipments.carrier = former.carrier
)

INSERT INTO refilled_shipments (tracking_number, carrier)
SELECT tracking_number, carrier
FROM gone_article
WHERE NOT EXISTS (SELECT FROM gone_shipment)
