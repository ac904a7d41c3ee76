SELECT
    quarantine_id, feed, received_at, array_to_string(reasons, '; ') AS reasons, raw,
    name AS delivery, position, count(*) OVER () AS total_rows
FROM ops.quarantine
INNER JOIN ops.deliveries USING (delivery_id)
WHERE
    dismissed_at IS NULL
    AND feed = ANY (%(feeds)s)
    AND (%(since)s::date IS NULL OR received_at >= %(since)s::date)
    AND (%(reason_code)s::text IS NULL OR %(reason_code)s = ANY (reason_codes))
ORDER BY quarantine_id DESC
LIMIT 200;
