-- Deletes from stage_lines the lines that repeat an article of a shipment with other content; the
-- first line counts. Identical lines stay.
WITH repeated AS (
    SELECT
        record,
        (article_name, quantity, unit_price) IS DISTINCT FROM (
            first_value(article_name) OVER first_line,
            first_value(quantity) OVER first_line,
            first_value(unit_price) OVER first_line
        ) AS is_other
    FROM stage_lines
    WINDOW first_line AS (PARTITION BY tracking_number, carrier, sku ORDER BY record)
)

DELETE FROM stage_lines AS line
USING repeated
WHERE line.record = repeated.record AND repeated.is_other
RETURNING
    line.record,
    line.raw,
    ARRAY[line.tracking_number, line.carrier, line.sku] AS record_key,
    'the article came before in the shipment with other content: ' || line.sku AS reason,
    'came_before' AS reason_code,
    -- A retry cannot know which line came first.
    TRUE AS is_final
