-- How many places could be looked up, asked for, or asked for their hours, now.
SELECT
    (
        SELECT count(*)
        FROM weather.places
        WHERE
            geocoding_status = 'pending'
            AND country_code IS NOT NULL
            AND (geocoding_retry_at IS NULL OR geocoding_retry_at <= :now)
    ) AS pending,
    (SELECT count(*) FROM weather.due_places(:now, :by_postcode)) AS due
