-- Nights picked up in the seven days before each day of the last month, and those of the next nights.
-- Days that are not over would not compare with those before.
WITH days AS (
    SELECT
        every.day::date AS day,
        coalesce(sum(changes.change), 0)::bigint AS change
    FROM generate_series(
        current_date - interval '37 days', current_date::timestamp, interval '1 day'
    ) AS every (day)
    LEFT JOIN metrics.hotel_changes_by_day AS changes
        ON changes.changed_on = every.day::date AND changes.changed_on >= current_date - 37
    GROUP BY every.day
)

SELECT
    day,
    (sum(change) OVER (ORDER BY day ROWS BETWEEN 7 PRECEDING AND 1 PRECEDING))::bigint AS value,
    (
        SELECT
            to_char(coalesce(sum(on_the_books), 0), 'FM999,999,999')
            || ' are on the books for the next 60 nights'
        FROM metrics.hotel_nights
        WHERE night_of_stay >= current_date AND night_of_stay < current_date + 60
    ) AS detail
FROM days
ORDER BY day
OFFSET 7;
