-- Gives a status its meaning, in shipments and in their history. A change of status that is none any
-- more leaves the history.
WITH current AS (
    UPDATE shipments.shipments
    SET status = :meaning
    WHERE status = :status AND status_raw = :status_raw
), meant AS (
    SELECT
        tracking_number, carrier, seen_at,
        CASE WHEN status = :status AND status_raw = :status_raw THEN :meaning ELSE status END
            AS status
    FROM shipments.status_history
    WHERE (tracking_number, carrier) IN (
        SELECT tracking_number, carrier
        FROM shipments.status_history
        WHERE status = :status AND status_raw = :status_raw
    )
), renamed AS (
    SELECT *, lag(status) OVER (PARTITION BY tracking_number, carrier ORDER BY seen_at) AS before
    FROM meant
), gone AS (
    DELETE FROM shipments.status_history AS history
    USING renamed
    WHERE
        (history.tracking_number, history.carrier, history.seen_at)
        = (renamed.tracking_number, renamed.carrier, renamed.seen_at)
        AND renamed.status = renamed.before
)

UPDATE shipments.status_history AS history
SET status = renamed.status
FROM renamed
WHERE
    (history.tracking_number, history.carrier, history.seen_at)
    = (renamed.tracking_number, renamed.carrier, renamed.seen_at)
    AND renamed.status IS DISTINCT FROM renamed.before
    AND history.status <> renamed.status
