-- Time zones of airports.
SELECT
    airport_code,
    time_zone
FROM flights.airports
WHERE time_zone IS NOT NULL
