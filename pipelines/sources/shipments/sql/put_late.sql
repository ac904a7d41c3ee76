-- Writes the history of the touched shipments anew: all that is known of when they had which status,
-- and the file's news in between. That is the first file with each status, and the last one, of
-- which the delivery is not known (0).
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
        status_raw, 0
    FROM stored
    WHERE seen_until_at IS NOT NULL
    UNION ALL
    SELECT
        tracking_number, carrier, last_seen_at, coalesce(last_sequence, 0), 2, status, status_class,
        status_raw, 0
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

CREATE TEMP TABLE changed_late ON COMMIT DROP AS
SELECT tracking_number, carrier
FROM known_statuses
WHERE is_change AND delivery_id = :delivery_id AND seen_at = :news_at AND sequence = :sequence;

UPDATE shipments.shipments
SET first_seen_at = least(shipments.first_seen_at, :news_at), updated_at = :changed_at
FROM changed_late
WHERE
    shipments.tracking_number = changed_late.tracking_number
    AND shipments.carrier = changed_late.carrier;

-- The way back of a parcel is known already, and now the way there.
UPDATE shipments.shipments
SET sent_from_address = staged.sender_address
FROM stage_shipments AS staged
INNER JOIN changed_late USING (tracking_number, carrier)
WHERE
    shipments.tracking_number = staged.tracking_number
    AND shipments.carrier = staged.carrier
    AND shipments.sent_from_address IS NULL
    AND shipments.sender_address = staged.receiver_address
    AND shipments.sender_address <> staged.sender_address;

WITH promised AS (
    UPDATE shipments.shipments
    SET
        promised_on = staged.promised_on,
        promised_at = :news_at,
        promised_sequence = :sequence,
        updated_at = :changed_at
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
    RETURNING shipments.tracking_number, shipments.carrier
)

INSERT INTO changed (record)
SELECT stage_lines.record
FROM stage_lines
INNER JOIN (
    SELECT tracking_number, carrier FROM promised
    UNION
    SELECT tracking_number, carrier FROM changed_late
) AS touched USING (tracking_number, carrier)
