-- How many places could be looked up or asked for now.
SELECT
    count(*) FILTER (
        WHERE
            places.geocoding_status = 'pending'
            AND (places.geocoding_retry_at IS NULL OR places.geocoding_retry_at <= :now)
    ) AS pending,
    count(*) FILTER (
        WHERE
            places.is_observed
            AND (
                places.latitude IS NOT NULL
                OR (:by_postcode AND places.postcode IS NOT NULL)
            )
            AND (
                refreshes.last_success_at IS NULL
                OR refreshes.last_success_at <= :now - interval '2 hours'
            )
            AND (refreshes.claimed_until IS NULL OR refreshes.claimed_until <= :now)
            AND (refreshes.retry_at IS NULL OR refreshes.retry_at <= :now)
    ) AS due
FROM weather.places
LEFT JOIN weather.refreshes
    ON places.place_id = refreshes.place_id AND refreshes.kind = 'observation'
