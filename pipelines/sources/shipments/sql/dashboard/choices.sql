SELECT
    count(*) AS parcels,
    max(updated_at) AS updated_at,
    array_agg(DISTINCT status ORDER BY status) AS statuses,
    array_remove(array_agg(DISTINCT receiver_country_code ORDER BY receiver_country_code), NULL) AS countries,
    (
        SELECT coalesce(array_agg(city ORDER BY city), '{}')
        FROM (
            SELECT sender_city AS city FROM enriched.shipments WHERE sender_city IS NOT NULL
            UNION
            SELECT receiver_city FROM enriched.shipments WHERE receiver_city IS NOT NULL
        ) AS both_ends
    ) AS cities
FROM enriched.shipments
HAVING count(*) > 0;
