-- Nights picked up in the seven days before each day of the last month, and those of the next nights.
-- Days that are not over would not compare with those before.
WITH days AS (
    SELECT
        every.day::date AS day,
        coalesce(sum(counts.bookings - counts.cancellations), 0)::bigint AS net_bookings
    FROM generate_series(
        current_date - interval '37 days', current_date::timestamp, interval '1 day'
    ) AS every (day)
    LEFT JOIN metrics.hotel_bookings_by_event_day AS counts
        ON counts.day = every.day::date AND counts.day >= current_date - 37
    GROUP BY every.day
)

SELECT
    day,
    (sum(net_bookings) OVER (ORDER BY day ROWS BETWEEN 7 PRECEDING AND 1 PRECEDING))::bigint AS value,
    (
        SELECT
            to_char(coalesce(sum(net_bookings), 0), 'FM999,999,999')
            || ' are on the books for the next 60 nights'
        FROM metrics.hotel_bookings_by_stay_night
        WHERE day >= current_date AND day < current_date + 60
    ) AS detail
FROM days
ORDER BY day
OFFSET 7;
