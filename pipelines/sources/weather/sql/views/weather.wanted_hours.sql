CREATE OR REPLACE VIEW weather.wanted_hours AS
SELECT
    places.place_id,
    wanted.hour_at,
    (wanted.hour_at AT TIME ZONE 'UTC')::date AS day
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
INNER JOIN weather.places USING (place_key)
UNION ALL
SELECT
    places.place_id,
    hours.hour_at,
    days.day
FROM solar.days
INNER JOIN solar.plants USING (plant_id)
INNER JOIN weather.places USING (place_key)
CROSS JOIN LATERAL (
    VALUES
    (
        date_trunc('hour', (days.day + 1)::timestamp AT TIME ZONE plants.time_zone, 'UTC')
    ),
    (
        date_trunc('day', (days.day + 1)::timestamp AT TIME ZONE plants.time_zone, 'UTC')
        - interval '1 hour'
    )
) AS hours (hour_at)
WHERE days.hours_present > 0;

COMMENT ON VIEW weather.wanted_hours IS
'The hours at which domains want the weather: departures and arrivals of legs on offer, and of each
day of which a plant has readings the hour after its last one, and the last hour of the UTC day
before that one. The other hours of the day come with them: answers are of whole UTC days, and all
of their hours are kept. An hour that several want is there several times.';
COMMENT ON COLUMN weather.wanted_hours.place_id IS 'The place (weather.places).';
COMMENT ON COLUMN weather.wanted_hours.hour_at IS 'The hour, by its beginning.';
COMMENT ON COLUMN weather.wanted_hours.day IS
'The day for which it is wanted, a day from that of the hour at most: a plant''s is in its own
zone.';
