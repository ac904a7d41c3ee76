-- Number of requested places that are unknown, or whose current weather was not requested before.
SELECT count(DISTINCT requests.place_key)
FROM weather.weather_requests AS requests
LEFT JOIN weather.places USING (place_key)
WHERE
    (requests.latitude IS NOT NULL OR requests.country_code IS NOT NULL)
    AND requests.place_key IS NOT NULL
    AND (
        places.place_id IS NULL
        OR (requests.hour_at IS NULL AND NOT places.is_observed)
    )
