-- Places with missing hours, oldest missing hour first, so that similar ranges come together.
SELECT place_id, places.latitude, places.longitude, due.first_at, due.last_at
FROM weather.due_hours(:now, :from_at, :to_at, :kind) AS due
INNER JOIN weather.places USING (place_id)
ORDER BY due.first_at, place_id
LIMIT :max_places
