-- Inserts new shipments and updates those that differ from the stored ones. Equal ones are left
-- alone: ON CONFLICT would lock each of them, which writes it. Every change of status adds a row to
-- the history. New shipments are summed up here, existing ones below.
WITH differing AS MATERIALIZED (
    SELECT
        staged.*,
        receiver.country_code AS receiver_country_code
    FROM stage_shipments AS staged
    INNER JOIN shipments.addresses AS receiver ON staged.receiver_address = receiver.address
    WHERE staged.is_different AND NOT staged.is_late
), inserted AS (
    INSERT INTO shipments.shipments (
        tracking_number, carrier, sender_address, receiver_address, receiver_country_code, status,
        status_class, status_raw, article_count, units, total_value, first_seen_at, last_seen_at,
        last_sequence, status_changed_at, updated_at, delivery_id, currency, promised_on, promised_at,
        promised_sequence, under_way_at, is_first_seen_delivered, exceptions
    )
    SELECT
        tracking_number, carrier, sender_address, receiver_address, receiver_country_code, status,
        status_class, status_raw, article_count, units, total_value, news_at, news_at,
        last_sequence, news_at,
        :changed_at, :delivery_id, :currency, promised_on,
        CASE WHEN promised_on IS NOT NULL THEN news_at END,
        CASE WHEN promised_on IS NOT NULL THEN :sequence END,
        CASE WHEN status_class IN ('under_way', 'exception') THEN news_at END,
        status_class = 'delivered', (status_class = 'exception')::integer
    FROM differing
    WHERE is_new
), updated AS (
    UPDATE shipments.shipments
    SET
        sent_from_address = CASE
            WHEN
                differing.has_new_status
                AND differing.sender_address = shipments.receiver_address
                AND differing.sender_address <> shipments.sender_address
                THEN coalesce(shipments.sent_from_address, shipments.sender_address)
            ELSE shipments.sent_from_address
        END,
        sender_address = differing.sender_address,
        receiver_address = differing.receiver_address,
        receiver_country_code = differing.receiver_country_code,
        status = differing.status,
        status_class = differing.status_class,
        status_raw = differing.status_raw,
        last_seen_at = differing.news_at,
        last_sequence = differing.last_sequence,
        status_changed_at = CASE
            WHEN differing.has_new_status THEN differing.news_at ELSE shipments.status_changed_at
        END,
        status_count = shipments.status_count + differing.has_new_status::integer,
        under_way_at = CASE
            WHEN differing.status_class IN ('under_way', 'exception')
                THEN coalesce(shipments.under_way_at, differing.news_at)
            ELSE shipments.under_way_at
        END,
        exceptions = shipments.exceptions
            + (differing.has_new_status AND differing.status_class = 'exception')::integer,
        updated_at = :changed_at,
        delivery_id = :delivery_id,
        currency = :currency,
        promised_on = coalesce(shipments.promised_on, differing.promised_on),
        promised_at = CASE
            WHEN differing.has_new_promise THEN differing.news_at ELSE shipments.promised_at
        END,
        promised_sequence = CASE
            WHEN differing.has_new_promise THEN :sequence ELSE shipments.promised_sequence
        END
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
    tracking_number, carrier, seen_at, sequence, status, status_class, status_raw, delivery_id,
    previous_seen_at, previous_sequence
)
SELECT
    tracking_number, carrier, news_at, coalesce(last_sequence, 0), status, status_class,
    status_raw, :delivery_id, previous_seen_at, previous_sequence
FROM differing
WHERE has_new_status;

-- Counts the new statuses, and that those before them ended.
INSERT INTO shipments.status_days AS days (
    carrier, status, status_class, began_on, ended_on, is_at_midnight, is_first, parcels
)
SELECT
    changes.carrier,
    changed.status,
    changed.status_class,
    (changed.seen_at AT TIME ZONE 'UTC')::date,
    coalesce((changed.ended_at AT TIME ZONE 'UTC')::date, 'infinity'),
    changed.seen_at = date_trunc('day', changed.seen_at, 'UTC'),
    changed.is_first,
    sum(changed.parcels)
FROM stage_shipments AS changes
CROSS JOIN LATERAL (
    VALUES
    (changes.status, changes.status_class, changes.news_at, NULL::timestamptz, changes.is_new, 1),
    (
        changes.status_before, changes.status_class_before, changes.status_before_since, NULL,
        changes.is_first_before, -1
    ),
    (
        changes.status_before, changes.status_class_before, changes.status_before_since,
        changes.news_at, changes.is_first_before, 1
    )
) AS changed (status, status_class, seen_at, ended_at, is_first, parcels)
WHERE changes.has_new_status AND NOT changes.is_late AND changed.status IS NOT NULL
GROUP BY 1, 2, 3, 4, 5, 6, 7
ON CONFLICT (carrier, status, began_on, ended_on, is_at_midnight, is_first)
DO UPDATE SET parcels = days.parcels + excluded.parcels;

DELETE FROM shipments.status_days WHERE parcels = 0;

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
            NOT shipment.is_late
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
SET last_seen_at = present.news_at, last_sequence = present.last_sequence
FROM stage_shipments AS present
WHERE
    NOT present.is_late
    AND shipments.tracking_number = present.tracking_number
    AND shipments.carrier = present.carrier
    AND (shipments.last_seen_at, coalesce(shipments.last_sequence, -1))
    < (present.news_at, coalesce(present.last_sequence, 0));

-- Lines whose article is stored are counted in the tables; an article has a shipment.
INSERT INTO counted (loaded, stored)
SELECT
    (SELECT count(DISTINCT record) FROM changed),
    (
        SELECT count(*)
        FROM stage_lines
        INNER JOIN shipments.articles USING (tracking_number, carrier, sku)
    )
