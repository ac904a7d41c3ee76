-- Since when each hotel has events, and what differs between its book in {kept} and that of the states.
CREATE TEMP TABLE first_events ON COMMIT DROP AS
SELECT hotel_id, min(least(booked_at, cancelled_at)) AS first_event_at
FROM night_states
GROUP BY hotel_id;

CREATE TEMP TABLE book_anew ON COMMIT DROP AS
SELECT
    hotel_id,
    night_of_stay,
    bookings.business_day(changed_at, time_zone, day_begins) AS changed_on,
    sum(change)::integer AS change
FROM (
    SELECT hotel_id, night_of_stay, booked_at AS changed_at, 1 AS change
    FROM night_states
    WHERE is_plain
    UNION ALL
    SELECT hotel_id, night_of_stay, cancelled_at, -1
    FROM night_states
    WHERE is_plain AND cancelled_at IS NOT NULL
    UNION ALL
    SELECT hotel_id, night_of_stay, event_at, CASE status WHEN 'booking' THEN 1 ELSE -1 END
    FROM in_order
    WHERE status <> status_before
) AS changes
LEFT JOIN hotel_days USING (hotel_id)
GROUP BY 1, 2, 3
HAVING sum(change) <> 0;

CREATE TEMP TABLE book_differs ON COMMIT DROP AS
SELECT
    hotel_id,
    night_of_stay,
    changed_on,
    anew.change,
    kept.change IS NOT NULL AS is_kept
FROM {kept} AS kept
FULL JOIN book_anew AS anew USING (hotel_id, night_of_stay, changed_on)
WHERE kept.change IS DISTINCT FROM anew.change
