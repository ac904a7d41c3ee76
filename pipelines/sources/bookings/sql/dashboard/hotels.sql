SELECT
    hotel_id,
    CASE
        WHEN hotel_name IS NULL THEN 'Hotel ' || hotel_id
        WHEN count(*) OVER (PARTITION BY hotel_name) > 1 THEN hotel_name || ' (' || hotel_id || ')'
        ELSE hotel_name
    END AS hotel_name
FROM enriched.hotels
ORDER BY hotel_id;
