-- Upserts shipments from stage_lines, in which all lines of a shipment agree. Shipments in
-- later_shipments are not changed. Every change of status adds a row to the history. New shipments
-- are summed up here; sum_up_shipments updates existing ones.
WITH sent AS (
    SELECT DISTINCT ON (tracking_number, carrier)
        tracking_number,
        carrier,
        sender_address,
        receiver_address,
        status,
        status_raw
    FROM stage_lines
    WHERE NOT EXISTS (
        SELECT
        FROM later_shipments
        WHERE
            later_shipments.tracking_number = stage_lines.tracking_number
            AND later_shipments.carrier = stage_lines.carrier
    )
    ORDER BY tracking_number, carrier, record
), contents AS (
    SELECT
        tracking_number,
        carrier,
        count(*) AS article_count,
        sum(articles.quantity) AS units,
        sum(articles.quantity * articles.unit_price) AS total_value
    FROM (
        SELECT DISTINCT tracking_number, carrier, sku, quantity, unit_price FROM stage_lines
    ) AS articles
    GROUP BY tracking_number, carrier
), before AS (
    SELECT
        sent.tracking_number,
        sent.carrier,
        sent.status,
        sent.status_raw
    FROM sent
    LEFT JOIN shipments.shipments AS stored USING (tracking_number, carrier)
    WHERE stored.tracking_number IS NULL OR stored.status <> sent.status
), written AS (
    INSERT INTO shipments.shipments AS stored (
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
        sent.tracking_number,
        sent.carrier,
        sent.sender_address,
        sent.receiver_address,
        receiver.country_code,
        sent.status,
        sent.status_raw,
        contents.article_count,
        contents.units,
        contents.total_value,
        :seen_at,
        :seen_at,
        :changed_at,
        :delivery_id,
        :currency
    FROM sent
    INNER JOIN contents USING (tracking_number, carrier)
    INNER JOIN shipments.addresses AS receiver ON sent.receiver_address = receiver.address
    ON CONFLICT (tracking_number, carrier) DO UPDATE SET
        sender_address = excluded.sender_address,
        receiver_address = excluded.receiver_address,
        receiver_country_code = excluded.receiver_country_code,
        status = excluded.status,
        status_raw = excluded.status_raw,
        last_seen_at = excluded.last_seen_at,
        updated_at = excluded.updated_at,
        delivery_id = excluded.delivery_id,
        currency = excluded.currency
    WHERE
        (
            stored.sender_address,
            stored.receiver_address,
            stored.status,
            stored.status_raw,
            stored.currency
        )
        IS DISTINCT FROM (
            excluded.sender_address,
            excluded.receiver_address,
            excluded.status,
            excluded.status_raw,
            excluded.currency
        )
    RETURNING tracking_number, carrier
), noted AS (
    INSERT INTO changed (record)
    SELECT stage_lines.record
    FROM stage_lines
    INNER JOIN written USING (tracking_number, carrier)
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
FROM before
