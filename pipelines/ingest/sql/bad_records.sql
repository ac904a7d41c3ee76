-- Bad records of deliveries of a feed that were rejected as a whole: the newest delivery first, its
-- records in their order.
SELECT
    deliveries.name AS delivery,
    record.bad ->> 'position' AS position,
    (
        SELECT string_agg(reason, '; ')
        FROM jsonb_array_elements_text(record.bad -> 'reasons') AS reason
    ) AS reasons,
    record.bad ->> 'raw' AS raw
FROM ops.deliveries
CROSS JOIN LATERAL jsonb_array_elements(deliveries.bad_records) WITH ORDINALITY AS record (bad, number)
WHERE deliveries.feed = :feed
ORDER BY deliveries.delivery_id DESC, record.number
LIMIT :most
