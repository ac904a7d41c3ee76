-- Summed by day first, so that the month is computed once for each day, not for each count.
SELECT
    date_trunc('month', day)::date AS month,
    sum(bookings)::bigint AS bookings,
    sum(cancellations)::bigint AS cancellations,
    round(100.0 * sum(cancellations) / nullif(sum(bookings), 0), 1) AS cancellation_rate_pct
FROM (
    SELECT day, sum(bookings) AS bookings, sum(cancellations) AS cancellations
    FROM metrics.hotel_bookings_by_event_day
    WHERE hotel_id = ANY (%(hotels)s::bigint[]) AND day >= date_trunc('month', current_date - interval '24 months')::date
    GROUP BY day
) AS days
GROUP BY month
ORDER BY month;
