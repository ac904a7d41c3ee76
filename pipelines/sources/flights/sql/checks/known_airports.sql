-- Airports of legs on offer that are missing from the airports table: their times have no time
-- zone.
SELECT
    unknown.airport_code,
    count(*) AS legs,
    min(unknown.leg_id) AS example
FROM (
    SELECT departure_airport AS airport_code, leg_id FROM flights.legs WHERE seen_until_at IS NULL
    UNION ALL
    SELECT arrival_airport, leg_id FROM flights.legs WHERE seen_until_at IS NULL
) AS unknown
WHERE NOT EXISTS (
    SELECT FROM flights.airports WHERE airports.airport_code = unknown.airport_code
)
GROUP BY unknown.airport_code
ORDER BY unknown.airport_code
