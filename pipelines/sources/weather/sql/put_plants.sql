-- Makes places of the plants in service: their coordinates are known. Nobody shows the present
-- weather there; that of their readings is wanted.
INSERT INTO weather.places (place_key, latitude, longitude, geocoding_status, is_observed)
SELECT DISTINCT ON (place_key)
    place_key,
    latitude,
    longitude,
    'given',
    FALSE
FROM solar.plants
WHERE place_key IS NOT NULL AND retired_at IS NULL
ORDER BY place_key, plant_id
ON CONFLICT (place_key) DO NOTHING
