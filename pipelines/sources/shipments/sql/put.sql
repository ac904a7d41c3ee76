-- Inserts new shipments and updates those that differ from the stored ones. Equal ones are left
-- alone: ON CONFLICT would lock each of them, which writes it. Every change of status adds a row to
-- the history. New shipments are summed up here, existing ones below.
WITH differing AS MATERIALIZED (
    SELECT
        staged.*,
        receiver.country_code AS receiver_country_code
    FROM stage_shipments AS staged
    INNER JOIN shipments.addresses AS receiver ON staged.receiver_address = receiver.address
    WHERE staged.is_different AND NOT staged.is_later
), inserted AS (
    INSERT INTO shipments.shipments (
        tracking_number, carrier, sender_address, receiver_address, receiver_country_code, status,
        status_raw, article_count, units, total_value, first_seen_at, last_seen_at, updated_at,
        delivery_id, currency
    )
    SELECT
        tracking_number, carrier, sender_address, receiver_address, receiver_country_code, status,
        status_raw, article_count, units, total_value, :seen_at, :seen_at, :changed_at,
        :delivery_id, :currency
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
SELECT tracking_number, carrier, :seen_at, status, status_raw, :delivery_id
FROM differing
WHERE has_new_status;

-- Inserts new articles of stage_lines and updates those that differ from the stored ones, unless a
-- later file has their shipment. New shipments are summed up already.
WITH differing AS MATERIALIZED (
    SELECT
        staged.record, staged.tracking_number, staged.carrier, staged.sku, staged.article_name,
        staged.quantity, staged.unit_price,
        stored.tracking_number IS NULL AS is_new,
        shipment.is_new AS is_summed_up
    FROM stage_lines AS staged
    INNER JOIN stage_shipments AS shipment USING (tracking_number, carrier)
    LEFT JOIN shipments.articles AS stored USING (tracking_number, carrier, sku)
    WHERE
        stored.tracking_number IS NULL
        OR (
            NOT shipment.is_later
            AND (stored.article_name, stored.quantity, stored.unit_price)
            IS DISTINCT FROM (staged.article_name, staged.quantity, staged.unit_price)
        )
), inserted AS (
    INSERT INTO shipments.articles (
        tracking_number, carrier, sku, article_name, quantity, unit_price, delivery_id
    )
    SELECT DISTINCT ON (tracking_number, carrier, sku)
        tracking_number, carrier, sku, article_name, quantity, unit_price, :delivery_id
    FROM differing
    WHERE is_new
    ORDER BY tracking_number, carrier, sku, record
), updated AS (
    UPDATE shipments.articles
    SET
        article_name = differing.article_name,
        quantity = differing.quantity,
        unit_price = differing.unit_price,
        delivery_id = :delivery_id
    FROM differing
    WHERE
        NOT differing.is_new
        AND articles.tracking_number = differing.tracking_number
        AND articles.carrier = differing.carrier
        AND articles.sku = differing.sku
), noted AS (
    INSERT INTO changed (record)
    SELECT record
    FROM differing
)

INSERT INTO refilled_shipments (tracking_number, carrier)
SELECT DISTINCT tracking_number, carrier
FROM differing
WHERE NOT is_summed_up;

-- Updates the sums of shipments whose articles changed, which counts as a change of the shipment.
UPDATE shipments.shipments
SET
    article_count = contents.article_count,
    units = contents.units,
    total_value = contents.total_value,
    updated_at = :changed_at,
    delivery_id = :delivery_id
FROM (
    SELECT
        tracking_number,
        carrier,
        count(*) AS article_count,
        sum(articles.quantity) AS units,
        sum(articles.quantity * articles.unit_price) AS total_value
    FROM shipments.articles
    INNER JOIN refilled_shipments USING (tracking_number, carrier)
    GROUP BY tracking_number, carrier
) AS contents
WHERE
    shipments.tracking_number = contents.tracking_number
    AND shipments.carrier = contents.carrier;

-- Records that the staged shipments were in a file, unless they are in a later one.
UPDATE shipments.shipments
SET last_seen_at = :seen_at
FROM stage_shipments AS present
WHERE
    shipments.tracking_number = present.tracking_number
    AND shipments.carrier = present.carrier
    AND shipments.last_seen_at < :seen_at;

-- Lines whose article is stored are counted in the tables; an article has a shipment.
INSERT INTO counted (loaded, stored)
SELECT
    (SELECT count(DISTINCT record) FROM changed),
    (
        SELECT count(*)
        FROM stage_lines
        INNER JOIN shipments.articles USING (tracking_number, carrier, sku)
    )
