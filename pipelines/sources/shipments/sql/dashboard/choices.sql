-- Work: linear, 700 buffers
SELECT
    count(*) AS parcels,
    max(updated_at) AS updated_at,
    array_agg(DISTINCT status ORDER BY status) AS statuses,
    array_remove(array_agg(DISTINCT receiver_country_code ORDER BY receiver_country_code), NULL) AS countries
FROM enriched.shipments
HAVING count(*) > 0;
