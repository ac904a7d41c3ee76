-- Takes out of stage_lines what contradicts other lines, and stages the shipments of the rest.
-- `refilled_shipments` collects shipments whose articles changed, `changed` the records that changed
-- a row.
CREATE TEMP TABLE refilled_shipments (tracking_number text, carrier text) ON COMMIT DROP;

CREATE TEMP TABLE changed (record integer) ON COMMIT DROP;

ANALYZE stage_lines (tracking_number, carrier, sku);

-- All lines of shipments whose lines disagree are rejected, with the columns that differ.
WITH disagreeing AS (
    SELECT
        tracking_number,
        carrier,
        concat_ws(
            ' and ',
            CASE WHEN min(sender_address) <> max(sender_address) THEN 'sender_address' END,
            CASE WHEN min(receiver_address) <> max(receiver_address) THEN 'receiver_address' END,
            CASE WHEN min(status) <> max(status) THEN 'status' END
        ) AS columns
    FROM stage_lines
    GROUP BY tracking_number, carrier
    HAVING
        min(sender_address) <> max(sender_address)
        OR min(receiver_address) <> max(receiver_address)
        OR min(status) <> max(status)
), gone AS (
    DELETE FROM stage_lines AS line
    USING disagreeing
    WHERE
        line.tracking_number = disagreeing.tracking_number
        AND line.carrier = disagreeing.carrier
    RETURNING line.*, disagreeing.columns
)

INSERT INTO rejected (record, raw, record_key, reason, reason_code)
SELECT
    record,
    raw,
    ARRAY[tracking_number, carrier, sku],
    'lines of the shipment disagree on ' || columns,
    'lines_disagree'
FROM gone;

-- So are lines that repeat an article of a shipment with other content; the first line counts, and
-- a retry cannot know which line that was. Identical lines stay.
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
), gone AS (
    DELETE FROM stage_lines AS line
    USING repeated
    WHERE line.record = repeated.record AND repeated.is_other
    RETURNING line.*
)

INSERT INTO rejected (record, raw, record_key, reason, reason_code, is_final)
SELECT
    record,
    raw,
    ARRAY[tracking_number, carrier, sku],
    'the article came before in the shipment with other content: ' || sku,
    'came_before',
    TRUE
FROM gone;

-- And, in a retry, lines that contradict the valid lines of their delivery, which were loaded first.
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
    WHERE :is_retry AND stored.last_seen_at = :seen_at
), gone AS (
    DELETE FROM stage_lines AS line
    USING contradicted
    WHERE
        line.record = contradicted.record
        AND (contradicted.columns <> '' OR contradicted.is_reported)
    RETURNING line.*, contradicted.columns
)

INSERT INTO rejected (record, raw, record_key, reason, reason_code, is_final)
SELECT
    record,
    raw,
    ARRAY[tracking_number, carrier, sku],
    CASE
        WHEN columns <> '' THEN 'lines of the shipment disagree on ' || columns
        ELSE 'the article came before in the shipment with other content: ' || sku
    END,
    CASE WHEN columns <> '' THEN 'lines_disagree' ELSE 'came_before' END,
    columns = ''
FROM gone;

-- Shipments of stage_lines, in which all lines of a shipment agree, with the sums of their articles.
-- The lines are read and sorted once for all statements that need shipments. A retry changes tables
-- later than its delivery was seen, and must not change what a later file has.
CREATE TEMP TABLE stage_shipments ON COMMIT DROP AS
SELECT
    staged.*,
    stored.tracking_number IS NULL AS is_new,
    coalesce(:changed_at <> :seen_at AND stored.last_seen_at > :seen_at, FALSE) AS is_later
FROM (
    SELECT
        tracking_number,
        carrier,
        min(sender_address) AS sender_address,
        min(receiver_address) AS receiver_address,
        min(status) AS status,
        (array_agg(status_raw ORDER BY record))[1] AS status_raw,
        count(*) AS article_count,
        sum(quantity) AS units,
        sum(quantity * unit_price) AS total_value
    FROM (
        SELECT DISTINCT ON (tracking_number, carrier, sku)
            tracking_number,
            carrier,
            sender_address,
            receiver_address,
            status,
            status_raw,
            quantity,
            unit_price,
            record
        FROM stage_lines
        ORDER BY tracking_number, carrier, sku, record
    ) AS articles
    GROUP BY tracking_number, carrier
) AS staged
LEFT JOIN shipments.shipments AS stored USING (tracking_number, carrier)
