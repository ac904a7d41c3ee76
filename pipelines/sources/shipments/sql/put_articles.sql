-- Inserts new articles of stage_lines and updates those that differ from the stored ones, unless a
-- later file has their shipment. New shipments are summed up already.
WITH differing AS MATERIALIZED (
    SELECT
        staged.record,
        staged.tracking_number,
        staged.carrier,
        staged.sku,
        staged.article_name,
        staged.quantity,
        staged.unit_price,
        stored.tracking_number IS NULL AS is_new
    FROM stage_lines AS staged
    LEFT JOIN shipments.articles AS stored USING (tracking_number, carrier, sku)
    WHERE
        stored.tracking_number IS NULL
        OR (
            (stored.article_name, stored.quantity, stored.unit_price)
            IS DISTINCT FROM (staged.article_name, staged.quantity, staged.unit_price)
            AND (staged.tracking_number, staged.carrier) NOT IN (
                SELECT
                    tracking_number,
                    carrier
                FROM stage_shipments
                WHERE is_later
            )
        )
), inserted AS (
    INSERT INTO shipments.articles (
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
SELECT DISTINCT
    tracking_number,
    carrier
FROM differing
WHERE
    (tracking_number, carrier) NOT IN (
        SELECT
            tracking_number,
            carrier
        FROM refilled_shipments
    )
    AND EXISTS (
        SELECT
        FROM stage_shipments AS staged
        WHERE
            staged.tracking_number = differing.tracking_number
            AND staged.carrier = differing.carrier
            AND NOT staged.is_new
    )
