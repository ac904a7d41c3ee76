-- Legs on offer whose times contradict the stated duration or fall on a clock change.
SELECT
    leg_id, departure_airport, departure_local, arrival_airport, arrival_local, stops,
    duration_minutes, elapsed_minutes, time_verdict, clock_change
FROM flights.legs
WHERE seen_until_at IS NULL
    AND (time_verdict = 'impossible' OR clock_change IS NOT NULL)
ORDER BY leg_id
