-- Next places to geocode.
SELECT place_id, latitude, longitude, country_code, postcode, city
FROM weather.pending_places(:now)
INNER JOIN weather.places USING (place_id)
ORDER BY place_id
LIMIT :max_places
