-- Nights picked up in the seven days up to each day of the last month, and what is on the books.
-- Work: linear, 40 buffers
WITH days AS (
    SELECT
        every.day::date AS day,
        coalesce(sum(counts.bookings - counts.cancellations), 0)::bigint AS net_bookings
    FROM generate_series(
        current_date - interval '36 days', current_date::timestamp, interval '1 day'
    ) AS every (day)
    LEFT JOIN metrics.hotel_bookings_by_event_day AS counts
        ON counts.day = every.day::date AND counts.day >= current_date - 36
    GROUP BY every.day
)

SELECT
    day,
    (sum(net_bookings) OVER (ORDER BY day ROWS BETWEEN 6 PRECEDING AND CURRENT ROW))::bigint AS value,
    (
        SELECT
            to_char(coalesce(sum(net_bookings), 0), 'FM999,999,999')
            || ' nights are on the books for the next 60'
        FROM metrics.hotel_bookings_by_stay_night
        WHERE day >= current_date AND day < current_date + 60
    ) AS detail
FROM days
ORDER BY day
OFFSET 6;
