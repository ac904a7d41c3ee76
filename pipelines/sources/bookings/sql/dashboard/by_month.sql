SELECT
    date_trunc('month', day)::date AS month,
    sum(bookings)::bigint AS bookings,
    sum(cancellations)::bigint AS cancellations,
    round(100.0 * sum(cancellations) / nullif(sum(bookings), 0), 1) AS cancellation_rate_pct
FROM metrics.hotel_bookings_by_event_day
WHERE hotel_id = ANY (%(hotels)s::bigint[]) AND day >= date_trunc('month', current_date - interval '24 months')
GROUP BY month
ORDER BY month;
