-- Parcels on their way at the end of each of the last 14 days, and those at risk now. Today's are those of now, as
-- on the page: some become silent before its end.
SELECT
    days.day,
    CASE WHEN days.day < current_date THEN days.on_their_way ELSE now.parcels END AS value,
    CASE now.at_risk
        WHEN 0 THEN 'none at risk by the weather'
        ELSE now.at_risk || ' at risk by the weather'
    END
    || CASE now.unknown WHEN 0 THEN '' ELSE ', unknown for ' || now.unknown END AS detail
FROM metrics.parcels_by_day AS days
CROSS JOIN (
    SELECT
        count(*) AS parcels,
        count(*) FILTER (WHERE is_at_risk) AS at_risk,
        count(*) FILTER (WHERE is_at_risk IS NULL) AS unknown
    FROM enriched.shipments
    WHERE is_on_its_way
) AS now
WHERE days.day >= current_date - 14
ORDER BY days.day;
