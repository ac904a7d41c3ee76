CREATE OR REPLACE VIEW tides.weather_requests AS
SELECT DISTINCT
    weather.place_key(stations.latitude, stations.longitude) AS place_key,
    NULL::text AS country_code,
    NULL::text AS postcode,
    NULL::text AS city,
    stations.latitude,
    stations.longitude,
    date_trunc('hour', readings.read_at, 'UTC') AS hour_at,
    (readings.read_at AT TIME ZONE 'UTC')::date AS day
FROM tides.readings
INNER JOIN tides.stations USING (station_id);

COMMENT ON VIEW tides.weather_requests IS
'Weather requested by tides: each station, for each hour with a reading.';
