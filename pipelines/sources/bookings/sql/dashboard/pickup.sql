-- Bookings less cancellations of the last 14 days, by the day on which they were made and the night.
SELECT
    changes.night_of_stay,
    (changes.changed_at AT TIME ZONE 'UTC')::date AS made_on,
    sum(changes.change)::bigint AS pickup
FROM unnest(%(hotels)s::bigint[]) AS chosen (hotel_id)
CROSS JOIN LATERAL (
    SELECT night_of_stay, changed_at, change
    FROM enriched.reservation_changes
    WHERE
        reservation_changes.hotel_id = chosen.hotel_id
        AND night_of_stay >= current_date
        AND night_of_stay < current_date + %(nights)s
        AND changed_at >= current_date - 13
) AS changes
GROUP BY 1, 2
ORDER BY 1, 2;
