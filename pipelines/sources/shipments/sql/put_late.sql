-- Writes the history of the touched shipments anew: all that is known of when they had which status,
-- and the file's news in between. That is the first file with each status, and the last one.
CREATE TEMP TABLE known_statuses ON COMMIT DROP AS
WITH stored AS (
    SELECT
        history.*,
        lead(history.previous_seen_at) OVER in_order AS seen_until_at,
        lead(history.previous_sequence) OVER in_order AS until_sequence
    FROM touched_shipments
    INNER JOIN shipments.status_history AS history USING (tracking_number, carrier)
    WINDOW in_order AS (
        PARTITION BY history.tracking_number, history.carrier
        ORDER BY history.seen_at, history.sequence
    )
), news AS (
    SELECT
        tracking_number, carrier, seen_at, sequence, 1 AS rank, status, status_class, status_raw,
        delivery_id
    FROM stored
    UNION ALL
    SELECT
        tracking_number, carrier, seen_until_at, until_sequence, 2, status, status_class,
        status_raw, delivery_id
    FROM stored
    WHERE seen_until_at IS NOT NULL
    UNION ALL
    SELECT
        tracking_number, carrier, last_seen_at, last_sequence, 2, status, status_class, status_raw,
        delivery_id
    FROM touched_shipments
    INNER JOIN shipments.shipments USING (tracking_number, carrier)
    UNION ALL
    SELECT
        tracking_number, carrier, :news_at, :sequence, 3, status, status_class, status_raw,
        :delivery_id
    FROM stage_shipments
    WHERE is_late
), distinct_news AS (
    SELECT DISTINCT ON (tracking_number, carrier, seen_at, sequence) *
    FROM news
    ORDER BY tracking_number, carrier, seen_at, sequence, rank
)

SELECT
    distinct_news.*,
    lag(status) OVER in_order IS DISTINCT FROM status AS is_change,
    lag(seen_at) OVER in_order AS previous_seen_at,
    lag(sequence) OVER in_order AS previous_sequence
FROM distinct_news
WINDOW in_order AS (PARTITION BY tracking_number, carrier ORDER BY seen_at, sequence);

DELETE FROM shipments.status_history AS history
USING touched_shipments AS touched
WHERE
    history.tracking_number = touched.tracking_number
    AND history.carrier = touched.carrier;

INSERT INTO shipments.status_history (
    tracking_number, carrier, seen_at, sequence, status, status_class, status_raw, delivery_id,
    previous_seen_at, previous_sequence
)
SELECT
    tracking_number, carrier, seen_at, sequence, status, status_class, status_raw, delivery_id,
    previous_seen_at, previous_sequence
FROM known_statuses
WHERE is_change;

UPDATE shipments.shipments
SET first_seen_at = least(shipments.first_seen_at, :news_at), updated_at = :changed_at
FROM touched_shipments AS touched
WHERE
    shipments.tracking_number = touched.tracking_number
    AND shipments.carrier = touched.carrier;

UPDATE shipments.shipments
SET promised_on = staged.promised_on, promised_at = :news_at, promised_sequence = :sequence
FROM stage_shipments AS staged
WHERE
    staged.is_late
    AND staged.promised_on IS NOT NULL
    AND shipments.tracking_number = staged.tracking_number
    AND shipments.carrier = staged.carrier
    AND (
        shipments.promised_at IS NULL
        OR (:news_at, :sequence) < (shipments.promised_at, shipments.promised_sequence)
    )
