-- What else a cut last line stored. Its status: each row of the history was inserted by one
-- delivery.
DELETE FROM shipments.status_history AS cut
WHERE
    cut.tracking_number = :tracking_number
    AND cut.carrier = :carrier
    AND cut.status = :status
    AND cut.delivery_id = ANY(:delivery_ids)
    AND NOT EXISTS (
        SELECT
        FROM stage_lines
        WHERE (stage_lines.tracking_number, stage_lines.carrier, stage_lines.status)
            = (cut.tracking_number, cut.carrier, cut.status)
    );

-- A later status that is no change any more.
DELETE FROM shipments.status_history AS later
USING (
    SELECT
        seen_at,
        status = lag(status) OVER (ORDER BY seen_at) AS is_same
    FROM shipments.status_history
    WHERE tracking_number = :tracking_number AND carrier = :carrier
) AS history
WHERE
    later.tracking_number = :tracking_number
    AND later.carrier = :carrier
    AND later.seen_at = history.seen_at
    AND history.is_same;

-- The shipment has the last status of its history, with which the staged one is then compared.
UPDATE shipments.shipments
SET status = last.status, status_raw = last.status_raw
FROM (
    SELECT
        status,
        status_raw
    FROM shipments.status_history
    WHERE tracking_number = :tracking_number AND carrier = :carrier
    ORDER BY seen_at DESC
    LIMIT 1
) AS last
WHERE
    shipments.tracking_number = :tracking_number
    AND shipments.carrier = :carrier
    AND shipments.status <> last.status;

-- The shipment itself, if nothing else is known of it.
DELETE FROM shipments.shipments AS cut
WHERE
    cut.tracking_number = :tracking_number
    AND cut.carrier = :carrier
    AND NOT EXISTS (
        SELECT
        FROM shipments.status_history
        WHERE (status_history.tracking_number, status_history.carrier)
            = (cut.tracking_number, cut.carrier)
    )
    AND NOT EXISTS (
        SELECT
        FROM shipments.articles
        WHERE (articles.tracking_number, articles.carrier) = (cut.tracking_number, cut.carrier)
    )
    AND NOT EXISTS (
        SELECT
        FROM stage_lines
        WHERE (stage_lines.tracking_number, stage_lines.carrier)
            = (cut.tracking_number, cut.carrier)
    )
