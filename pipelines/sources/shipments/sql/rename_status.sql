-- Gives a status its meaning, in shipments and in their history. A change of status that is none any
-- more leaves the history.
UPDATE shipments.shipments
SET
    status = :meaning,
    status_class = coalesce(CAST(:classes AS jsonb) ->> CAST(:meaning AS text), 'under_way'),
    updated_at = now()
FROM touched_shipments AS touched
WHERE
    shipments.status = :status
    AND shipments.tracking_number = touched.tracking_number
    AND shipments.carrier = touched.carrier;

UPDATE shipments.status_history
SET
    status = :meaning,
    status_class = coalesce(CAST(:classes AS jsonb) ->> CAST(:meaning AS text), 'under_way')
WHERE status = :status;

DELETE FROM shipments.status_history AS history
USING touched_shipments AS touched
WHERE
    history.tracking_number = touched.tracking_number
    AND history.carrier = touched.carrier
    AND history.status = :meaning
    AND history.status = (
        SELECT before.status
        FROM shipments.status_history AS before
        WHERE before.tracking_number = history.tracking_number
            AND before.carrier = history.carrier
            AND (before.seen_at, before.sequence) < (history.seen_at, history.sequence)
        ORDER BY before.seen_at DESC, before.sequence DESC
        LIMIT 1
    )
