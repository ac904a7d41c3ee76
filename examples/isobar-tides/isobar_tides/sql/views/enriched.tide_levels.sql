CREATE OR REPLACE VIEW enriched.tide_levels AS
SELECT
    readings.station_id,
    stations.name AS station_name,
    readings.read_at,
    readings.level_cm,
    hourly.wind_kmh,
    hourly.precipitation_mm
FROM tides.readings
INNER JOIN tides.stations USING (station_id)
LEFT JOIN weather.places
    ON places.place_key = weather.place_key(stations.latitude, stations.longitude)
LEFT JOIN weather.hourly
    ON places.place_id = hourly.place_id AND hourly.hour_at = date_trunc('hour', readings.read_at, 'UTC');

COMMENT ON VIEW enriched.tide_levels IS
'Every water level with the wind and rain at the station in the same hour.';
COMMENT ON COLUMN enriched.tide_levels.station_name IS 'Name of the station.';
