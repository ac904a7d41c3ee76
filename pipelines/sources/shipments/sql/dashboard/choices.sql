SELECT
    count(*) AS parcels,
    max(updated_at) AS updated_at,
    array_agg(DISTINCT status ORDER BY status) AS statuses,
    array_remove(array_agg(DISTINCT receiver_country_code ORDER BY receiver_country_code), NULL) AS countries,
    ARRAY(
        SELECT sender_city FROM enriched.shipments WHERE sender_city IS NOT NULL
        UNION
        SELECT receiver_city FROM enriched.shipments WHERE receiver_city IS NOT NULL
        ORDER BY 1
    ) AS cities
FROM enriched.shipments
HAVING count(*) > 0;
