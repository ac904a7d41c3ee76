-- Inserts new shipments and updates those that differ from the stored ones. Equal ones are left
-- alone: ON CONFLICT would lock each of them, which writes it. Every change of status adds a row to
-- the history. New shipments are summed up here, and sum_up_shipments updates existing ones.
WITH differing AS MATERIALIZED (
    SELECT
        staged.*,
        receiver.country_code AS receiver_country_code,
        stored.status IS DISTINCT FROM staged.status AS has_new_status
    FROM stage_shipments AS staged
    INNER JOIN shipments.addresses AS receiver ON staged.receiver_address = receiver.address
    LEFT JOIN shipments.shipments AS stored USING (tracking_number, carrier)
    WHERE
        NOT staged.is_later
        AND (
            staged.is_new
            OR (
                stored.sender_address,
                stored.receiver_address,
                stored.status,
                stored.status_raw,
                stored.currency
            )
            IS DISTINCT FROM (
                staged.sender_address,
                staged.receiver_address,
                staged.status,
                staged.status_raw,
                :currency
            )
        )
), inserted AS (
    INSERT INTO shipments.shipments (
        tracking_number,
        carrier,
        sender_address,
        receiver_address,
        receiver_country_code,
        status,
        status_raw,
        article_count,
        units,
        total_value,
        first_seen_at,
        last_seen_at,
        updated_at,
        delivery_id,
        currency
    )
    SELECT
        tracking_number,
        carrier,
        sender_address,
        receiver_address,
        receiver_country_code,
        status,
        status_raw,
        article_count,
        units,
        total_value,
        :seen_at,
        :seen_at,
        :changed_at,
        :delivery_id,
        :currency
    FROM differing
    WHERE is_new
), updated AS (
    UPDATE shipments.shipments
    SET
        sent_from_address = CASE
            WHEN differing.has_new_status AND differing.sender_address = shipments.receiver_address
                THEN coalesce(shipments.sent_from_address, shipments.sender_address)
            ELSE shipments.sent_from_address
        END,
        sender_address = differing.sender_address,
        receiver_address = differing.receiver_address,
        receiver_country_code = differing.receiver_country_code,
        status = differing.status,
        status_raw = differing.status_raw,
        last_seen_at = :seen_at,
        updated_at = :changed_at,
        delivery_id = :delivery_id,
        currency = :currency
    FROM differing
    WHERE
        NOT differing.is_new
        AND shipments.tracking_number = differing.tracking_number
        AND shipments.carrier = differing.carrier
), noted AS (
    INSERT INTO changed (record)
    SELECT stage_lines.record
    FROM stage_lines
    INNER JOIN differing USING (tracking_number, carrier)
)

INSERT INTO shipments.status_history (
    tracking_number, carrier, seen_at, status, status_raw, delivery_id
)
SELECT
    tracking_number,
    carrier,
    :seen_at,
    status,
    status_raw,
    :delivery_id
FROM differing
WHERE has_new_status
