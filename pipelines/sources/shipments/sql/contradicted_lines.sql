-- When a delivery is loaded again: deletes from stage_lines the lines that contradict its valid
-- lines, which were loaded first.
WITH contradicted AS (
    SELECT
        stage_lines.record,
        concat_ws(
            ' and ',
            CASE WHEN stage_lines.sender_address <> stored.sender_address THEN 'sender_address' END,
            CASE
                WHEN stage_lines.receiver_address <> stored.receiver_address THEN 'receiver_address'
            END,
            CASE WHEN stage_lines.status <> stored.status THEN 'status' END
        ) AS columns,
        articles.delivery_id = :delivery_id AS is_reported
    FROM stage_lines
    INNER JOIN shipments.shipments AS stored USING (tracking_number, carrier)
    LEFT JOIN shipments.articles
        ON
            stage_lines.tracking_number = articles.tracking_number
            AND stage_lines.carrier = articles.carrier
            AND stage_lines.sku = articles.sku
            AND (articles.article_name, articles.quantity, articles.unit_price)
            IS DISTINCT FROM (
                stage_lines.article_name, stage_lines.quantity, stage_lines.unit_price
            )
    WHERE stored.last_seen_at = :seen_at
)

DELETE FROM stage_lines AS line
USING contradicted
WHERE
    line.record = contradicted.record
    AND (contradicted.columns <> '' OR contradicted.is_reported)
RETURNING
    line.record,
    line.raw,
    ARRAY[line.tracking_number, line.carrier, line.sku] AS record_key,
    CASE
        WHEN contradicted.columns <> ''
            THEN 'lines of the shipment disagree on ' || contradicted.columns
        ELSE 'the article came before in the shipment with other content: ' || line.sku
    END AS reason,
    CASE WHEN contradicted.columns <> '' THEN 'lines_disagree' ELSE 'came_before' END AS reason_code,
    contradicted.columns = '' AS is_final
