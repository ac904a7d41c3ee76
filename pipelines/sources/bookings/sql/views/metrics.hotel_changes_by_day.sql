CREATE OR REPLACE VIEW metrics.hotel_changes_by_day AS
SELECT
    counts.hotel_id,
    counts.day AS changed_on,
    (counts.net_bookings + coalesce(without_effect.correction, 0))::integer AS change
FROM metrics.hotel_bookings_by_event_day AS counts
LEFT JOIN (
    SELECT
        hotel_id,
        (event_at AT TIME ZONE 'UTC')::date AS day,
        sum(CASE rule WHEN 'double_booking' THEN -1 ELSE 1 END) AS correction
    FROM bookings.findings
    WHERE rule IN ('double_booking', 'double_cancellation', 'cancelled_before_booked')
    GROUP BY 1, 2
) AS without_effect USING (hotel_id, day);

COMMENT ON VIEW metrics.hotel_changes_by_day IS
'What each hotel picked up on each day, of whatever night. These are the reservation nights that were
added to the books on that day, less those that were removed. An event that changes nothing, such as a second
cancellation, does not count: it is a finding, which runs look for after they have counted.
metrics.hotel_bookings_by_event_day counts every event.';
COMMENT ON COLUMN metrics.hotel_changes_by_day.hotel_id IS 'Hotel number in the source system.';
COMMENT ON COLUMN metrics.hotel_changes_by_day.changed_on IS
'Day of the event (UTC). Days without events have no row.';
COMMENT ON COLUMN metrics.hotel_changes_by_day.change IS
'Reservation nights added less those removed; negative if more were cancelled than booked.';
