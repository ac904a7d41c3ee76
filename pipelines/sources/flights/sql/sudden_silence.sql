-- A document without itineraries is rejected if the previous one had some.
SELECT
    ops.reject_delivery(
        'the document has no itineraries, but the one of '
        || replace(CAST(date_trunc('second', snapshot_at AT TIME ZONE 'UTC') AS text), ' ', 'T')
        || 'Z had ' || to_char(itinerary_count, 'FM999,999,999'),
        'Ask whoever runs the source. The tables are unchanged.'
    )
FROM flights.snapshots
WHERE
    CAST(:read_itineraries AS integer) = 0
    AND snapshot_at = CAST(:before AS timestamptz)
    AND itinerary_count > 0
