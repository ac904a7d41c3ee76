-- Requested places that are unknown, or whose current weather was not requested before.
SELECT DISTINCT requests.place_key
FROM weather.requested_places AS requests
LEFT JOIN weather.places USING (place_key)
WHERE places.place_id IS NULL OR (requests.hour_at IS NULL AND NOT places.is_observed)
