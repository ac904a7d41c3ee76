-- Parcels on their way at the end of each of the last 14 days, and those at risk now.
SELECT
    day,
    -- Of today as the page has it: some become silent before its end.
    CASE
        WHEN day < current_date THEN on_their_way
        ELSE (SELECT count(*) FROM enriched.shipments WHERE is_on_its_way)
    END AS value,
    (
        SELECT
            CASE count(*) FILTER (WHERE is_at_risk)
                WHEN 0 THEN 'none at risk by the weather'
                ELSE count(*) FILTER (WHERE is_at_risk) || ' at risk by the weather'
            END
            || CASE count(*) FILTER (WHERE is_at_risk IS NULL)
                WHEN 0 THEN ''
                ELSE ', unknown for ' || count(*) FILTER (WHERE is_at_risk IS NULL)
            END
        FROM enriched.shipments
        WHERE is_on_its_way
    ) AS detail
FROM metrics.parcels_by_day
WHERE day >= current_date - 14
ORDER BY day;
