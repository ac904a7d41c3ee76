-- Places with missing hours. Those that lack hours of today or later come first, history last, and
-- similar ranges come together.
SELECT place_id, places.latitude, places.longitude, due.first_at, due.last_at
FROM weather.due_hours(:now, :from_at, :to_at, :kind) AS due
INNER JOIN weather.places USING (place_id)
ORDER BY due.last_at >= date_trunc('day', CAST(:now AS timestamptz), 'UTC') DESC, due.first_at DESC, place_id
LIMIT :max_places
