-- Makes places of the airports of legs on offer: their coordinates are known.
INSERT INTO weather.places (place_key, latitude, longitude, geocoding_status, is_observed)
SELECT DISTINCT ON (airports.place_key)
    airports.place_key,
    airports.latitude,
    airports.longitude,
    'given',
    FALSE
FROM flights.legs
INNER JOIN flights.airports
    ON airports.airport_code IN (legs.departure_airport, legs.arrival_airport)
WHERE legs.seen_until_on IS NULL AND airports.place_key IS NOT NULL
ON CONFLICT (place_key) DO NOTHING
