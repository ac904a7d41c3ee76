-- How many places could be looked up, or made of plants that were registered, and how many could be
-- asked for, now.
SELECT
    (
        SELECT count(*)
        FROM weather.places
        WHERE
            geocoding_status = 'pending'
            AND country_code IS NOT NULL
            AND (geocoding_retry_at IS NULL OR geocoding_retry_at <= :now)
    ) + (
        SELECT count(*)
        FROM solar.plants
        LEFT JOIN weather.places USING (place_key)
        WHERE
            plants.place_key IS NOT NULL
            AND plants.retired_at IS NULL
            AND places.place_id IS NULL
    ) AS pending,
    (SELECT count(*) FROM weather.due_places(:now, :by_postcode)) AS due
