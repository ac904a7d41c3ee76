-- How many days of each month are known how, of the :plants plants with the largest share of days
-- that are still to be had; plants is how many there are in all.
WITH months AS (
    SELECT
        plant_id,
        plant_name,
        date_trunc('month', day)::date AS month,
        count(*) AS days,
        count(*) FILTER (WHERE status = 'held') AS held,
        count(*) FILTER (WHERE status = 'partial') AS partial,
        count(*) FILTER (WHERE status = 'failed') AS failed,
        count(*) FILTER (WHERE status = 'empty') AS empty
    FROM solar.coverage
    GROUP BY plant_id, plant_name, month
),

ranked AS (
    SELECT
        plant_id,
        row_number() OVER (
            ORDER BY sum(held + empty) / sum(days), plant_id
        ) AS place,
        count(*) OVER () AS plants
    FROM months
    GROUP BY plant_id
)

SELECT
    ranked.plants,
    months.*
FROM ranked
INNER JOIN months USING (plant_id)
WHERE ranked.place <= :plants
ORDER BY ranked.place, months.month
