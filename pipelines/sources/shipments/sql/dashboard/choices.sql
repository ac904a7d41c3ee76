-- Countries and cities are those of parcels on their way.
WITH shown AS MATERIALIZED (
    SELECT sender_city, receiver_city, receiver_country_code
    FROM enriched.shipments
    WHERE is_on_its_way
)

SELECT
    (SELECT sum(parcels)::bigint FROM metrics.parcels_by_status) AS parcels,
    (SELECT count(*) FROM enriched.shipments WHERE is_silent) AS silent,
    (SELECT updated_at FROM enriched.shipments ORDER BY updated_at DESC LIMIT 1) AS updated_at,
    ARRAY(SELECT DISTINCT status FROM metrics.parcels_by_status ORDER BY status) AS statuses,
    ARRAY(
        SELECT DISTINCT receiver_country_code FROM shown WHERE receiver_country_code IS NOT NULL ORDER BY 1
    ) AS countries,
    ARRAY(
        SELECT sender_city FROM shown WHERE sender_city IS NOT NULL
        UNION
        SELECT receiver_city FROM shown WHERE receiver_city IS NOT NULL
        ORDER BY 1
    ) AS cities
WHERE EXISTS (SELECT FROM metrics.parcels_by_status);
