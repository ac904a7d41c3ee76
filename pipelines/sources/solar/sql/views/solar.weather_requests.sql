CREATE OR REPLACE VIEW solar.weather_requests AS
SELECT
    place_key,
    NULL::text AS country_code,
    NULL::text AS postcode,
    NULL::text AS city,
    latitude,
    longitude,
    '1900-01-01 00:00Z'::timestamptz AS hour_at,
    '1900-01-01'::date AS day
FROM solar.plants
WHERE place_key IS NOT NULL AND retired_at IS NULL
UNION ALL
SELECT
    plants.place_key,
    NULL::text AS country_code,
    NULL::text AS postcode,
    NULL::text AS city,
    NULL::double precision AS latitude,
    NULL::double precision AS longitude,
    hours.hour_at,
    days.day
FROM solar.days
INNER JOIN solar.plants USING (plant_id)
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
WHERE days.hours_present > 0 AND plants.place_key IS NOT NULL;

COMMENT ON VIEW solar.weather_requests IS
'Where and when plants want the weather. Of each day of which a plant has readings: the hour after its
last one, and the last hour of the UTC day before that one; answers are of whole UTC days, so that all
hours of the day come with these two. And a row for each plant in service, with its coordinates and an
hour of 1900, of which there is no weather: it makes the place known before there are readings. A part
of weather.weather_requests.';
COMMENT ON COLUMN solar.weather_requests.place_key IS 'The place, as in weather.places.';
COMMENT ON COLUMN solar.weather_requests.country_code IS 'Null: the coordinates are known.';
COMMENT ON COLUMN solar.weather_requests.postcode IS 'Null: the coordinates are known.';
COMMENT ON COLUMN solar.weather_requests.city IS 'Null: the coordinates are known.';
COMMENT ON COLUMN solar.weather_requests.latitude IS
'Degrees north, in the one row of a plant in service; null in those of its days. So queries for places
skip the days, of which there may be millions, and retired plants make no place.';
COMMENT ON COLUMN solar.weather_requests.longitude IS 'Degrees east, as latitude.';
COMMENT ON COLUMN solar.weather_requests.hour_at IS 'The hour, by its beginning.';
COMMENT ON COLUMN solar.weather_requests.day IS 'The day of the readings, in the plant''s zone.';
