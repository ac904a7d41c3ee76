-- Takes out of stage_lines what contradicts other lines, and stages the shipments of the rest.
-- `refilled_shipments` collects shipments whose articles changed, `changed` the records that changed
-- a row.
CREATE TEMP TABLE refilled_shipments (tracking_number text, carrier text) ON COMMIT DROP;

CREATE TEMP TABLE changed (record integer) ON COMMIT DROP;

ANALYZE stage_lines (tracking_number, carrier, sku);

-- Rejects all lines of a shipment that disagree, with the columns that differ, and lines that repeat
-- an article with other content: the first one counts, and a retry cannot know which that was. In a
-- retry, also lines that contradict the valid lines of their delivery, which were loaded first.
WITH judged AS (
    SELECT
        line.record,
        concat_ws(
            ' and ',
            CASE
                WHEN least(min(line.sender_address) OVER shipment, stored.sender_address)
                    <> greatest(max(line.sender_address) OVER shipment, stored.sender_address)
                    THEN 'sender_address'
            END,
            CASE
                WHEN least(min(line.receiver_address) OVER shipment, stored.receiver_address)
                    <> greatest(max(line.receiver_address) OVER shipment, stored.receiver_address)
                    THEN 'receiver_address'
            END,
            CASE
                WHEN least(min(line.status) OVER shipment, stored.status)
                    <> greatest(max(line.status) OVER shipment, stored.status)
                    THEN 'status'
            END,
            CASE
                WHEN min(line.promised_on) OVER shipment <> max(line.promised_on) OVER shipment
                    THEN 'promised_on'
            END
        ) AS columns,
        articles.sku IS NOT NULL
        OR (line.article_name, line.quantity, line.unit_price) IS DISTINCT FROM (
            first_value(line.article_name) OVER first_line,
            first_value(line.quantity) OVER first_line,
            first_value(line.unit_price) OVER first_line
        ) AS came_before
    FROM stage_lines AS line
    LEFT JOIN shipments.shipments AS stored
        ON
            :is_retry
            AND line.tracking_number = stored.tracking_number
            AND line.carrier = stored.carrier
            AND stored.last_seen_at = :news_at
            AND coalesce(stored.last_sequence, 0) = :sequence
    LEFT JOIN shipments.articles
        ON
            :is_retry
            AND stored.tracking_number = articles.tracking_number
            AND stored.carrier = articles.carrier
            AND line.sku = articles.sku
            AND articles.delivery_id = :delivery_id
            AND (articles.article_name, articles.quantity, articles.unit_price)
            IS DISTINCT FROM (line.article_name, line.quantity, line.unit_price)
    WINDOW
        shipment AS (PARTITION BY line.tracking_number, line.carrier),
        first_line AS (
            PARTITION BY line.tracking_number, line.carrier, line.sku ORDER BY line.record
        )
), gone AS (
    DELETE FROM stage_lines AS line
    USING judged
    WHERE line.record = judged.record AND (judged.columns <> '' OR judged.came_before)
    RETURNING line.*, judged.columns
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
-- The lines are read and sorted once for all statements that need shipments. A file that is older
-- than the last one with a shipment is late for it. What version 4 loaded has the time of loading,
-- which a file counts as later than, as it did then.
CREATE TEMP TABLE stage_shipments ON COMMIT DROP AS
SELECT
    staged.*,
    stored.tracking_number IS NULL AS is_new,
    stored.status IS DISTINCT FROM staged.status AS has_new_status,
    (
        stored.sender_address, stored.receiver_address, stored.status_raw, stored.status,
        stored.currency, stored.promised_on
    )
    IS DISTINCT FROM (
        staged.sender_address, staged.receiver_address, staged.status_raw, staged.status, :currency,
        coalesce(stored.promised_on, staged.promised_on)
    ) AS is_different,
    coalesce(
        (stored.last_seen_at, coalesce(stored.last_sequence, 0)) > (:news_at, :sequence)
        AND NOT dated.is_after_version_4,
        FALSE
    ) AS is_late,
    CASE
        WHEN dated.is_after_version_4 THEN stored.last_seen_at + interval '1 microsecond'
        ELSE :news_at
    END AS news_at,
    CASE
        WHEN dated.is_after_version_4 OR NOT :is_dated THEN NULL ELSE :sequence
    END AS last_sequence,
    stored.promised_on IS NULL AND staged.promised_on IS NOT NULL AS has_new_promise,
    stored.status AS status_before,
    stored.status_class AS status_class_before,
    stored.status_changed_at AS status_before_since,
    stored.status_count = 1 AS is_first_before,
    stored.last_seen_at AS previous_seen_at,
    coalesce(stored.last_sequence, 0) AS previous_sequence
FROM (
    SELECT
        tracking_number,
        carrier,
        min(sender_address) AS sender_address,
        min(receiver_address) AS receiver_address,
        min(status) AS status,
        coalesce(CAST(:classes AS jsonb) ->> min(status), 'under_way') AS status_class,
        min(promised_on) AS promised_on,
        (array_agg(status_raw ORDER BY record))[1] AS status_raw,
        count(*) AS article_count,
        sum(quantity) AS units,
        sum(quantity * unit_price) AS total_value
    FROM (
        SELECT DISTINCT ON (tracking_number, carrier, sku)
            tracking_number, carrier, sender_address, receiver_address, status, status_raw,
            promised_on, quantity, unit_price, record
        FROM stage_lines
        ORDER BY tracking_number, carrier, sku, record
    ) AS articles
    GROUP BY tracking_number, carrier
) AS staged
LEFT JOIN shipments.shipments AS stored USING (tracking_number, carrier)
CROSS JOIN LATERAL (
    SELECT
        coalesce(
            :is_dated AND stored.last_sequence IS NULL AND stored.last_seen_at >= :news_at, FALSE
        ) AS is_after_version_4
) AS dated
