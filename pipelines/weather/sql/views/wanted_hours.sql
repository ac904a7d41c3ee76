CREATE OR REPLACE VIEW weather.wanted_hours AS
SELECT DISTINCT
    places.place_id,
    wanted.hour_at
FROM (
    SELECT
        departure_airport AS airport_code,
        date_trunc('hour', departure_at, 'UTC') AS hour_at
    FROM flights.legs
    WHERE seen_until_on IS NULL AND departure_at IS NOT NULL
    UNION
    SELECT
        arrival_airport,
        date_trunc('hour', arrival_at, 'UTC')
    FROM flights.legs
    WHERE seen_until_on IS NULL AND arrival_at IS NOT NULL
) AS wanted
INNER JOIN flights.airports USING (airport_code)
INNER JOIN weather.places USING (place_key);

COMMENT ON VIEW weather.wanted_hours IS
'The hours at which domains want the weather: departures and arrivals of legs on offer.';
COMMENT ON COLUMN weather.wanted_hours.place_id IS 'The place (weather.places).';
COMMENT ON COLUMN weather.wanted_hours.hour_at IS 'The hour, by its beginning.';
