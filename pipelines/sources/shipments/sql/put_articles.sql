-- Upserts articles from stage_lines. For shipments in later_shipments, only missing articles are
-- inserted.
WITH written AS (
    INSERT INTO shipments.articles AS stored (
        tracking_number, carrier, sku, article_name, quantity, unit_price, delivery_id
    )
    SELECT DISTINCT ON (tracking_number, carrier, sku)
        tracking_number,
        carrier,
        sku,
        article_name,
        quantity,
        unit_price,
        :delivery_id
    FROM stage_lines
    ORDER BY tracking_number, carrier, sku, record
    ON CONFLICT (tracking_number, carrier, sku) DO UPDATE SET
        article_name = excluded.article_name,
        quantity = excluded.quantity,
        unit_price = excluded.unit_price,
        delivery_id = excluded.delivery_id
    WHERE
        (stored.article_name, stored.quantity, stored.unit_price)
        IS DISTINCT FROM (excluded.article_name, excluded.quantity, excluded.unit_price)
        AND NOT EXISTS (
            SELECT
            FROM later_shipments
            WHERE
                later_shipments.tracking_number = stored.tracking_number
                AND later_shipments.carrier = stored.carrier
        )
    RETURNING tracking_number, carrier, sku
), noted AS (
    INSERT INTO changed (record)
    SELECT stage_lines.record
    FROM stage_lines
    INNER JOIN written USING (tracking_number, carrier, sku)
)

INSERT INTO refilled_shipments (tracking_number, carrier)
SELECT DISTINCT
    tracking_number,
    carrier
FROM written
WHERE NOT EXISTS (
    SELECT
    FROM refilled_shipments AS known
    WHERE (known.tracking_number, known.carrier) = (written.tracking_number, written.carrier)
)
