-- Places whose current weather is due, oldest weather first.
SELECT place_id, places.latitude, places.longitude, places.country_code, places.postcode
FROM weather.due_places(:now, :by_postcode) AS due
INNER JOIN weather.places USING (place_id)
ORDER BY due.last_success_at NULLS FIRST, place_id
LIMIT :max_places
