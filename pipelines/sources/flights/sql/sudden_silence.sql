-- A document without itineraries is rejected if the previous one had some.
SELECT
    'the document has no itineraries, but the one of '
    || replace(CAST(date_trunc('second', snapshot_at AT TIME ZONE 'UTC') AS text), ' ', 'T')
    || 'Z had ' || to_char(itinerary_count, 'FM999,999,999') AS problem,
    'flights.snapshots, '
    || replace(CAST(date_trunc('second', :snapshot_at AT TIME ZONE 'UTC') AS text), ' ', 'T')
    || 'Z' AS place,
    'Ask whoever runs the source. The tables are unchanged.' AS remedy
FROM flights.snapshots
WHERE
    CAST(:read_itineraries AS integer) = 0
    AND snapshot_at = CAST(:before AS timestamptz)
    AND itinerary_count > 0
