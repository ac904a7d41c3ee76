CREATE OR REPLACE VIEW solar.weather_requests AS
SELECT
    place_key,
    NULL::text AS country_code,
    NULL::text AS postcode,
    name AS city,
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
'Places and hours for which solar plants need weather. Each day with readings has two rows: the hour
after the last hour of the day, and the last hour of the preceding UTC day. Responses cover whole
UTC days, so these two hours bring all hours of the day. Each plant in service also has one row with
its coordinates and an hour in 1900, for which there is no weather: it registers the place before
there are readings. Part of weather.weather_requests.';
COMMENT ON COLUMN solar.weather_requests.place_key IS 'The place, as in weather.places.';
COMMENT ON COLUMN solar.weather_requests.country_code IS 'Null: the coordinates are known.';
COMMENT ON COLUMN solar.weather_requests.postcode IS 'Null: the coordinates are known.';
COMMENT ON COLUMN solar.weather_requests.city IS 'Name of the plant; null like latitude.';
COMMENT ON COLUMN solar.weather_requests.latitude IS
'Degrees north, in the one row of a plant in service; null in the rows of days. Queries for places
can then skip the rows of days, of which there may be millions, and retired plants register no
place.';
COMMENT ON COLUMN solar.weather_requests.longitude IS 'Degrees east; null like latitude.';
COMMENT ON COLUMN solar.weather_requests.hour_at IS 'Start of the hour.';
COMMENT ON COLUMN solar.weather_requests.day IS 'Day of the readings, in the plant''s time zone.';
